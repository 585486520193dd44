"""OpenAICompatibleLLM itself: makes the four objects, names them, and says what came of it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from . import client_url, gateway_api, generations, readiness, resolution, validation
from .args import OpenAICompatibleLLMArgs
from .secret_rotation import warn_where_a_new_key_replaces_the_secret
from .settings import TLS, ObjectNames, Settings
from .shape import has_later_parts, without_nones

TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"  # noqa: S105 (Pulumi's word for a resource type)

# The key in the Secret under which the gateway looks for the API key; under another it sends none.
SECRET_KEY = "Authorization"  # noqa: S105

DEFAULT_READY_TIMEOUT_SECONDS = 120

T = TypeVar("T")
U = TypeVar("U")


class OpenAICompatibleLLM(pulumi.ComponentResource):
    """Routes an OpenAI-compatible LLM provider through agentgateway.

    Makes a Secret with the API key, a Backend (or AgentgatewayBackend), a BackendTLSPolicy and an HTTPRoute in one
    namespace, on a cluster with the custom resource definitions of the Gateway API and of the gateway.
    """

    path: pulumi.Output[str]
    """Path prefix at the gateway: an OpenAI client's base URL is the gateway's address, this, and `/v1`."""

    url: pulumi.Output[str | None]
    """Base URL for an OpenAI client: `gateway.url`, the path, and `/v1`; none without `gateway.url`.

    Where there are `hostnames` and the URL's host is not among them, the first of them without `*` stands in its place;
    none where there is no such.
    """

    host: pulumi.Output[str]
    """Host name of the provider."""

    model: pulumi.Output[str | None]
    """Model that every request gets; none where the request's own is passed on."""

    namespace: pulumi.Output[str]
    """Namespace of the objects."""

    secret_name: pulumi.Output[str | None]
    """Name of the Secret that holds the API key; none with `passthrough`."""

    backend_name: pulumi.Output[str]
    """Name of the Backend or AgentgatewayBackend."""

    route_name: pulumi.Output[str]
    """Name of the HTTPRoute."""

    tls_policy_name: pulumi.Output[str | None]
    """Name of the BackendTLSPolicy; none where TLS is off."""

    def __init__(self, name: str, args: OpenAICompatibleLLMArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Makes the objects.

        Args:
            name: Name of the component, of which its objects' are made: `<name>`, `<name>-tls` and `<name>-secret`.
            args: What to make; see `OpenAICompatibleLLMArgs`.
            opts: Options of the component; its objects inherit the Kubernetes provider.

        Raises:
            InvalidArguments: Where the arguments make no sense, with every problem in one message. Nothing is made.
        """
        validation.refuse_problems(name, args)
        super().__init__(TOKEN, name, None, opts)
        given = cast("OpenAICompatibleLLMArgs", without_nones(args))
        settings = _settings(name, given)
        backend_kind = generations.backend_kind(given.get("api"))
        names = ObjectNames(name, backend_kind.tls_policy_suffix)
        objects = _Objects(self, given, settings)

        secret = None
        if "api_key" in given:
            warn_where_a_new_key_replaces_the_secret(self)
            api_key = pulumi.Output.secret(given["api_key"]).apply(lambda key: validation.checked_api_key(name, key))
            secret = Secret(
                names.secret,
                metadata=objects.metadata(names.secret),
                type="Opaque",
                string_data={SECRET_KEY: api_key},
                opts=objects.options(),
            )
        backend = CustomResource(
            names.backend,
            backend_kind.api_version,
            backend_kind.kind,
            metadata=objects.metadata(names.backend, lambda _: backend_kind.ready_when),
            spec=_when_known(settings, backend_kind.spec),
            opts=objects.options(secret, waits=True),
        )
        tls_policy = None
        if resolution.uses_tls(given):
            tls_policy = CustomResource(
                names.tls_policy,
                gateway_api.API_VERSION,
                "BackendTLSPolicy",
                metadata=objects.metadata(
                    names.tls_policy, readiness.tls_policy if backend_kind.accepts_policy_before_route else None
                ),
                spec=_when_known(settings, lambda s: gateway_api.tls_policy_spec(s, cast("TLS", s.tls), backend_kind)),
                opts=objects.options(backend, waits=backend_kind.accepts_policy_before_route),
            )
        route = CustomResource(
            names.route,
            gateway_api.API_VERSION,
            "HTTPRoute",
            metadata=objects.metadata(names.route, readiness.route),
            spec=_when_known(settings, lambda s: gateway_api.route_spec(s, backend_kind)),
            opts=objects.options(backend, tls_policy, waits=True),
        )
        _when_known(settings, lambda s: self._warn(backend_kind.warnings(s)))

        # The route is made last: what depends on these outputs comes when requests reach the provider.
        reachable = route.urn.apply(lambda _: settings)
        self.path = reachable.apply(lambda s: s.route_path)
        self.url = reachable.apply(lambda s: client_url.of_route(s.gateway.url, s.route_path, s.hostnames))
        self.host = reachable.apply(lambda s: s.host)
        self.model = reachable.apply(lambda s: s.model)
        self.namespace = reachable.apply(lambda s: s.namespace)
        self.secret_name = reachable.apply(lambda s: s.secret_name)
        self.backend_name = backend.urn.apply(lambda _: names.backend)
        self.route_name = route.urn.apply(lambda _: names.route)
        self.tls_policy_name = reachable.apply(lambda s: names.tls_policy if s.tls else None)
        self.register_outputs(
            {
                "path": self.path,
                "url": self.url,
                "host": self.host,
                "model": self.model,
                "namespace": self.namespace,
                "secretName": self.secret_name,
                "backendName": self.backend_name,
                "routeName": self.route_name,
                "tlsPolicyName": self.tls_policy_name,
            }
        )

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            pulumi.log.warn(warning, self)


class _Objects:
    """What the four objects have in common."""

    def __init__(
        self,
        component: OpenAICompatibleLLM,
        given: OpenAICompatibleLLMArgs,
        settings: Settings | pulumi.Output[Settings],
    ) -> None:
        self._component = component
        self._settings = settings
        self._has_annotations = bool(given.get("annotations"))
        self._has_labels = bool(given.get("labels"))
        self._waits = given.get("wait_for_ready", False)
        self._timeout = f"{given.get('ready_timeout_seconds', DEFAULT_READY_TIMEOUT_SECONDS):.0f}s"

    def metadata(self, name: str, ready: Callable[[Settings], str] | None = None) -> ObjectMetaArgs:
        """Without empty maps, of which every `up` would say that they changed."""
        ready_when = ready if self._waits else None

        def annotations(settings: Settings) -> Mapping[str, str]:
            return {**settings.annotations, **({readiness.ANNOTATION: ready_when(settings)} if ready_when else {})}

        return ObjectMetaArgs(
            name=name,
            namespace=_when_known(self._settings, lambda s: s.namespace),
            labels=_when_known(self._settings, lambda s: s.labels) if self._has_labels else None,
            annotations=_when_known(self._settings, annotations) if self._has_annotations or ready_when else None,
        )

    def options(self, *made_before: pulumi.Resource | None, waits: bool = False) -> pulumi.ResourceOptions:
        timeouts = pulumi.CustomTimeouts(create=self._timeout, update=self._timeout) if waits and self._waits else None
        return pulumi.ResourceOptions(
            parent=self._component,
            depends_on=[resource for resource in made_before if resource],
            custom_timeouts=timeouts,
        )


def _settings(name: str, given: OpenAICompatibleLLMArgs) -> Settings | pulumi.Output[Settings]:
    """What is known of the arguments has been checked; what is known later is checked as soon as all is."""
    api_key: dict[str, Any] = {"api_key": given.get("api_key")}
    others = {argument: value for argument, value in given.items() if argument != "api_key"}
    tls_expected = resolution.uses_tls(given)

    def resolve(known: Mapping[str, Any]) -> Settings:
        return resolution.settings_from(name, {**known, **api_key}, tls_expected=tls_expected)

    if has_later_parts(others):
        return pulumi.Output.from_input(others).apply(resolve)
    return resolve(others)


def _when_known(value: T | pulumi.Output[T], build: Callable[[T], U]) -> U | pulumi.Output[U]:
    """What is built of a value: at once where it is known, as each Output costs time of every `up`."""
    return value.apply(build) if isinstance(value, pulumi.Output) else build(value)
