"""Routes a provider through a Gateway."""

import pulumi
from openai_compatible_llm import OpenAICompatibleLLM

config = pulumi.Config()
llm = OpenAICompatibleLLM(
    "llm",
    {
        "preset": config.require("provider"),
        "model": config.require("model"),
        "api_key": config.require_secret("apiKey"),
        "api": config.require("api"),
        "namespace": config.require("gatewayNamespace"),
        "gateway": {"name": config.require("gatewayName")},
    },
)
pulumi.export("path", llm.path)
