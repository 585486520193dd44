"""All that the rules know of the gateway APIs: one record for each."""

from dataclasses import dataclass

Steps = tuple[str, ...]


@dataclass(frozen=True)
class GatewayApi:
    """Names what one gateway API calls the objects and fields that the rules read. Defaults are what both have.

    Attributes:
        group: API group of its backends and policies.
        backend: Kind of the backend.
        policy: Kind of the policy for routes and Gateways.
        llm: Field of a backend's spec that is there if it leads to LLM providers.
        host: Field with the host of a provider.
        port: Field with the port, beside the host.
        section: Field by which a policy's `sectionName` refers to a provider, beside the host or around it.
        tls: Path of TLS settings that go before a BackendTLSPolicy, beside a provider or around it, if there are any.
        sni: Field of these settings: the name that the certificate must be for.
        inline_token: End of the path at which a backend takes a key that isn't in a Secret. Its first step is there
            whenever the provider gets a key.
        secret_reference: Field that names a Secret instead.
        passthrough: End of the path at which a backend says that it forwards the caller's own token.
        passes_through: The value there.
        keyless: Provider that gets no key unless a backend says so. Others may have credentials of their cloud.
        traffic: Path in a policy's spec to the fields that ask callers for credentials.
        authentications: These fields.
        unenforced: Values of `mode` in them with which anyone passes.
        header_modifiers: Field of a policy that sets headers.
        remedy: What to add to a route that asks for no key.
    """

    group: str
    backend: str
    policy: str
    inline_token: Steps
    passthrough: Steps
    passes_through: object
    remedy: str
    tls: Steps = ()
    traffic: Steps = ()
    llm: str = "ai"
    host: str = "host"
    port: str = "port"
    section: str = "name"
    sni: str = "sni"
    secret_reference: str = "secretRef"  # noqa: S105 (a field's name)
    keyless: str = "openai"
    authentications: frozenset[str] = frozenset(
        {"extAuth", "apiKeyAuthentication", "jwtAuthentication", "basicAuthentication"}
    )
    unenforced: frozenset[str] = frozenset({"Optional", "Permissive"})
    header_modifiers: str = "headerModifiers"


KGATEWAY = GatewayApi(
    group="gateway.kgateway.dev",
    backend="Backend",
    policy="TrafficPolicy",
    inline_token=("authToken", "inline"),
    passthrough=("authToken", "kind"),
    passes_through="Passthrough",
    remedy="a TrafficPolicy with extAuth, or move to `api: agentgateway`, whose gateways check keys themselves",
)

AGENTGATEWAY = GatewayApi(
    group="agentgateway.dev",
    backend="AgentgatewayBackend",
    policy="AgentgatewayPolicy",
    tls=("policies", "tls"),
    inline_token=("auth", "key"),
    passthrough=("auth", "passthrough"),
    passes_through={},
    traffic=("traffic",),
    remedy="an AgentgatewayPolicy with traffic.apiKeyAuthentication; for the component, give `clientApiKeys`",
)

APIS = {api.group: api for api in (KGATEWAY, AGENTGATEWAY)}
