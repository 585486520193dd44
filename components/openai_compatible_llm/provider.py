"""Defines OpenAICompatibleLLM, which names, creates and orders the Kubernetes objects of one provider."""

from collections.abc import Mapping, Sequence

import pulumi

from .args import OpenAICompatibleLLMArgs
from .backends import BACKENDS, BackendDefinition
from .backends.clients import service_spec
from .client_url import client_base_url
from .inputs import parse
from .objects import SECRETS, Object, ObjectFactory, gateway_api, output, outputs_of, readiness
from .objects.secret_rotation import warn_if_rotation_replaces_secret
from .settings import ObjectNames, Plan, Settings

TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"  # noqa: S105 (Pulumi's word for a resource type)

BACKEND, TLS_POLICY, RATE_LIMITS, POLICY, ROUTE = "backend", "TLS policy", "rate limits", "policy", "route"

ORDER: Mapping[str, Sequence[str]] = {
    BACKEND: [SECRETS],
    TLS_POLICY: [BACKEND],
    POLICY: [BACKEND, TLS_POLICY],
    ROUTE: [BACKEND, TLS_POLICY, POLICY],
}
"""What each object depends on."""

ORDER_WITH_CLIENTS: Mapping[str, Sequence[str]] = {
    RATE_LIMITS: [],
    POLICY: [SECRETS, RATE_LIMITS],
    ROUTE: [POLICY],
    BACKEND: [SECRETS, ROUTE],
}
"""The same where clients need a key.

A controller can hand its proxies a route some milliseconds before the policy of that route, and take the policy away
before the route. Meanwhile anyone may call; the backend, which is missing, answers nobody.
"""


class OpenAICompatibleLLM(pulumi.ComponentResource):
    """Routes an OpenAI-compatible LLM provider through agentgateway.

    Creates Secrets with the API keys, a Backend with a BackendTLSPolicy (or an AgentgatewayBackend), a policy for the
    route where one is needed, and an HTTPRoute, all in one namespace. The cluster needs the custom resource definitions
    of the Gateway API and of the gateway.
    """

    path: pulumi.Output[str] = output(lambda _, s: s.route_path)
    """Path prefix at the gateway. The base URL for an OpenAI client is the gateway's URL, this path, and `/v1`."""

    url: pulumi.Output[str | None] = output(lambda _, s: client_base_url(s.gateway.url, s.route_path, s.hostnames))
    """Base URL for an OpenAI client: `gateway.url`, the path, and `/v1`; none without `gateway.url`.

    If there are `hostnames` and the URL's host is not one of them, the first host name without `*` replaces that host.
    """

    host: pulumi.Output[str] = output(lambda _, s: s.provider.host)
    """Host name of the provider."""

    model: pulumi.Output[str | None] = output(lambda _, s: s.provider.model)
    """Model for every request; none if each request names its own."""

    models: pulumi.Output[Sequence[str]] = output(lambda _, s: list(s.shared_route.models if s.shared_route else ()))
    """Names, patterns and aliases by which clients reach the provider at `shared_route_path`; empty without that."""

    namespace: pulumi.Output[str] = output(lambda _, s: s.namespace)
    """Namespace of the objects."""

    secret_name: pulumi.Output[str | None] = output(lambda _, s: s.provider.secret_name)
    """Name of the Secret that holds the API key; none with `passthrough` and `keyless`."""

    backend_name: pulumi.Output[str] = output(lambda _, s: s.names.backend)
    """Name of the Backend or AgentgatewayBackend."""

    route_name: pulumi.Output[str] = output(lambda _, s: s.names.route)
    """Name of the HTTPRoute."""

    clients_secret_name: pulumi.Output[str | None] = output(lambda _, s: s.clients.secret_name if s.clients else None)
    """Name of the Secret with the clients; none if anyone may call."""

    rate_limit_backend_name: pulumi.Output[str | None] = output(
        lambda plan, s: s.names.rate_limits if plan.has_rate_limit_service else None
    )
    """Name of the AgentgatewayBackend that leads to the rate limit service; none without that."""

    policy_name: pulumi.Output[str | None] = output(lambda plan, s: s.names.policy if plan.has_policy else None)
    """Name of the route's policy, an AgentgatewayPolicy or TrafficPolicy; none if the route needs no policy."""

    tls_policy_name: pulumi.Output[str | None] = output(
        lambda plan, s: s.names.tls_policy if plan.has_tls_policy else None
    )
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
        self._objects = factory = ObjectFactory(self, inputs.plan, inputs.settings)
        names = ObjectNames(name)
        secrets = [factory.create_secret(secret, entries()) for secret, entries in inputs.secrets.items()]
        if secrets:
            warn_if_rotation_replaces_secret(self)
        order = ORDER_WITH_CLIENTS if inputs.plan.has_clients else ORDER
        factory.create(_objects(names, BACKENDS[inputs.plan.api], inputs.plan), order, secrets)
        self.register_outputs(outputs_of(self))


def _objects(names: ObjectNames, backend: BackendDefinition, plan: Plan) -> dict[str, Object[Settings]]:
    objects = {
        BACKEND: Object(names.backend, backend.api_version, backend.kind, backend.spec, lambda _: readiness.ACCEPTED),
        ROUTE: Object(names.route, gateway_api.API_VERSION, "HTTPRoute", backend.route_spec, _route_ready),
    }
    if plan.has_policy:
        objects[POLICY] = Object(names.policy, backend.api_version, backend.policy_kind, backend.policy_spec)
    if plan.has_rate_limit_service:
        objects[RATE_LIMITS] = Object(
            names.rate_limits, backend.api_version, backend.kind, service_spec, lambda _: readiness.ACCEPTED
        )
    if plan.has_tls_policy:
        objects[TLS_POLICY] = Object(
            names.tls_policy,
            gateway_api.API_VERSION,
            "BackendTLSPolicy",
            backend.tls_policy_spec,
            lambda _: readiness.any_ancestor_accepted(),
        )
    return objects


def _route_ready(settings: Settings) -> str:
    # With clients the backend comes after the route, so the Gateway can't have found it yet.
    return readiness.route_accepted(settings.gateway.name, finds_backend=settings.clients is None)
