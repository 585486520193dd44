"""One OpenAICompatibleLLM for each provider that the stack's config names."""

import os

import pulumi

from components import OpenAICompatibleLLM
from stack_config import load_providers

providers = {}
for name, args in load_providers(pulumi.Config(), os.environ).items():
    llm = OpenAICompatibleLLM(name, args)
    providers[name] = {
        "path": llm.path,
        "url": llm.url,
        "host": llm.host,
        "model": llm.model,
        "namespace": llm.namespace,
        "routeName": llm.route_name,
        "tlsPolicyName": llm.tls_policy_name,
    }

pulumi.export("providers", providers)
