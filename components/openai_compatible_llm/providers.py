"""The catalogue: hosts and paths of known providers. It names no models, which change monthly."""

from dataclasses import dataclass

CHAT_COMPLETIONS_PATH = "/v1/chat/completions"
HTTPS_PORT = 443


@dataclass(frozen=True)
class Preset:
    """What is fixed about a provider.

    Attributes:
        title: The provider's own name.
        host: Host name of its API.
        path: Path of its chat completions.
        port: TCP port of its API.
    """

    title: str
    host: str
    path: str = CHAT_COMPLETIONS_PATH
    port: int = HTTPS_PORT


PRESETS = {
    # Sources: agentgateway's documentation of OpenAI-compatible providers; LiteLLM's and Envoy AI Gateway's lists.
    "deepseek": Preset("DeepSeek", "api.deepseek.com"),
    "mistral": Preset("Mistral AI", "api.mistral.ai"),
}
