"""Defines OpenAICompatibleGateway: what providers have in common that share one base URL at a Gateway."""

from collections.abc import Mapping, Sequence

import pulumi

from .args import OpenAICompatibleGatewayArgs
from .backends import AGENTGATEWAY, model_routing
from .backends.clients import service_config, service_spec
from .client_url import client_base_url
from .inputs import parse_gateway
from .objects import SECRETS, Object, ObjectFactory, gateway_api, output, outputs_of, readiness
from .objects.secret_rotation import warn_if_rotation_replaces_secret
from .settings import GatewayObjectNames, GatewayPlan, GatewaySettings

TOKEN = "openai-compatible-llm:index:OpenAICompatibleGateway"  # noqa: S105 (Pulumi's word for a resource type)

POLICY, GATEWAY_POLICY, MODELS_POLICY, UNKNOWN_POLICY, ROUTE = "policy", "gateway", "models", "unknown", "route"
RATE_LIMITS = "rate limits"
POLICIES = (POLICY, GATEWAY_POLICY, MODELS_POLICY, UNKNOWN_POLICY)

ORDER: Mapping[str, Sequence[str]] = {
    RATE_LIMITS: (),
    **dict.fromkeys((POLICY, GATEWAY_POLICY), ()),
    **dict.fromkeys((MODELS_POLICY, UNKNOWN_POLICY), (SECRETS, RATE_LIMITS)),
    ROUTE: POLICIES,
}
"""What each object depends on. Without their policies, the route's rules would lead nowhere."""


class OpenAICompatibleGateway(pulumi.ComponentResource):
    """Gives the providers at one Gateway one base URL, at which a request's model decides who answers.

    Creates an AgentgatewayPolicy by which the Gateway reads the model of each request, a route with the list of models
    and with the error for a model that nobody serves, and their policies, all in the Gateway's namespace. With clients
    it also creates a Secret, and with a rate limit service the service's configuration. A provider joins with
    `shared_route_path`. The Gateway is agentgateway's, 1.4 or newer. It reads every request's body before it routes the
    request, so a listener or a Gateway for LLMs alone is best.
    """

    url: pulumi.Output[str | None] = output(lambda _, s: client_base_url(s.gateway.url, s.route_path))
    """Base URL for an OpenAI client: `gateway.url`, the path, and `/v1`; none without `gateway.url`."""

    route_path: pulumi.Output[str] = output(lambda _, s: s.route_path)
    """Path prefix of the base URL, which providers take as their `shared_route_path`."""

    namespace: pulumi.Output[str] = output(lambda _, s: s.namespace)
    """Namespace of the objects, the Gateway's."""

    route_name: pulumi.Output[str] = output(lambda _, s: s.names.route)
    """Name of the HTTPRoute with the list of models and the error."""

    policy_name: pulumi.Output[str] = output(lambda _, s: s.names.policy)
    """Name of the AgentgatewayPolicy by which the Gateway reads the model of a request."""

    gateway_policy_name: pulumi.Output[str | None] = output(
        lambda plan, s: s.names.gateway_policy if plan.has_gateway_policy else None
    )
    """Name of the AgentgatewayPolicy with `max_request_bytes` and `client_label`; none without these."""

    models_policy_name: pulumi.Output[str] = output(lambda _, s: s.names.models_policy)
    """Name of the AgentgatewayPolicy that answers with the list of models."""

    unknown_policy_name: pulumi.Output[str] = output(lambda _, s: s.names.unknown_policy)
    """Name of the AgentgatewayPolicy that answers with the error for a model that nobody serves."""

    clients_secret_name: pulumi.Output[str | None] = output(lambda _, s: s.clients.secret_name if s.clients else None)
    """Name of the Secret with the clients; none if anyone may see the list of models."""

    rate_limit_backend_name: pulumi.Output[str | None] = output(
        lambda plan, s: s.names.rate_limits if plan.has_rate_limit_service else None
    )
    """Name of the AgentgatewayBackend that leads to the rate limit service; none without that."""

    rate_limit_config_map_name: pulumi.Output[str | None] = output(
        lambda plan, s: s.names.rate_limits if plan.has_rate_limit_config else None
    )
    """Name of the ConfigMap with the rate limit service's configuration; none without the service and `clients`."""

    def __init__(
        self, name: str, args: OpenAICompatibleGatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Creates the objects.

        Args:
            name: Name of the component. The names of its objects begin with it.
            args: What to create; see `OpenAICompatibleGatewayArgs`.
            opts: Options of the component. Its objects inherit the Kubernetes provider.

        Raises:
            InvalidArguments: With every problem in one message. Nothing has been created then.
        """
        inputs = parse_gateway(name, args)
        super().__init__(TOKEN, name, None, opts)
        self._objects = factory = ObjectFactory(self, inputs.plan, inputs.settings)
        names = GatewayObjectNames(name)
        secrets = [factory.create_secret(secret, entries()) for secret, entries in inputs.secrets.items()]
        if secrets:
            warn_if_rotation_replaces_secret(self)
        if inputs.plan.has_rate_limit_config:
            factory.create_config_map(names.rate_limits, service_config)
        factory.create(_objects(names, inputs.plan), ORDER, secrets)
        self.register_outputs(outputs_of(self))


def _objects(names: GatewayObjectNames, plan: GatewayPlan) -> dict[str, Object[GatewaySettings]]:
    version, kind = AGENTGATEWAY.api_version, AGENTGATEWAY.policy_kind
    objects = {
        POLICY: Object(
            names.policy, version, kind, model_routing.policy_spec, lambda _: readiness.any_ancestor_accepted()
        ),
        MODELS_POLICY: Object(names.models_policy, version, kind, model_routing.models_policy_spec),
        UNKNOWN_POLICY: Object(names.unknown_policy, version, kind, model_routing.unknown_policy_spec),
        ROUTE: Object(names.route, gateway_api.API_VERSION, "HTTPRoute", model_routing.route_spec, _route_ready),
    }
    if plan.has_gateway_policy:
        objects[GATEWAY_POLICY] = Object(names.gateway_policy, version, kind, model_routing.gateway_policy_spec)
    if plan.has_rate_limit_service:
        objects[RATE_LIMITS] = Object(
            names.rate_limits, version, AGENTGATEWAY.kind, service_spec, lambda _: readiness.ACCEPTED
        )
    return objects


def _route_ready(settings: GatewaySettings) -> str:
    return readiness.route_accepted(settings.gateway.name, finds_backend=False)
