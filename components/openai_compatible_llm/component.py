"""OpenAICompatibleLLM itself: makes the four objects, names them, and says what came of it."""

from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from . import gateway_api, kgateway, validation
from .args import OpenAICompatibleLLMArgs
from .settings import ObjectNames, Settings

TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"  # noqa: S105 (Pulumi's word for a resource type)

# The key in the Secret under which the gateway looks for the API key; under another it sends none.
SECRET_KEY = "Authorization"  # noqa: S105


class OpenAICompatibleLLM(pulumi.ComponentResource):
    """Routes an OpenAI-compatible LLM provider through agentgateway.

    Makes a Secret with the API key, a Backend, a BackendTLSPolicy and an HTTPRoute in one namespace, where the Gateway
    API's and the gateway's custom resource definitions must be installed.
    """

    path: pulumi.Output[str]
    """Path prefix at the gateway: an OpenAI client's base URL is the gateway's address, this, and `/v1`."""

    host: pulumi.Output[str]
    """Host name of the provider."""

    model: pulumi.Output[str | None]
    """Model that every request gets; none where the request's own is passed on."""

    namespace: pulumi.Output[str]
    """Namespace of the objects."""

    secret_name: pulumi.Output[str]
    """Name of the Secret that holds the API key."""

    backend_name: pulumi.Output[str]
    """Name of the Backend."""

    route_name: pulumi.Output[str]
    """Name of the HTTPRoute."""

    tls_policy_name: pulumi.Output[str]
    """Name of the BackendTLSPolicy."""

    def __init__(self, name: str, args: OpenAICompatibleLLMArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Makes the four objects.

        Args:
            name: Name of the component and of its objects: `<name>`, `<name>-tls` and `<name>-secret`.
            args: What to make; see `OpenAICompatibleLLMArgs`.
            opts: Options of the component; its objects inherit the Kubernetes provider.

        Raises:
            InvalidArguments: Where the arguments make no sense, with every problem in one message. Nothing is made.
        """
        settings = _settings(name, args)
        super().__init__(TOKEN, name, None, opts)
        names = ObjectNames(name)
        backend_kind = kgateway.BACKEND

        def metadata(object_name: str) -> ObjectMetaArgs:
            return ObjectMetaArgs(name=object_name, namespace=settings.apply(lambda s: s.namespace))

        def made_after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, depends_on=list(resources))

        secret = Secret(
            names.secret,
            metadata=metadata(names.secret),
            type="Opaque",
            string_data={SECRET_KEY: _secret_api_key(name, args["api_key"])},
            opts=made_after(),
        )
        backend = CustomResource(
            names.backend,
            backend_kind.api_version,
            backend_kind.kind,
            metadata=metadata(names.backend),
            spec=settings.apply(backend_kind.spec),
            opts=made_after(secret),
        )
        tls_policy = CustomResource(
            names.tls_policy,
            gateway_api.API_VERSION,
            "BackendTLSPolicy",
            metadata=metadata(names.tls_policy),
            spec=settings.apply(lambda s: gateway_api.tls_policy_spec(s, backend_kind)),
            opts=made_after(backend),
        )
        route = CustomResource(
            names.route,
            gateway_api.API_VERSION,
            "HTTPRoute",
            metadata=metadata(names.route),
            spec=settings.apply(lambda s: gateway_api.route_spec(s, backend_kind)),
            opts=made_after(backend, tls_policy),
        )

        # The route is made last: what depends on these outputs comes when requests reach the provider.
        reachable = pulumi.Output.all(settings, route.urn).apply(lambda both: cast("Settings", both[0]))
        self.path = reachable.apply(lambda s: s.route_path)
        self.host = reachable.apply(lambda s: s.host)
        self.model = reachable.apply(lambda s: s.model)
        self.namespace = reachable.apply(lambda s: s.namespace)
        self.secret_name = secret.urn.apply(lambda _: names.secret)
        self.backend_name = backend.urn.apply(lambda _: names.backend)
        self.route_name = route.urn.apply(lambda _: names.route)
        self.tls_policy_name = tls_policy.urn.apply(lambda _: names.tls_policy)
        self.register_outputs(
            {
                "path": self.path,
                "host": self.host,
                "model": self.model,
                "namespace": self.namespace,
                "secretName": self.secret_name,
                "backendName": self.backend_name,
                "routeName": self.route_name,
                "tlsPolicyName": self.tls_policy_name,
            }
        )


def _settings(name: str, args: OpenAICompatibleLLMArgs) -> pulumi.Output[Settings]:
    """What is known of the arguments is checked at once, what is known later as soon as it is."""
    api_key = {"api_key": args.get("api_key")}
    others = {argument: value for argument, value in args.items() if argument != "api_key"}
    if not _known_later(others):
        return pulumi.Output.from_input(validation.settings_from(name, {**others, **api_key}))
    validation.refuse_problems(name, {**others, **api_key})
    return pulumi.Output.from_input(others).apply(lambda known: validation.settings_from(name, {**known, **api_key}))


def _known_later(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_known_later(each) for each in value.values())
    return validation.is_known_later(value)


def _secret_api_key(name: str, key: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(key).apply(lambda known: validation.checked_api_key(name, known))
