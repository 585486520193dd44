"""Routes OpenAI-compatible LLM providers through agentgateway on Kubernetes: a Pulumi component."""

from .args import ApiKeySecretArgs, AuthHeaderArgs, BackendApi, Endpoints, GatewayArgs, OpenAICompatibleLLMArgs, TLSArgs
from .component import OpenAICompatibleLLM
from .inputs import InvalidArguments

__all__ = [
    "ApiKeySecretArgs",
    "AuthHeaderArgs",
    "BackendApi",
    "Endpoints",
    "GatewayArgs",
    "InvalidArguments",
    "OpenAICompatibleLLM",
    "OpenAICompatibleLLMArgs",
    "TLSArgs",
]
