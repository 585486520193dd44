"""The catalogue of known providers. It names no models, because those change every month."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CHAT_COMPLETIONS_PATH = "/v1/chat/completions"
HTTPS_PORT = 443

# Sources of the facts: agentgateway's presets (`crates/llm/src/custom.rs`) and documentation, Envoy AI Gateway's page
# of supported providers, LiteLLM's lists (`constants.py`, `providers.json`), models.dev, the provider's documentation.
AGENTGATEWAY = "agentgateway"
ENVOY = "Envoy AI Gateway"
LITELLM = "LiteLLM"
MODELS_DEV = "models.dev"
VENDOR = "its own documentation"

AGENTGATEWAY_PRESETS = "https://github.com/agentgateway/agentgateway/blob/main/crates/llm/src/custom.rs"
ENVOY_ENDPOINTS = (
    "https://github.com/envoyproxy/ai-gateway/blob/main/site/docs/capabilities/llm-integrations/supported-endpoints.md"
)


class EndpointKind(StrEnum):
    """What a provider may serve besides chat completions, by how the path goes on below its base URL."""

    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MODELS = "models"
    MESSAGES = "messages"
    RERANK = "rerank"
    AUDIO = "audio"
    """`audio/transcriptions`, `audio/translations` or `audio/speech`, not always all of them."""

    IMAGES = "images"
    """`images/generations`."""

    MODERATIONS = "moderations"


@dataclass(frozen=True)
class EndpointClaim:
    """Says that a provider serves endpoints, and where that is written.

    Attributes:
        kinds: The endpoints, below the base URL that its chat completions are below as well.
        source: URL of the page or file.
        confirmed: Day on which it was last compared with that.
    """

    kinds: tuple[EndpointKind, ...]
    source: str
    confirmed: date


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
        endpoint_claims: What it serves besides chat completions, where a source says so. A kind without a claim may be
            served nevertheless.
    """

    title: str
    host: str
    sources: tuple[str, ...]
    confirmed: date
    path: str = CHAT_COMPLETIONS_PATH
    port: int = HTTPS_PORT
    auth_header_confirmed: bool = True
    endpoint_claims: tuple[EndpointClaim, ...] = ()

    @property
    def endpoint_kinds(self) -> tuple[EndpointKind, ...]:
        """All kinds that a source claims, in the enum's order."""
        claimed = {kind for claim in self.endpoint_claims for kind in claim.kinds}
        return tuple(kind for kind in EndpointKind if kind in claimed)


PRESETS = {
    "mistral": Preset(
        "Mistral AI",
        "api.mistral.ai",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.EMBEDDINGS, EndpointKind.MODELS, EndpointKind.AUDIO, EndpointKind.MODERATIONS),
                "https://github.com/mistralai/client-python",
                date(2026, 11, 24),
            ),
        ),
    ),
    "deepseek": Preset(
        "DeepSeek",
        "api.deepseek.com",
        (AGENTGATEWAY, ENVOY, LITELLM, VENDOR),
        date(2026, 11, 22),
        endpoint_claims=(EndpointClaim((EndpointKind.RESPONSES,), AGENTGATEWAY_PRESETS, date(2026, 11, 24)),),
    ),
    "openai": Preset(
        "OpenAI",
        "api.openai.com",
        (AGENTGATEWAY, ENVOY),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (
                    EndpointKind.RESPONSES,
                    EndpointKind.EMBEDDINGS,
                    EndpointKind.MODELS,
                    EndpointKind.AUDIO,
                    EndpointKind.IMAGES,
                    EndpointKind.MODERATIONS,
                ),
                "https://github.com/openai/openai-python/blob/main/api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "groq": Preset(
        "Groq",
        "api.groq.com",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        path="/openai/v1/chat/completions",
        endpoint_claims=(
            EndpointClaim((EndpointKind.RESPONSES,), AGENTGATEWAY_PRESETS, date(2026, 11, 24)),
            EndpointClaim(
                (EndpointKind.EMBEDDINGS, EndpointKind.MODELS, EndpointKind.AUDIO),
                "https://github.com/groq/groq-python/blob/main/api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "xai": Preset(
        "xAI",
        "api.x.ai",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.RESPONSES, EndpointKind.MODELS, EndpointKind.IMAGES),
                "https://docs.x.ai/api-reference",
                date(2026, 11, 24),
            ),
        ),
    ),
    "openrouter": Preset(
        "OpenRouter",
        "openrouter.ai",
        (AGENTGATEWAY,),
        date(2026, 11, 22),
        path="/api/v1/chat/completions",
        endpoint_claims=(
            EndpointClaim(
                (
                    EndpointKind.RESPONSES,
                    EndpointKind.EMBEDDINGS,
                    EndpointKind.MODELS,
                    EndpointKind.MESSAGES,
                    EndpointKind.RERANK,
                    EndpointKind.AUDIO,
                ),
                "https://github.com/OpenRouterTeam/docs/blob/main/openapi/openapi.yaml",
                date(2026, 11, 24),
            ),
        ),
    ),
    "together": Preset(
        "Together AI",
        "api.together.xyz",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (
                    EndpointKind.EMBEDDINGS,
                    EndpointKind.MODELS,
                    EndpointKind.RERANK,
                    EndpointKind.AUDIO,
                    EndpointKind.IMAGES,
                ),
                "https://github.com/togethercomputer/together-py/blob/main/api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "fireworks": Preset(
        "Fireworks AI",
        "api.fireworks.ai",
        (AGENTGATEWAY, MODELS_DEV),
        date(2026, 11, 22),
        path="/inference/v1/chat/completions",
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.RESPONSES, EndpointKind.EMBEDDINGS, EndpointKind.MESSAGES, EndpointKind.RERANK),
                AGENTGATEWAY_PRESETS,
                date(2026, 11, 24),
            ),
        ),
    ),
    "cohere": Preset(
        "Cohere",
        "api.cohere.ai",
        (AGENTGATEWAY, ENVOY, MODELS_DEV),
        date(2026, 11, 22),
        path="/compatibility/v1/chat/completions",
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.EMBEDDINGS, EndpointKind.AUDIO),
                "https://docs.cohere.com/v2/docs/compatibility-api",
                date(2026, 11, 24),
            ),
        ),
    ),
    "deepinfra": Preset(
        "DeepInfra",
        "api.deepinfra.com",
        (AGENTGATEWAY, ENVOY, LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        path="/v1/openai/chat/completions",
        endpoint_claims=(
            EndpointClaim((EndpointKind.EMBEDDINGS,), "https://deepinfra.com/docs/inference", date(2026, 11, 24)),
        ),
    ),
    "cerebras": Preset(
        "Cerebras",
        "api.cerebras.ai",
        (AGENTGATEWAY, MODELS_DEV),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.MODELS,),
                "https://github.com/Cerebras/cerebras-cloud-sdk-python/blob/main/api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "huggingface": Preset(
        "Hugging Face router",
        "router.huggingface.co",
        (AGENTGATEWAY,),
        date(2026, 11, 22),
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.RESPONSES,),
                "https://github.com/huggingface/hub-docs/blob/main/docs/inference-providers/guides/responses-api.md",
                date(2026, 11, 24),
            ),
            EndpointClaim(
                (EndpointKind.MODELS,),
                "https://github.com/huggingface/hub-docs/blob/main/docs/inference-providers/hub-api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "baseten": Preset(
        "Baseten",
        "inference.baseten.co",
        (AGENTGATEWAY,),
        date(2026, 11, 22),
        auth_header_confirmed=False,
        endpoint_claims=(EndpointClaim((EndpointKind.MESSAGES,), AGENTGATEWAY_PRESETS, date(2026, 11, 24)),),
    ),
    "gemini": Preset(
        "Google Gemini",
        "generativelanguage.googleapis.com",
        (AGENTGATEWAY, ENVOY),
        date(2026, 11, 22),
        path="/v1beta/openai/chat/completions",
        endpoint_claims=(EndpointClaim((EndpointKind.EMBEDDINGS,), ENVOY_ENDPOINTS, date(2026, 11, 24)),),
    ),
    "perplexity": Preset(
        "Perplexity", "api.perplexity.ai", (VENDOR, LITELLM, MODELS_DEV), date(2026, 11, 22), path="/chat/completions"
    ),
    "zai": Preset(
        "Z.AI",
        "api.z.ai",
        (MODELS_DEV,),
        date(2026, 11, 22),
        path="/api/paas/v4/chat/completions",
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.IMAGES,), "https://docs.z.ai/api-reference/image/generate-image", date(2026, 11, 24)
            ),
        ),
    ),
    "dashscope": Preset(
        "Alibaba DashScope (international)",
        "dashscope-intl.aliyuncs.com",
        (MODELS_DEV, LITELLM),
        date(2026, 11, 22),
        path="/compatible-mode/v1/chat/completions",
        auth_header_confirmed=False,
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.EMBEDDINGS,),
                "https://docs.qwencloud.com/api-reference/text-embedding/openai-embedding",
                date(2026, 11, 24),
            ),
        ),
    ),
    "moonshot": Preset(
        "Moonshot AI",
        "api.moonshot.ai",
        (LITELLM, MODELS_DEV),
        date(2026, 11, 22),
        auth_header_confirmed=False,
        endpoint_claims=(
            EndpointClaim(
                (EndpointKind.MODELS,), "https://test-platform.kimi.ai/docs/api/overview", date(2026, 11, 24)
            ),
        ),
    ),
    "nvidia": Preset(
        "NVIDIA NIM", "integrate.api.nvidia.com", (LITELLM,), date(2026, 11, 22), auth_header_confirmed=False
    ),
    "sambanova": Preset(
        "SambaNova",
        "api.sambanova.ai",
        (LITELLM, ENVOY),
        date(2026, 11, 22),
        auth_header_confirmed=False,
        endpoint_claims=(
            EndpointClaim(
                (
                    EndpointKind.RESPONSES,
                    EndpointKind.EMBEDDINGS,
                    EndpointKind.MODELS,
                    EndpointKind.MESSAGES,
                    EndpointKind.AUDIO,
                ),
                "https://github.com/sambanova/sambanova-python/blob/main/api.md",
                date(2026, 11, 24),
            ),
        ),
    ),
    "venice": Preset(
        "Venice",
        "api.venice.ai",
        (LITELLM,),
        date(2026, 11, 22),
        path="/api/v1/chat/completions",
        auth_header_confirmed=False,
        endpoint_claims=(
            EndpointClaim(
                (
                    EndpointKind.RESPONSES,
                    EndpointKind.EMBEDDINGS,
                    EndpointKind.MODELS,
                    EndpointKind.AUDIO,
                    EndpointKind.IMAGES,
                ),
                "https://github.com/veniceai/api-docs/blob/main/swagger.yaml",
                date(2026, 11, 24),
            ),
        ),
    ),
    "sarvam": Preset("Sarvam", "api.sarvam.ai", (LITELLM, VENDOR), date(2026, 11, 24)),
}
