"""Gives several providers one base URL, at which a request's model decides which of them answers."""

import pulumi
from openai_compatible_llm import OpenAICompatibleGateway, OpenAICompatibleLLM

PATH = "/llm"
# The models of each provider by its preset. A name may have one * at its beginning or end.
MODELS = {
    "mistral": ["mistral-medium-latest", "mistral-*"],
    "deepseek": ["deepseek-flash", "deepseek-*"],
}

config = pulumi.Config()
namespace = config.require("gatewayNamespace")
gateway = {"name": config.require("gatewayName"), "namespace": namespace, "url": config.require("gatewayUrl")}

# Who may call, which models it may ask for, and what it may use at each provider.
clients = {
    "web": {
        "api_key": config.require_secret("webApiKey"),
        "models": ["mistral-*", "deepseek-flash"],
        "rate_limits": [{"tokens": 200000, "per": "hour"}],
    },
}

providers = {
    preset: OpenAICompatibleLLM(
        preset,
        {
            "api": "agentgateway",
            "preset": preset,
            "models": models,
            "shared_route_path": PATH,
            "api_key": config.require_secret(f"{preset}ApiKey"),
            "clients": clients,
            "namespace": namespace,
            "gateway": gateway,
        },
    )
    for preset, models in MODELS.items()
}
llm = OpenAICompatibleGateway(
    "llm",
    {
        "route_path": PATH,
        "models": {preset: provider.models for preset, provider in providers.items()},
        "clients": clients,
        "gateway": gateway,
    },
)
pulumi.export("url", llm.url)
