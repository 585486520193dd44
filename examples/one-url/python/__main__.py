"""Gives Mistral and DeepSeek one base URL, at which a request's model decides which of them answers."""

import pulumi
from openai_compatible_llm import OpenAICompatibleGateway, OpenAICompatibleLLM

PATH = "/llm"

config = pulumi.Config()
namespace = config.require("namespace")
gateway = config.require_object("gateway")
# Who may call, which models it may ask for, and what it may use at each provider.
clients = {
    "web": {
        "api_key": config.require_secret("webApiKey"),
        "models": ["fast", "deepseek-flash"],
        "rate_limits": [{"tokens": 200000, "per": "hour"}],
    },
}

mistral = OpenAICompatibleLLM(
    "mistral",
    {
        "api": "agentgateway",
        "preset": "mistral",
        "models": ["mistral-medium-latest", "codestral-*"],
        "model_aliases": {"fast": "mistral-small-latest"},
        "api_key": config.require_secret("mistralApiKey"),
        "clients": clients,
        "namespace": namespace,
        "gateway": gateway,
        "shared_route_path": PATH,
    },
)
deepseek = OpenAICompatibleLLM(
    "deepseek",
    {
        "api": "agentgateway",
        "preset": "deepseek",
        "models": ["deepseek-flash", "deepseek-v4-pro"],
        "api_key": config.require_secret("deepseekApiKey"),
        "clients": clients,
        "namespace": namespace,
        "gateway": gateway,
        "shared_route_path": PATH,
    },
)
llm = OpenAICompatibleGateway(
    "llm",
    {
        "gateway": gateway,
        "route_path": PATH,
        "models": {"mistral": mistral.models, "deepseek": deepseek.models},
        "clients": clients,
    },
)
pulumi.export("url", llm.url)
