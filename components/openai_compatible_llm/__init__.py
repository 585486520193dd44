"""Routes OpenAI-compatible LLM providers through agentgateway on Kubernetes: a Pulumi component."""

from .args import (
    ApiKeySecretArgs,
    AuthHeaderArgs,
    BackendApi,
    ClientArgs,
    ClientsSecretArgs,
    Endpoints,
    FallbackArgs,
    GatewayArgs,
    OpenAICompatibleGatewayArgs,
    OpenAICompatibleLLMArgs,
    RateLimitArgs,
    RateLimitPeriod,
    RateLimitServiceArgs,
    RetriesArgs,
    TLSArgs,
)
from .arguments import InvalidArguments
from .gateway import OpenAICompatibleGateway
from .provider import OpenAICompatibleLLM

__all__ = [
    "ApiKeySecretArgs",
    "AuthHeaderArgs",
    "BackendApi",
    "ClientArgs",
    "ClientsSecretArgs",
    "Endpoints",
    "FallbackArgs",
    "GatewayArgs",
    "InvalidArguments",
    "OpenAICompatibleGateway",
    "OpenAICompatibleGatewayArgs",
    "OpenAICompatibleLLM",
    "OpenAICompatibleLLMArgs",
    "RateLimitArgs",
    "RateLimitPeriod",
    "RateLimitServiceArgs",
    "RetriesArgs",
    "TLSArgs",
    "__version__",
]

__version__ = "0.1.0"
