"""Declares the components' arguments as a Python program writes them; other languages use camelCase."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Required, TypedDict

import pulumi


class BackendApi(StrEnum):
    """Selects the gateway API that the component creates its backend for."""

    KGATEWAY = "kgateway"
    """`Backend` of gateway.kgateway.dev/v1alpha1, served by kgateway 2.1."""

    AGENTGATEWAY = "agentgateway"
    """`AgentgatewayBackend` of agentgateway.dev/v1alpha1, served by agentgateway 1.4 and newer."""


class Endpoints(StrEnum):
    """Selects the part of the OpenAI API that clients reach through the route."""

    CHAT = "chat"
    """The gateway treats every request as a chat completion, whatever its path."""

    ALL = "all"
    """The gateway serves chat completions, responses and messages. It passes on audio and all else unchanged."""


class RateLimitPeriod(StrEnum):
    """Selects the time over which a rate limit counts."""

    SECOND = "second"
    """One second."""

    MINUTE = "minute"
    """One minute."""

    HOUR = "hour"
    """One hour."""

    DAY = "day"
    """One day, from midnight to midnight in UTC. Only for limits of clients with a `rate_limit_service`."""


class ApiKeySecretArgs(TypedDict):
    """Names a Secret that something else manages. Source: `spec.ai.llm.openai.authToken.secretRef` of the Backend."""

    name: pulumi.Input[str]
    """Name of the Secret, in the component's namespace. It holds the key under `Authorization`."""


class AuthHeaderArgs(TypedDict, total=False):
    """Describes the header with an API key: a provider's, or a client's.

    Source: `authHeader` of the Backend, `apiKeyAuthentication.location.header` of the AgentgatewayPolicy.
    """

    header_name: pulumi.Input[str]
    """Name of the header, such as `api-key`. Default: `Authorization`."""

    prefix: pulumi.Input[str]
    """Word before the key and a space, such as `Token`. Default: `Bearer` in `Authorization`, none in other headers."""


class GatewayArgs(TypedDict, total=False):
    """Describes the Gateway that the route attaches to. Source: `spec.parentRefs[]` of the HTTPRoute."""

    name: pulumi.Input[str]
    """Name of the Gateway. Default: `agentgateway`."""

    namespace: pulumi.Input[str]
    """Namespace of the Gateway. Default: the component's `namespace`; of a component without one, `gloo-system`."""

    section_name: pulumi.Input[str]
    """Name of the listener to attach to. Default: all listeners that admit the route."""

    url: pulumi.Input[str]
    """URL of the Gateway for clients, such as `https://llm.example.com`, for the output `url`. Default: none."""


class TLSArgs(TypedDict, total=False):
    """Describes how the gateway checks the provider's certificate.

    Source: `spec.validation` of the BackendTLSPolicy, `policies.tls` of the AgentgatewayBackend.
    """

    hostname: pulumi.Input[str]
    """Name that the provider's certificate must be valid for. Default: the provider's host."""

    ca_certificate_configmap: pulumi.Input[str]
    """ConfigMap in the component's namespace with authorities as `ca.crt`. Default: those of the gateway's system."""

    disabled: bool
    """Whether requests go to the provider in plain HTTP; not on port 443. Default: false. A plain value."""


class FallbackArgs(TypedDict, total=False):
    """Describes a provider that gets the requests when the providers before it fail.

    Give a `preset`, a `base_url` or a `host`, and one source of the API key. `base_url` excludes `preset`, `host`,
    `port` and `path`; beside a `preset`, these three replace its own.
    Source: `spec.ai.groups` of the AgentgatewayBackend.
    """

    name: Required[str]
    """Lower-case name. It must differ from the component's and the other fallbacks'.

    The component names the fallback's Secret `<component>-<fallback>-secret`. A plain value.
    """

    preset: pulumi.Input[str]
    """Name of a known provider, such as `deepseek`. It gives the host, port and path that aren't given beside it."""

    base_url: pulumi.Input[str]
    """Base URL as an OpenAI client takes it. It gives host, port and path, and excludes them and `preset`."""

    host: pulumi.Input[str]
    """Host name of the provider. Default: the preset's."""

    port: pulumi.Input[int]
    """Port of the provider, 1 to 65535. Default: the preset's, else 443."""

    path: pulumi.Input[str]
    """Path of the provider's chat completions. Default: the preset's, else `/v1/chat/completions`."""

    model: pulumi.Input[str]
    """Model for every request. Default: the component's on the same host, else the request's own.

    Required on another host than the component's if the component has a `model` or `model_aliases`.
    """

    api_key: pulumi.Input[str]
    """The provider's API key. Only the Secret that the component creates for this key holds it."""

    api_key_secret: pulumi.Input[ApiKeySecretArgs]
    """An existing Secret that holds the key. Several providers may share one."""

    keyless: bool
    """Whether the provider takes no key, and the gateway removes the client's token. Default: false. A plain value."""

    auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which the provider gets the key. Default: `Authorization: Bearer <key>`."""

    tls: TLSArgs
    """How the gateway checks the provider's certificate. Default: the provider's host, the system's authorities."""


class RetriesArgs(TypedDict, total=False):
    """Describes when the gateway retries a request. It never retries a request with a body over 64 KiB.

    Source: `attempts`, `codes` and `backoff` in `spec.traffic.retry` of the AgentgatewayPolicy.
    """

    attempts: pulumi.Input[int]
    """How often the gateway retries a request, 1 to 254. Default: the number of `fallbacks`, at least 1."""

    status_codes: pulumi.Input[Sequence[pulumi.Input[int]]]
    """Provider statuses that trigger a retry, each 400 to 599. Default: 429, 500, 502, 503 and 504."""

    backoff_milliseconds: pulumi.Input[int]
    """Shortest time between two attempts in milliseconds, 1 to 99999. Default: 50."""


class RateLimitArgs(TypedDict, total=False):
    """Describes how many requests or tokens the route takes, or a client may use. Give `requests` or `tokens`.

    Each proxy of the gateway counts separately, unless a `rate_limit_service` counts for all.
    """

    requests: pulumi.Input[int]
    """Requests in each period, at least 1."""

    tokens: pulumi.Input[int]
    """Tokens of prompts and answers in each period, at least 1. Only with `api: agentgateway`.

    The gateway counts them after the answer, so it still answers the request that uses them up.
    """

    per: Required[pulumi.Input[RateLimitPeriod]]
    """The period: `second`, `minute` or `hour`; `day` for a client's limit with a `rate_limit_service`."""

    burst: pulumi.Input[int]
    """Requests or tokens on top of the limit if there were fewer before. Default: 0.

    Not for a client's limit with a `rate_limit_service`.
    """


class ClientArgs(TypedDict, total=False):
    """Describes a client that may call. Give `api_key` or `api_key_sha256`.

    The cluster gets the SHA-256 of the key, and never the key. Source: the entries of the Secret that
    `spec.traffic.apiKeyAuthentication.secretRef` of the AgentgatewayPolicy names.
    """

    api_key: pulumi.Input[str]
    """The client's key, at least 20 characters. The component treats it as a secret."""

    api_key_sha256: pulumi.Input[str]
    """SHA-256 of the client's key as 64 lower-case hexadecimal digits, if only the client knows the key."""

    models: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Models that the client may ask for, by the names that it uses. Default: all.

    A name may have one `*` at its beginning or end, which stands for any characters. A client with `models` can't send
    requests that name no model, such as for files, but it can list models.
    """

    rate_limits: Sequence[RateLimitArgs]
    """How many requests or tokens the client may use. Above that, it gets HTTP 429. Default: no limit.

    Without a `rate_limit_service`, a client has at most one limit, which each route and each proxy counts separately,
    and at most 16 clients have one.
    """


class ClientsSecretArgs(TypedDict):
    """Names a Secret with clients' keys. Something else manages that Secret."""

    name: pulumi.Input[str]
    """Name of the Secret, in the component's namespace. Each of its entries is one client.

    An entry is the client's key, or JSON with `key` or `keyHash`, and `metadata`. In the metadata, `client` is the
    client's name, and `models` is a regular expression for the models that it may ask for.
    Source: `spec.traffic.apiKeyAuthentication.secretRef` of the AgentgatewayPolicy.
    """


class RateLimitServiceArgs(TypedDict, total=False):
    """Describes the rate limit service of Envoy, which counts clients' limits for all proxies and routes.

    Source: `spec.traffic.rateLimit.global` of the AgentgatewayPolicy.
    """

    host: Required[pulumi.Input[str]]
    """Host name of the service, such as `ratelimit.gloo-system.svc.cluster.local`."""

    port: pulumi.Input[int]
    """Port of the service for gRPC without TLS, 1 to 65535. Default: 8081."""

    domain: pulumi.Input[str]
    """Name under which the service keeps the limits. Components of one domain share them. Default: `llm`."""

    fail_open: pulumi.Input[bool]
    """Whether clients may call while the service doesn't answer; otherwise they get HTTP 500. Default: false."""


class OpenAICompatibleLLMArgs(TypedDict, total=False):
    """Describes one provider. Give a `preset`, a `base_url` or a `host`, and one source of the API key.

    `base_url` excludes `preset`, `host`, `port` and `path`; beside a `preset`, these three replace its own.
    """

    preset: pulumi.Input[str]
    """Name of a known provider, such as `mistral`. It gives the host, port and path that aren't given beside it."""

    base_url: pulumi.Input[str]
    """Base URL as an OpenAI client takes it, such as `https://api.mistral.ai/v1`. It gives host, port and path.

    It excludes `preset`, `host`, `port` and `path`.
    The path is the URL's path followed by `/chat/completions`. A URL with `http` turns TLS off.
    """

    host: pulumi.Input[str]
    """Host name of the provider, such as `api.mistral.ai`, without scheme, port or path. Default: the preset's.

    Source: `spec.ai.llm.host` of the Backend.
    """

    port: pulumi.Input[int]
    """Port of the provider, 1 to 65535. Default: the preset's, else 443. Source: `spec.ai.llm.port` of the Backend."""

    path: pulumi.Input[str]
    """Path of the provider's chat completions. Default: the preset's, else `/v1/chat/completions`.

    With `endpoints: all` it must end in `/chat/completions`; what comes before that is the prefix of all endpoints.
    Source: `spec.ai.llm.path.full` of the Backend; `path` or `pathPrefix` of the AgentgatewayBackend's provider.
    """

    model: pulumi.Input[str]
    """Model for every request, whatever the request asks for. Default: the request's own model.

    With `endpoints: all` it is the model of chat completions, responses and messages; other requests keep their own.
    Source: `spec.ai.llm.openai.model` of the Backend.
    """

    api_key: pulumi.Input[str]
    """The provider's API key. The component treats it as a secret; only the Secret that it creates holds it."""

    api_key_secret: pulumi.Input[ApiKeySecretArgs]
    """An existing Secret that holds the key. The component then creates no Secret for it."""

    passthrough: bool
    """Whether the gateway forwards the client's own token to the provider, and holds no key. Default: false.

    A plain value. Source: `spec.ai.llm.openai.authToken.kind` of the Backend.
    """

    keyless: bool
    """Whether the provider takes no key, and the gateway removes the client's token. Default: false. A plain value.

    Only with `api: agentgateway`.
    """

    auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which the provider gets the key. Default: `Authorization: Bearer <key>`.

    Only with `api: agentgateway`. With another header than `Authorization`, the gateway removes the client's own
    `Authorization` from the request.
    """

    namespace: pulumi.Input[str]
    """Namespace of all objects. It must exist. Default: `gloo-system`.

    All objects share it, because the gateway looks the backend up in the route's namespace.
    """

    gateway: pulumi.Input[GatewayArgs]
    """The Gateway that the route attaches to. Default: `agentgateway` in the component's namespace."""

    route_path: pulumi.Input[str]
    """Path prefix at the gateway by which clients reach the provider. Default: `/<name of the component>`.

    Source: `spec.rules[].matches[].path.value` of the HTTPRoute.
    """

    shared_route_path: pulumi.Input[str]
    """Path prefix at the gateway that several providers share: a request's model decides which of them gets it.

    Default: none. Needs `models` or `model_aliases`, and an OpenAICompatibleGateway with this `route_path` at the same
    Gateway. Not allowed with `model` or `endpoints: chat`. Only with `api: agentgateway`.
    """

    models: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Models by which clients reach the provider at `shared_route_path`. Default: the names in `model_aliases`.

    A name may have one `*` at its beginning or end, which stands for any characters. The names in `model_aliases`
    belong to them without being repeated. Only with `api: agentgateway`.
    """

    hostnames: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Host names at the gateway by which clients reach the provider, at most 16. `*.example.com` matches subdomains.

    Default: every host name that the gateway listens to. Source: `spec.hostnames` of the HTTPRoute.
    """

    rewrite_host: pulumi.Input[bool]
    """Whether the route sets the Host header to the provider's host. Default: true.

    If it is false, gateways of `api: kgateway` send their own host. Providers behind a content delivery network refuse
    that. Gateways of `api: agentgateway` always set the provider's host, so with them it can't be false.
    Source: `spec.rules[].filters[].urlRewrite.hostname` of the HTTPRoute.
    """

    endpoints: pulumi.Input[Endpoints]
    """The part of the OpenAI API that clients reach through the route: `chat` or `all`.

    Default: with `shared_route_path`, `all`; otherwise, with `api: agentgateway`, `all`, unless there is a `path` or
    `fallbacks`; otherwise `chat`. `all` needs `api: agentgateway`.
    Source: `spec.policies.ai.routes` of the AgentgatewayBackend.
    """

    tls: TLSArgs
    """How the gateway checks the provider's certificate. Default: the provider's host, the system's authorities."""

    request_timeout_seconds: pulumi.Input[int]
    """Seconds until the provider's answer begins, 1 to 99999. Default: no limit.

    If the gateway retries a request, the limit applies to each attempt. Once an answer has begun, it may take any time.
    Source: `spec.rules[].timeouts` of the HTTPRoute.
    """

    retries: RetriesArgs
    """When the gateway retries a request. Default: never; with `fallbacks`, as often as there are fallbacks.

    Only with `api: agentgateway`.
    """

    fallbacks: Sequence[FallbackArgs]
    """Providers that get the requests when this one fails, at most 7, in the order of use. Default: none.

    The gateway excludes a provider for some seconds if it refuses connections, answers with 429 or 5xx, or doesn't
    begin to answer within `request_timeout_seconds`. Only with `api: agentgateway`.
    """

    clients: Mapping[str, ClientArgs]
    """Clients that may call the route, by name: their keys, models and limits. Default: anyone may call the route.

    The component puts the SHA-256 of each key into a Secret `<name>-clients`. The gateway removes a client's key from
    the request. The map is a plain value; keys, models and limits in it may be outputs. Only with `api: agentgateway`.
    """

    clients_secret: pulumi.Input[ClientsSecretArgs]
    """An existing Secret with the clients that may call the route. Only with `api: agentgateway`."""

    client_auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which clients send their keys. Default: `Authorization: Bearer <key>`.

    Only with `api: agentgateway`.
    """

    rate_limit_service: RateLimitServiceArgs
    """Rate limit service for the limits of clients. Default: each proxy and each route counts for itself.

    The component creates a backend `<name>-rate-limits` that leads to it. An OpenAICompatibleGateway with the same
    `clients` creates its configuration. Only with `api: agentgateway`.
    """

    rate_limits: Sequence[RateLimitArgs]
    """How many requests or tokens the route takes. Above that, clients get HTTP 429. Default: no limit.

    The list has one limit, because gateways count only the first one. With `api: kgateway`, it limits requests. Clients
    share it. Beside limits of `clients`, it needs a `rate_limit_service`.
    Source: `spec.traffic.rateLimit.local` of the AgentgatewayPolicy, `spec.rateLimit.local` of the TrafficPolicy.
    """

    request_defaults: pulumi.Input[Mapping[str, Any]]
    """Fields that the gateway sets in the request's body if the client leaves them out, such as `temperature`.

    Default: none.
    Source: `spec.policies.ai.defaults` of the AgentgatewayBackend, `spec.ai.defaults` of the TrafficPolicy.
    """

    request_overrides: pulumi.Input[Mapping[str, Any]]
    """Fields that the gateway sets in the request's body even if the client gives them, such as `seed`. Default: none.

    Source: `spec.policies.ai.overrides` of the AgentgatewayBackend, `spec.ai.defaults` of the TrafficPolicy.
    """

    model_aliases: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Names that clients may use, each with the provider's model for it. Default: none. Not allowed with `model`.

    Source: `spec.policies.ai.modelAliases` of the AgentgatewayBackend, `spec.ai.modelAliases` of the TrafficPolicy.
    """

    api: BackendApi
    """Gateway API of the backend: `kgateway` or `agentgateway`. Default: `kgateway`. A plain value."""

    wait_for_ready: bool
    """Whether `pulumi up` waits until the gateway has accepted the backend and the route. Default: false.

    With `api: kgateway` it also waits for the BackendTLSPolicy. If no gateway controller accepts the objects within
    `ready_timeout_seconds`, the `up` fails. A plain value.
    """

    ready_timeout_seconds: int
    """Seconds to wait for each object, at least 1. Default: 120. Only with `wait_for_ready`. A plain value."""

    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Labels of all objects. Default: none."""

    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Annotations of all objects. Default: none."""


class OpenAICompatibleGatewayArgs(TypedDict, total=False):
    """Describes what providers have in common that share one base URL at a Gateway of agentgateway 1.4 or newer."""

    gateway: pulumi.Input[GatewayArgs]
    """The Gateway whose requests are routed by their model. Default: `agentgateway` in `gloo-system`.

    All objects are in its namespace. With `section_name` the component is for that listener alone.
    """

    route_path: Required[pulumi.Input[str]]
    """Path prefix of the base URL, such as `/llm`: the `shared_route_path` of its providers.

    It may be `/`. Requests that no other route takes then get the OpenAI error.
    """

    models: pulumi.Input[Mapping[str, pulumi.Input[Sequence[pulumi.Input[str]]]]]
    """Models that the base URL lists, by their owner's name: usually the output `models` of each provider.

    Default: none. The list leaves out those with a `*`.
    """

    clients: Mapping[str, ClientArgs]
    """Clients that may use the base URL, by name: their keys, models and limits. Default: anyone may use the base URL.

    The component puts the SHA-256 of each key into a Secret `<name>-clients`. The list shows each client its own
    models. The map is a plain value; keys, models and limits in it may be outputs.
    """

    clients_secret: pulumi.Input[ClientsSecretArgs]
    """An existing Secret with the clients that may use the base URL."""

    client_auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which clients send their keys. Default: `Authorization: Bearer <key>`."""

    rate_limit_service: RateLimitServiceArgs
    """Rate limit service for the limits of clients. Default: none.

    The component creates a backend `<name>-rate-limits` that leads to it and, from `clients`, its configuration: the
    ConfigMap `<name>-rate-limits`, with the entry `limits.yaml`.
    """

    max_request_bytes: pulumi.Input[int]
    """Size in bytes of the largest body that the Gateway reads, 1 to 4294967295. Default: the gateway's own, 2 MB.

    It holds for the whole Gateway. A larger request has no model. Source: `spec.frontend.http.maxBufferSize` of the
    AgentgatewayPolicy.
    """

    client_label: bool
    """Whether the Gateway's metrics and log say which client sent a request, as `client`. Default: false.

    A plain value. If another policy of the Gateway sets labels too, one of the two is lost without a message.
    Source: `spec.frontend.metrics` and `spec.frontend.accessLog` of the AgentgatewayPolicy.
    """

    wait_for_ready: bool
    """Whether `pulumi up` waits until the gateway has accepted the route and the policy of the Gateway. Default: false.

    If no gateway controller accepts them within `ready_timeout_seconds`, the `up` fails. A plain value.
    """

    ready_timeout_seconds: int
    """Seconds to wait for each object, at least 1. Default: 120. Only with `wait_for_ready`. A plain value."""

    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Labels of all objects. Default: none."""

    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Annotations of all objects. Default: none."""
