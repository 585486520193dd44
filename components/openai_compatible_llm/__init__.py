"""Routes OpenAI-compatible LLM providers through agentgateway on Kubernetes: a Pulumi component."""

from .args import AuthHeaderArgs, GatewayArgs, OpenAICompatibleLLMArgs
from .component import OpenAICompatibleLLM
from .validation import InvalidArguments

__all__ = [
    "AuthHeaderArgs",
    "GatewayArgs",
    "InvalidArguments",
    "OpenAICompatibleLLM",
    "OpenAICompatibleLLMArgs",
]
