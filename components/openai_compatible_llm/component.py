"""Defines OpenAICompatibleLLM, which names, creates and orders the Kubernetes objects of one provider."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from . import gateway_api, readiness
from .args import OpenAICompatibleLLMArgs
from .backends import BACKENDS, SECRET_KEY
from .client_url import client_base_url
from .inputs import Inputs, parse, to_camel_case
from .secret_rotation import warn_if_rotation_replaces_secret
from .settings import TLS, ObjectNames, Plan, Settings

TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"  # noqa: S105 (Pulumi's word for a resource type)

T = TypeVar("T")
U = TypeVar("U")


class OpenAICompatibleLLM(pulumi.ComponentResource):
    """Routes an OpenAI-compatible LLM provider through agentgateway.

    Creates Secrets with the API keys, a Backend with a BackendTLSPolicy (or an AgentgatewayBackend), a policy for the
    route where one is needed, and an HTTPRoute, all in one namespace. The cluster needs the custom resource definitions
    of the Gateway API and of the gateway.
    """

    path: pulumi.Output[str]
    """Path prefix at the gateway. The base URL for an OpenAI client is the gateway's URL, this path, and `/v1`."""

    url: pulumi.Output[str | None]
    """Base URL for an OpenAI client: `gateway.url`, the path, and `/v1`; none without `gateway.url`.

    If there are `hostnames` and the URL's host is not one of them, the first host name without `*` replaces that host.
    """

    host: pulumi.Output[str]
    """Host name of the provider."""

    model: pulumi.Output[str | None]
    """Model for every request; none if each request names its own."""

    namespace: pulumi.Output[str]
    """Namespace of the objects."""

    secret_name: pulumi.Output[str | None]
    """Name of the Secret that holds the API key; none with `passthrough` and `keyless`."""

    backend_name: pulumi.Output[str]
    """Name of the Backend or AgentgatewayBackend."""

    route_name: pulumi.Output[str]
    """Name of the HTTPRoute."""

    clients_secret_name: pulumi.Output[str | None]
    """Name of the Secret that holds the clients' keys; none if anyone may call."""

    policy_name: pulumi.Output[str | None]
    """Name of the route's policy, an AgentgatewayPolicy or TrafficPolicy; none if the route needs no policy."""

    tls_policy_name: pulumi.Output[str | None]
    """Name of the BackendTLSPolicy; none without TLS, and none with `api: agentgateway`."""

    def __init__(self, name: str, args: OpenAICompatibleLLMArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Creates the objects.

        Args:
            name: Name of the component. The names of its objects begin with it.
            args: What to create; see `OpenAICompatibleLLMArgs`.
            opts: Options of the component. Its objects inherit the Kubernetes provider.

        Raises:
            InvalidArguments: With every problem in one message. Nothing has been created then.
        """
        inputs = parse(name, args)
        super().__init__(TOKEN, name, None, opts)
        backend_definition = BACKENDS[inputs.plan.api]
        names = ObjectNames(name)
        settings = inputs.settings
        objects = _Objects(self, inputs)

        secrets = [objects.secret(secret, {SECRET_KEY: key}) for secret, key in inputs.api_keys().items()]
        if (client_keys := inputs.client_api_keys()) is not None:
            secrets.append(objects.secret(names.clients_secret, client_keys))
        if secrets:
            warn_if_rotation_replaces_secret(self)

        def backend_after(*created_before: pulumi.Resource | None) -> CustomResource:
            return CustomResource(
                names.backend,
                backend_definition.api_version,
                backend_definition.kind,
                metadata=objects.metadata(names.backend, lambda _: readiness.ACCEPTED),
                spec=map_output(settings, backend_definition.spec),
                opts=objects.options(*secrets, *created_before, waits=True),
            )

        def tls_policy_after(*created_before: pulumi.Resource) -> CustomResource | None:
            if not inputs.plan.has_tls_policy:
                return None
            return CustomResource(
                names.tls_policy,
                gateway_api.API_VERSION,
                "BackendTLSPolicy",
                metadata=objects.metadata(names.tls_policy, lambda _: readiness.any_ancestor_accepted()),
                spec=map_output(settings, lambda s: backend_definition.tls_policy_spec(s, cast("TLS", s.provider.tls))),
                opts=objects.options(*created_before, waits=True),
            )

        def policy_after(*created_before: pulumi.Resource | None) -> CustomResource | None:
            if not inputs.plan.has_policy:
                return None
            return CustomResource(
                names.policy,
                backend_definition.api_version,
                backend_definition.policy_kind,
                metadata=objects.metadata(names.policy),
                spec=map_output(settings, backend_definition.policy_spec),
                opts=objects.options(*created_before),
            )

        def route_after(*created_before: pulumi.Resource | None) -> CustomResource:
            return CustomResource(
                names.route,
                gateway_api.API_VERSION,
                "HTTPRoute",
                metadata=objects.metadata(names.route, readiness.route_accepted),
                spec=map_output(settings, backend_definition.route_spec),
                opts=objects.options(*created_before, waits=True),
            )

        if inputs.plan.has_clients:
            # A controller can hand its proxies a route some milliseconds before the policy of that route, and take the
            # policy away before the route. Meanwhile anyone may call; the backend, which is missing, answers nobody.
            last = backend_after(route_after(policy_after(*secrets)))
        else:
            backend = backend_after()
            tls_policy = tls_policy_after(backend)
            policy = policy_after(backend, tls_policy)
            last = route_after(backend, tls_policy, policy)

        self._last, self._settings, self._plan = last, settings, inputs.plan
        self.register_outputs({to_camel_case(output): self._known(output) for output in OUTPUTS})

    def _known(self, output: str) -> Any:
        return map_output(self._settings, partial(OUTPUTS[output], self._plan))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> pulumi.Output[Any]:
            """Makes an output when the program first asks for it: each costs time."""
            if name not in OUTPUTS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            # Whatever depends on an output can send requests to the provider: it waits for the last object.
            output = self._last.urn.apply(lambda _: self._known(name))
            setattr(self, name, output)
            return output


OUTPUTS: Mapping[str, Callable[[Plan, Settings], Any]] = {
    "path": lambda _, s: s.route_path,
    "url": lambda _, s: client_base_url(s.gateway.url, s.route_path, s.hostnames),
    "host": lambda _, s: s.provider.host,
    "model": lambda _, s: s.provider.model,
    "namespace": lambda _, s: s.namespace,
    "secret_name": lambda _, s: s.provider.secret_name,
    "backend_name": lambda _, s: s.names.backend,
    "route_name": lambda _, s: s.names.route,
    "clients_secret_name": lambda _, s: s.clients_secret_name,
    "policy_name": lambda plan, s: s.names.policy if plan.has_policy else None,
    "tls_policy_name": lambda plan, s: s.names.tls_policy if plan.has_tls_policy else None,
}


class _Objects:
    """Makes what the objects of one component have in common."""

    def __init__(self, component: OpenAICompatibleLLM, inputs: Inputs) -> None:
        self._component = component
        self._settings = inputs.settings
        self._plan = inputs.plan

    def metadata(self, name: str, ready: Callable[[Settings], str] | None = None) -> ObjectMetaArgsDict:
        """Makes metadata without empty maps, which every `up` would show as a change."""
        ready_when = None if self._plan.ready_timeout_seconds is None else ready

        def annotations(settings: Settings) -> Mapping[str, str]:
            return {**settings.annotations, **({readiness.ANNOTATION: ready_when(settings)} if ready_when else {})}

        has_annotations = self._plan.has_annotations or ready_when is not None
        metadata: ObjectMetaArgsDict = {"name": name, "namespace": map_output(self._settings, lambda s: s.namespace)}
        if self._plan.has_labels:
            metadata["labels"] = map_output(self._settings, lambda s: s.labels)
        if has_annotations:
            metadata["annotations"] = map_output(self._settings, annotations)
        return metadata

    def secret(self, name: str, data: Mapping[str, pulumi.Input[str]] | pulumi.Output[Mapping[str, str]]) -> Secret:
        return Secret(name, metadata=self.metadata(name), type="Opaque", string_data=data, opts=self.options())

    def options(self, *created_before: pulumi.Resource | None, waits: bool = False) -> pulumi.ResourceOptions:
        timeout = f"{self._plan.ready_timeout_seconds}s"
        waits = waits and self._plan.ready_timeout_seconds is not None
        return pulumi.ResourceOptions(
            parent=self._component,
            depends_on=[resource for resource in created_before if resource],
            custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout) if waits else None,
        )


def map_output(value: T | pulumi.Output[T], build: Callable[[T], U]) -> U | pulumi.Output[U]:
    """Builds at once where the value is known, because every Output makes an `up` slower."""
    return value.apply(build) if isinstance(value, pulumi.Output) else build(value)
