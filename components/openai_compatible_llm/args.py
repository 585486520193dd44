"""The arguments of OpenAICompatibleLLM, as a Python program writes them; elsewhere they are in camelCase."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypedDict

import pulumi


class BackendApi(StrEnum):
    """Generation of the gateway's API. Each value is the name of the module that builds its backend."""

    KGATEWAY = "kgateway"
    """`Backend` of gateway.kgateway.dev/v1alpha1: kgateway 2.1, Solo Enterprise for agentgateway."""

    AGENTGATEWAY = "agentgateway"
    """`AgentgatewayBackend` of agentgateway.dev/v1alpha1: agentgateway 1.x."""


class ApiKeySecretArgs(TypedDict):
    """A Secret that somebody else keeps."""

    name: pulumi.Input[str]
    """Name of the Secret, in the component's namespace. The key stands in it under `Authorization`.

    Source: `spec.ai.llm.openai.authToken.secretRef` of the Backend.
    """


class AuthHeaderArgs(TypedDict, total=False):
    """The header in which the provider gets the API key, where it isn't `Authorization: Bearer <key>`."""

    header_name: pulumi.Input[str]
    """Name of the header, such as `api-key`. Default: `Authorization`.

    Source: `authHeader.headerName` of the Backend.
    """

    prefix: pulumi.Input[str]
    """What stands before the key in the header's value, such as `Token`; the blank after it is added.

    Default: `Bearer` in `Authorization`, none in another header.

    Source: `authHeader.prefix` of the Backend.
    """


class GatewayArgs(TypedDict, total=False):
    """The Gateway that the route attaches to."""

    name: pulumi.Input[str]
    """Name of the Gateway. Default: `agentgateway`. Source: `spec.parentRefs[].name` of the HTTPRoute."""

    namespace: pulumi.Input[str]
    """Namespace of the Gateway. Default: the component's `namespace`.

    Source: `spec.parentRefs[].namespace` of the HTTPRoute.
    """

    section_name: pulumi.Input[str]
    """Name of the one listener to attach to. Default: none, all that admit the route.

    Source: `spec.parentRefs[].sectionName` of the HTTPRoute.
    """

    url: pulumi.Input[str]
    """URL by which clients reach the Gateway, such as `https://llm.example.com`: makes the output `url`.

    No object holds it. Default: none.
    """


class TLSArgs(TypedDict, total=False):
    """How the gateway makes sure of the provider. Source: `spec.validation` of the BackendTLSPolicy."""

    hostname: pulumi.Input[str]
    """Name that the provider's certificate must be for. Default: the provider's host."""

    ca_certificate_configmap: pulumi.Input[str]
    """Name of a ConfigMap in the component's namespace, with the certificate authorities under `ca.crt`.

    Default: none, the system's certificate authorities.
    """

    disabled: bool
    """Whether requests go to the provider in plain HTTP; no BackendTLSPolicy is made then. Default: false.

    Refused on port 443. Known when the component is made, not a Pulumi output.
    """


class OpenAICompatibleLLMArgs(TypedDict, total=False):
    """What an OpenAICompatibleLLM is made of: one of `preset`, `base_url` and `host`, and one key source."""

    preset: pulumi.Input[str]
    """Key of a provider in the catalogue, such as `mistral`: gives host, port and path, and the key's header."""

    base_url: pulumi.Input[str]
    """Base URL as an OpenAI client takes it, such as `https://api.mistral.ai/v1`: gives host, port and path.

    The path is the URL's with `/chat/completions` after it. `http` for its scheme turns TLS off.
    """

    host: pulumi.Input[str]
    """Host name of the provider, such as `api.mistral.ai`, without scheme, port or path. Default: the preset's.

    Source: `spec.ai.llm.host` of the Backend.
    """

    port: pulumi.Input[int]
    """TCP port of the provider, 1 to 65535. Default: the preset's, else 443.

    Source: `spec.ai.llm.port` of the Backend.
    """

    path: pulumi.Input[str]
    """Path of the provider's chat completions. Default: the preset's, else `/v1/chat/completions`.

    Always sent: once a host is set, a Backend without a path passes the caller's path on to the provider as it came.
    Source: `spec.ai.llm.path.full` of the Backend.
    """

    model: pulumi.Input[str]
    """Model that every request gets, whatever it asked for. Default: none, the request's own model is passed on.

    Source: `spec.ai.llm.openai.model` of the Backend.
    """

    api_key: pulumi.Input[str]
    """The provider's API key. Kept as a secret from here on: only the Secret object that is made for it holds it."""

    api_key_secret: pulumi.Input[ApiKeySecretArgs]
    """A Secret with the key that is there already; none is made then."""

    passthrough: bool
    """Whether the caller's own token is passed on to the provider; the gateway holds no key then. Default: false.

    Known when the component is made, not a Pulumi output.
    Source: `spec.ai.llm.openai.authToken.kind` of the Backend.
    """

    auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which the provider gets the key. Default: the preset's, else `Authorization: Bearer <key>`.

    Sent with `api: agentgateway`. Gateways of the `kgateway` generation ignore it, so the preview warns, and refuses a
    preset with a header of its own.
    """

    namespace: pulumi.Input[str]
    """Namespace of all four objects, which must exist. Default: `gloo-system`.

    They stand together because the gateway looks the Backend up in the route's namespace.
    """

    gateway: pulumi.Input[GatewayArgs]
    """The Gateway that the route attaches to. Default: `agentgateway` in the component's namespace."""

    route_path: pulumi.Input[str]
    """Path prefix at the gateway by which clients reach the provider. Default: `/<name of the component>`.

    Source: `spec.rules[].matches[].path.value` of the HTTPRoute.
    """

    hostnames: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Host names at the gateway by which clients reach the provider, 16 at most; `*.example.com` is for all below it.

    Default: none, whatever the gateway listens to. Source: `spec.hostnames` of the HTTPRoute.
    """

    rewrite_host: pulumi.Input[bool]
    """Whether requests carry the provider's host in their Host header. Default: true.

    Without it the provider gets the gateway's own, which one behind a content delivery network refuses.
    Source: `spec.rules[].filters[].urlRewrite.hostname` of the HTTPRoute.
    """

    tls: TLSArgs
    """How the gateway makes sure of the provider. Default: a certificate for its host, by the system's authorities."""

    api: BackendApi
    """Generation of the gateway's API: `kgateway` or `agentgateway`. Default: `kgateway`.

    Known when the component is made, not a Pulumi output.
    """

    wait_for_ready: bool
    """Whether `pulumi up` waits until the gateway has accepted Backend, HTTPRoute and BackendTLSPolicy. Default: false.

    Where no gateway controller runs, it waits in vain for `ready_timeout_seconds` and fails.
    Known when the component is made, not a Pulumi output.
    """

    ready_timeout_seconds: int
    """Seconds to wait for each object, at least 1. Default: 120. Only with `wait_for_ready`.

    Known when the component is made, not a Pulumi output.
    """

    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Labels of all four objects. Default: none."""

    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Annotations of all four objects. Default: none."""
