"""Parses the arguments of an OpenAICompatibleGateway: checks them and fills in their defaults, in one pass."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..arguments import Arguments, Key
from ..arguments.outputs import map_output, when_resolved
from ..arguments.validators import OBJECT_NAME_LENGTH, object_name
from ..backends.model_routing import LONGEST_EXPRESSION, list_expression
from ..settings import GatewayObjectNames, GatewayPlan, GatewaySettings
from . import validators
from .client_keys import secret_entries, withhold_keys
from .clients import parse_clients
from .declaration import GATEWAY_DECLARATION
from .inputs import Inputs
from .metadata import parse_annotations, parse_labels, parse_ready_timeout
from .placement import parse_gateway_reference, parse_shared_path


def parse_gateway(name: str, args: Mapping[Any, Any]) -> Inputs[GatewayPlan, GatewaySettings]:
    """Parses the arguments, and fills in their defaults.

    What is an Output is checked as soon as all Outputs are resolved. An argument that is None counts as not given.

    Raises:
        InvalidArguments: With every problem of what is known now.
    """
    GATEWAY_DECLARATION.check_kinds(name, args)
    arguments = Arguments(GATEWAY_DECLARATION, args)
    plan, settings = _parse(name, arguments)

    def parse_resolved(values: Mapping[str, Any]) -> GatewaySettings:
        return _parse(name, Arguments(GATEWAY_DECLARATION, values))[1]

    client_keys = withhold_keys(arguments)
    resolved = when_resolved(arguments.values, settings, parse_resolved)
    entries = partial(
        secret_entries, GATEWAY_DECLARATION, name, map_output(resolved, lambda s: s.known_clients), client_keys
    )
    secrets = {GatewayObjectNames(name).clients_secret: entries} if client_keys else {}
    return Inputs(plan, resolved, secrets)


def _parse(name: str, arguments: Arguments) -> tuple[GatewayPlan, GatewaySettings]:
    # The names of all objects must be valid, even of those that the component only gets with other arguments.
    names = GatewayObjectNames(name)
    if reason := object_name(name, OBJECT_NAME_LENGTH - len(GatewayObjectNames("").rate_limits)):
        arguments.report(reason, "name")
    gateway = parse_gateway_reference(arguments)
    clients = parse_clients(arguments, names.clients_secret)
    settings = GatewaySettings(
        names=names,
        namespace=gateway.namespace,
        labels=parse_labels(arguments),
        annotations=parse_annotations(arguments),
        gateway=gateway,
        route_path=parse_shared_path(arguments),
        models=_parse_models(arguments, has_clients=clients is not None),
        clients=clients,
        max_request_bytes=arguments.read("max_request_bytes", check=validators.request_bytes),
        client_label=arguments.given("client_label"),
    )
    has_service = settings.rate_limit_service is not None
    plan = GatewayPlan(
        has_rate_limit_service=has_service,
        has_rate_limit_config=has_service and arguments.given("clients"),
        has_gateway_policy=arguments.given("max_request_bytes") or settings.client_label,
        has_labels=bool(settings.labels) or arguments.unresolved("labels"),
        has_annotations=bool(settings.annotations) or arguments.unresolved("annotations"),
        ready_timeout_seconds=parse_ready_timeout(arguments),
    )
    GATEWAY_DECLARATION.raise_issues(name, arguments.issues)
    return plan, settings


def _parse_models(arguments: Arguments, *, has_clients: bool) -> Mapping[str, tuple[str, ...]]:
    models: dict[str, tuple[str, ...]] = {}
    for owner, _ in arguments.read_each("models"):
        if reason := validators.owner(str(owner)):
            arguments.report(reason, "models", owner)
        names = arguments.within("models").read_each(Key(owner), check=validators.model_pattern)
        models[str(owner)] = tuple(name for _, name in names)
    length = len(list_expression(models, has_clients=has_clients))
    if length > LONGEST_EXPRESSION:
        reason = (
            f"the list's expression has {length} characters, and the gateway takes {LONGEST_EXPRESSION} at most; "
            "remove some, or give patterns such as mistral-*, which aren't listed"
        )
        arguments.report(reason, "models")
    return models
