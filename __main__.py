"""One OpenAICompatibleLLM for each provider that the stack's config names, and what they share at one base URL."""

import os

import pulumi

from components import OpenAICompatibleGateway, OpenAICompatibleLLM
from stack_config import load_stack

stack = load_stack(pulumi.Config(), os.environ)

providers = {}
for name, args in stack.providers.items():
    llm = OpenAICompatibleLLM(name, args)
    providers[name] = {
        "path": llm.path,
        "url": llm.url,
        "host": llm.host,
        "model": llm.model,
        "models": llm.models,
        "namespace": llm.namespace,
        "routeName": llm.route_name,
        "tlsPolicyName": llm.tls_policy_name,
    }

pulumi.export("providers", providers)

for name, gateway_args in stack.gateways.items():
    gateway = OpenAICompatibleGateway(name, gateway_args)
    pulumi.export(
        "shared",
        {
            "path": gateway.route_path,
            "url": gateway.url,
            "models": gateway_args.get("models"),
            "namespace": gateway.namespace,
            "routeName": gateway.route_name,
            "policyName": gateway.policy_name,
            "rateLimitConfigMapName": gateway.rate_limit_config_map_name,
        },
    )
