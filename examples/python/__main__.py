"""Routes the provider that Pulumi.dev.yaml describes through its Gateway."""

import pulumi
from openai_compatible_llm import OpenAICompatibleLLM

config = pulumi.Config()
llm = OpenAICompatibleLLM(
    "llm",
    {
        "api": config.require("api"),
        "base_url": config.require("baseUrl"),
        "model": config.require("model"),
        "api_key": config.require_secret("apiKey"),
        "namespace": config.require("namespace"),
        "gateway": config.require_object("gateway"),
    },
)
pulumi.export("url", llm.url)
