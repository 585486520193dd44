"""What the program beside this folder uses. Other programs install the folder and import `openai_compatible_llm`."""

from .openai_compatible_llm import (
    BackendApi,
    Endpoints,
    InvalidArguments,
    OpenAICompatibleGateway,
    OpenAICompatibleGatewayArgs,
    OpenAICompatibleLLM,
    OpenAICompatibleLLMArgs,
)

__all__ = [
    "BackendApi",
    "Endpoints",
    "InvalidArguments",
    "OpenAICompatibleGateway",
    "OpenAICompatibleGatewayArgs",
    "OpenAICompatibleLLM",
    "OpenAICompatibleLLMArgs",
]
