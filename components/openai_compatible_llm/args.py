"""The arguments of OpenAICompatibleLLM, as a Python program writes them; elsewhere they are in camelCase."""

from typing import TypedDict

import pulumi


class AuthHeaderArgs(TypedDict, total=False):
    """The header in which the provider gets the API key, where it isn't `Authorization: Bearer <key>`.

    Source: `spec.ai.llm.authHeader` of the Backend. The agentgateway 0.10 proxy ignores it and goes on sending
    `Authorization: Bearer <key>`.
    """

    header_name: pulumi.Input[str]
    """Name of the header, such as `api-key`. Default: `Authorization`."""

    prefix: pulumi.Input[str]
    """What stands before the key in the header's value, such as `Token`. Default: `Bearer`."""


class GatewayArgs(TypedDict, total=False):
    """The Gateway that the route attaches to. Source: `spec.parentRefs[]` of the HTTPRoute."""

    name: pulumi.Input[str]
    """Name of the Gateway. Default: `agentgateway`."""

    namespace: pulumi.Input[str]
    """Namespace of the Gateway. Default: the component's `namespace`."""


class OpenAICompatibleLLMArgs(TypedDict, total=False):
    """What an OpenAICompatibleLLM is made of. `preset` or `host` is needed, and `api_key`."""

    preset: pulumi.Input[str]
    """Key of a provider in the catalogue, such as `mistral` or `deepseek`: gives host, port and path."""

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

    auth_header: pulumi.Input[AuthHeaderArgs]
    """The header in which the provider gets the key. Default: `Authorization: Bearer <key>`."""

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

    rewrite_host: pulumi.Input[bool]
    """Whether requests carry the provider's host in their Host header. Default: true.

    Without it the provider gets the gateway's own, which one behind a content delivery network refuses.
    Source: `spec.rules[].filters[].urlRewrite.hostname` of the HTTPRoute.
    """
