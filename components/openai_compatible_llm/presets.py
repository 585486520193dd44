"""The catalogue of known providers. It names no models, because those change every month."""

from dataclasses import dataclass
from datetime import date

CHAT_COMPLETIONS_PATH = "/v1/chat/completions"
HTTPS_PORT = 443

# Sources of the facts: agentgateway's presets (`crates/llm/src/custom.rs`) and documentation, Envoy AI Gateway's page
# of supported providers, LiteLLM's lists (`constants.py`, `providers.json`), models.dev, the provider's documentation.
AGENTGATEWAY = "agentgateway"
ENVOY = "Envoy AI Gateway"
LITELLM = "LiteLLM"
MODELS_DEV = "models.dev"
VENDOR = "its own documentation"


@dataclass(frozen=True)
class Preset:
    """What doesn't change about a provider.

    Attributes:
        title: The provider's own name.
        host: Host name of its API.
        sources: Names of the pages and lists that say so.
        confirmed: Day on which it was last compared with them.
        path: Path of its chat completions.
        port: TCP port of its API.
        auth_header_confirmed: Whether a source says that it takes `Authorization: Bearer <key>`; otherwise that is
            an assumption.
    """

    title: str
    host: str
    sources: tuple[str, ...]
    confirmed: date
    path: str = CHAT_COMPLETIONS_PATH
    port: int = HTTPS_PORT
    auth_header_confirmed: bool = True


PRESETS = {
    "mistral": Preset("Mistral AI", "api.mistral.ai", (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV), date(2026, 11, 22)),
    "deepseek": Preset("DeepSeek", "api.deepseek.com", (AGENTGATEWAY, ENVOY, LITELLM, VENDOR), date(2026, 11, 22)),
    "openai": Preset("OpenAI", "api.openai.com", (AGENTGATEWAY, ENVOY), date(2026, 11, 22)),
    "groq": Preset(
        "Groq",
        "api.groq.com",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        path="/openai/v1/chat/completions",
    ),
    "xai": Preset("xAI", "api.x.ai", (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV), date(2026, 11, 22)),
    "openrouter": Preset(
        "OpenRouter", "openrouter.ai", (AGENTGATEWAY,), date(2026, 11, 22), path="/api/v1/chat/completions"
    ),
    "together": Preset(
        "Together AI", "api.together.xyz", (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV), date(2026, 11, 22)
    ),
    "fireworks": Preset(
        "Fireworks AI",
        "api.fireworks.ai",
        (AGENTGATEWAY, MODELS_DEV),
        date(2026, 11, 22),
        path="/inference/v1/chat/completions",
    ),
    "cohere": Preset(
        "Cohere",
        "api.cohere.ai",
        (AGENTGATEWAY, ENVOY, MODELS_DEV),
        date(2026, 11, 22),
        path="/compatibility/v1/chat/completions",
    ),
    "deepinfra": Preset(
        "DeepInfra",
        "api.deepinfra.com",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        path="/v1/openai/chat/completions",
    ),
    "cerebras": Preset("Cerebras", "api.cerebras.ai", (AGENTGATEWAY, MODELS_DEV), date(2026, 11, 22)),
    "huggingface": Preset("Hugging Face router", "router.huggingface.co", (AGENTGATEWAY,), date(2026, 11, 22)),
    "baseten": Preset(
        "Baseten", "inference.baseten.co", (AGENTGATEWAY,), date(2026, 11, 22), auth_header_confirmed=False
    ),
    "gemini": Preset(
        "Google Gemini",
        "generativelanguage.googleapis.com",
        (AGENTGATEWAY, ENVOY),
        date(2026, 11, 22),
        path="/v1beta/openai/chat/completions",
    ),
    "perplexity": Preset(
        "Perplexity", "api.perplexity.ai", (VENDOR, LITELLM, MODELS_DEV), date(2026, 11, 22), path="/chat/completions"
    ),
    "zai": Preset("Z.AI", "api.z.ai", (MODELS_DEV,), date(2026, 11, 22), path="/api/paas/v4/chat/completions"),
    "dashscope": Preset(
        "Alibaba DashScope (international)",
        "dashscope-intl.aliyuncs.com",
        (MODELS_DEV, LITELLM),
        date(2026, 11, 22),
        path="/compatible-mode/v1/chat/completions",
        auth_header_confirmed=False,
    ),
    "moonshot": Preset(
        "Moonshot AI", "api.moonshot.ai", (LITELLM, MODELS_DEV), date(2026, 11, 22), auth_header_confirmed=False
    ),
    "nvidia": Preset(
        "NVIDIA NIM", "integrate.api.nvidia.com", (LITELLM,), date(2026, 11, 22), auth_header_confirmed=False
    ),
    "sambanova": Preset(
        "SambaNova", "api.sambanova.ai", (LITELLM, ENVOY), date(2026, 11, 22), auth_header_confirmed=False
    ),
    "venice": Preset(
        "Venice",
        "api.venice.ai",
        (LITELLM,),
        date(2026, 11, 22),
        path="/api/v1/chat/completions",
        auth_header_confirmed=False,
    ),
    "sarvam": Preset("Sarvam", "api.sarvam.ai", (LITELLM, VENDOR), date(2026, 11, 24)),
}
