"""Describes components completely: arguments that are valid and resolved, with their defaults, and never a key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .args import BackendApi, Endpoints, RateLimitPeriod
from .objects import ObjectPlan, ObjectSettings

AUTHORIZATION = "Authorization"
"""The header in which clients send their keys and, unless the arguments say otherwise, providers get theirs."""

CHAT_COMPLETIONS = "/chat/completions"
"""Path of chat completions below the base URL of an OpenAI client."""

MODELS = "/models"
"""Path of the list of models below the base URL of an OpenAI client."""

OPENAI_ENDPOINTS = (
    "assistants|audio|batches|chat|completions|containers|conversations|embeddings|evals|files|fine_tuning|images|messages"
    "|models|moderations|realtime|rerank|responses|threads|uploads|vector_stores|videos"
)
"""First segments of what OpenAI clients send below their base URL, as a regular expression."""


@dataclass(frozen=True)
class Plan(ObjectPlan):
    """What is decided before any Output is resolved: which objects are created, and whether the route has clients."""

    api: BackendApi
    has_tls_policy: bool
    has_policy: bool
    has_clients: bool
    has_rate_limit_service: bool


@dataclass(frozen=True)
class AuthHeader:
    """The header with a key, a provider's or a client's, and the word before the key, if there is one."""

    name: str
    prefix: str | None

    @property
    def is_authorization(self) -> bool:
        return self.name.lower() == AUTHORIZATION.lower()


@dataclass(frozen=True)
class Gateway:
    """The route's parent, and the URL by which clients reach it; None where nobody gave one."""

    name: str
    namespace: str
    section_name: str | None
    url: str | None

    @property
    def parent_ref(self) -> dict[str, str]:
        """How a route refers to it."""
        parent = {"name": self.name, "namespace": self.namespace}
        return parent if self.section_name is None else {**parent, "sectionName": self.section_name}


@dataclass(frozen=True)
class Placement:
    """Where the objects of a component go: for which gateway API, and with a route to which Gateway."""

    api: BackendApi
    namespace: str
    gateway: Gateway


@dataclass(frozen=True)
class TLS:
    """How the provider's certificate is checked; without a ConfigMap, the system's certificate authorities."""

    hostname: str
    ca_certificate_configmap: str | None


class ObjectNames:
    """Names of the objects, all made from the component's name."""

    def __init__(self, component: str) -> None:
        self.component = self.backend = self.policy = self.route = component
        self.secret = f"{component}-secret"
        self.clients_secret = f"{component}-clients"
        self.tls_policy = f"{component}-tls"
        self.rate_limits = f"{component}-rate-limits"

    def fallback_secret(self, fallback: str) -> str:
        return f"{self.component}-{fallback}-secret"


@dataclass(frozen=True)
class Provider:
    """One LLM provider: where it is, and what it gets.

    Attributes:
        name: The component's or the fallback's name.
        path: Path of its chat completions.
        secret_name: Name of the Secret with the key; None where there is none.
        keyless: Whether the provider gets no key. Without a Secret, it otherwise gets the caller's token.
        tls: None where requests go to the provider in plain HTTP.
    """

    name: str
    host: str
    port: int
    path: str
    model: str | None
    secret_name: str | None
    keyless: bool
    auth_header: AuthHeader | None
    tls: TLS | None

    @property
    def path_prefix(self) -> str:
        """The path that all endpoints of its API begin with, such as `/v1`."""
        return self.path.removesuffix(CHAT_COMPLETIONS) or "/"

    @property
    def is_address(self) -> bool:
        """Whether the host is an IPv4 address; no valid host name has digits and dots alone."""
        return self.host.replace(".", "").isdecimal()


@dataclass(frozen=True)
class Retries:
    """When a request is sent again."""

    attempts: int
    status_codes: tuple[int, ...]
    backoff_milliseconds: int


@dataclass(frozen=True)
class RateLimit:
    """How many requests, or else tokens, the route takes or a client may use in each period."""

    requests: int | None
    tokens: int | None
    per: RateLimitPeriod
    burst: int


@dataclass(frozen=True)
class RateLimitService:
    """Where the service is that counts clients' limits, and whether clients may call while it doesn't answer."""

    host: str
    port: int
    domain: str
    fail_open: bool


@dataclass(frozen=True)
class Client:
    """What a client may ask for, and how much; None for all models."""

    name: str
    models: tuple[str, ...] | None
    rate_limits: tuple[RateLimit, ...]


@dataclass(frozen=True)
class Clients:
    """Who may call.

    Attributes:
        secret_name: Name of the Secret with their keys or the hashes of these.
        known: What the arguments say of each; nothing of those in an existing Secret.
        auth_header: Where they send their keys; None for `Authorization: Bearer`.
    """

    secret_name: str
    known: tuple[Client, ...]
    auth_header: AuthHeader | None
    rate_limit_service: RateLimitService | None


@dataclass(frozen=True)
class ClientSettings(ObjectSettings):
    """What components have in common whose routes may have clients.

    Attributes:
        clients: None where anyone may call.
    """

    clients: Clients | None

    @property
    def known_clients(self) -> tuple[Client, ...]:
        """The clients that the arguments describe."""
        return self.clients.known if self.clients else ()

    @property
    def rate_limit_service(self) -> RateLimitService | None:
        """What counts the clients' limits for all proxies and routes."""
        return self.clients.rate_limit_service if self.clients else None


@dataclass(frozen=True)
class SharedRoute:
    """The path that providers share, and the models, patterns and aliases by which a request there is this one's."""

    path: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Settings(ClientSettings):
    """Plain values, of which whatever is built may be shown in a preview.

    Attributes:
        fallbacks: The providers that get the requests when those before fail.
        request_timeout_seconds: How long an answer may take to begin; None for any time.
    """

    names: ObjectNames
    gateway: Gateway
    provider: Provider
    fallbacks: tuple[Provider, ...]
    endpoints: Endpoints
    request_timeout_seconds: int | None
    retries: Retries | None
    rate_limits: tuple[RateLimit, ...]
    request_defaults: Mapping[str, Any]
    request_overrides: Mapping[str, Any]
    model_aliases: Mapping[str, str]
    route_path: str
    shared_route: SharedRoute | None
    hostnames: tuple[str, ...]
    rewrite_host: bool

    @property
    def providers(self) -> tuple[Provider, ...]:
        """All providers, in the order in which they are used."""
        return (self.provider, *self.fallbacks)


@dataclass(frozen=True)
class GatewayPlan(ObjectPlan):
    """What is decided of an OpenAICompatibleGateway before any Output is resolved."""

    has_gateway_policy: bool
    has_rate_limit_service: bool
    has_rate_limit_config: bool


class GatewayObjectNames:
    """Names of the objects of an OpenAICompatibleGateway, all made from the component's name."""

    def __init__(self, component: str) -> None:
        self.route = self.policy = component
        self.gateway_policy = f"{component}-gateway"
        self.models_policy = f"{component}-models"
        self.unknown_policy = f"{component}-unknown"
        self.clients_secret = f"{component}-clients"
        self.rate_limits = f"{component}-rate-limits"

    @property
    def policies(self) -> tuple[str, ...]:
        return self.policy, self.gateway_policy, self.models_policy, self.unknown_policy


@dataclass(frozen=True)
class GatewaySettings(ClientSettings):
    """Plain values of an OpenAICompatibleGateway.

    Attributes:
        models: What the base URL lists: names and patterns, by their owner.
        max_request_bytes: None for the gateway's own limit.
    """

    names: GatewayObjectNames
    gateway: Gateway
    route_path: str
    models: Mapping[str, tuple[str, ...]]
    max_request_bytes: int | None
    client_label: bool
