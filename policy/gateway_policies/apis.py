"""Describes each gateway API. A further one needs its record here alone: no other module names an API or its fields."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class GatewayApi:
    """Says where the objects of one gateway API have what the policies ask about.

    A field of a backend may be at any depth of its spec. What both APIs have in common is the default.

    Attributes:
        backend: Kind of the backend.
        llm: Field at the top of a backend's spec that contains LLM providers.
        host: Field with a provider's host.
        port: Field with its port, beside the host.
        section: Field with the name for a BackendTLSPolicy's `sectionName`, beside the host or around it.
        tls_hostname: Path of the name that a certificate must be for, from beside the host or around it. The last step
            is in the provider's own TLS settings, which go before a BackendTLSPolicy. Empty where there are none.
        auth: Field with a provider's credentials.
        inline_key: Field in `auth`, or in a client's entry of a Secret, with the key itself.
        secret: Field in `auth` that names the Secret with the key.
        passthrough: Field in `auth`, and its value, by which the provider gets the caller's own token.
        keyless: Provider that gets no key where the backend has no `auth`. Others may have credentials of their cloud.
        policy: Kind of the policy for routes.
        selectors: Field at the top of a policy's spec that selects targets by their labels.
        traffic: Path in a policy's spec of what it asks of requests.
        authentications: Fields in `traffic` that ask callers for credentials.
        clients_secret: Path in `traffic` of the reference to the Secret with clients' keys. Empty where there is none.
        key_hash: Field in a client's entry of that Secret with the hash of its key.
        unenforced: Fields in an authentication, and their values, by which callers without credentials pass as well.
        header_modifiers: Field of a policy that sets headers.
        remedy: What to give to a route on which nothing asks for credentials.
    """

    group: str
    backend: str
    llm: str = "ai"
    host: str = "host"
    port: str = "port"
    section: str = "name"
    tls_hostname: tuple[str, ...] = ()
    auth: str
    inline_key: str
    secret: str = "secretRef"  # noqa: S105 (the name of a field)
    passthrough: tuple[str, Any]
    keyless: str = "openai"
    policy: str
    selectors: str = "targetSelectors"
    traffic: tuple[str, ...] = ()
    authentications: tuple[str, ...]
    clients_secret: tuple[str, ...] = ()
    key_hash: str = "keyHash"
    unenforced: tuple[tuple[str, str], ...] = ()
    header_modifiers: str = "headerModifiers"
    remedy: str


APIS = (
    GatewayApi(
        group="gateway.kgateway.dev",
        backend="Backend",
        auth="authToken",
        inline_key="inline",
        passthrough=("kind", "Passthrough"),
        policy="TrafficPolicy",
        authentications=("extAuth",),
        remedy="a TrafficPolicy with extAuth, or move to `api: agentgateway`, whose gateways check keys themselves",
    ),
    GatewayApi(
        group="agentgateway.dev",
        backend="AgentgatewayBackend",
        tls_hostname=("policies", "tls", "sni"),
        auth="auth",
        inline_key="key",
        passthrough=("passthrough", {}),
        policy="AgentgatewayPolicy",
        traffic=("traffic",),
        authentications=("apiKeyAuthentication", "jwtAuthentication", "basicAuthentication", "extAuth"),
        clients_secret=("apiKeyAuthentication", "secretRef"),
        unenforced=(("mode", "Optional"), ("mode", "Permissive")),
        remedy="an AgentgatewayPolicy with traffic.apiKeyAuthentication; for the component, give `clients`",
    ),
)
