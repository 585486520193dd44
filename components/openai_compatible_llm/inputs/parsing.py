"""Parses the arguments of an OpenAICompatibleLLM: checks them and fills in their defaults, in one pass."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import pulumi

from ..arguments import Arguments, Issue, Path
from ..arguments.outputs import map_output, when_resolved, withhold
from ..arguments.validators import OBJECT_NAME_LENGTH, object_name
from ..backends import BACKENDS, SECRET_KEY
from ..objects.factory import SecretEntries
from ..settings import ObjectNames, Plan, Settings
from . import validators
from .client_keys import secret_entries, withhold_keys
from .clients import parse_clients, report_uncountable_limits
from .declaration import DECLARATION
from .fallbacks import parse_fallbacks
from .inputs import Inputs
from .metadata import parse_annotations, parse_labels, parse_ready_timeout
from .placement import parse_hostnames, parse_path_prefix, parse_placement
from .providers import parse_provider, provider_groups
from .request_fields import parse_model_aliases, parse_request_fields
from .shared_route import parse_shared_route
from .support import report_unsupported
from .traffic import parse_endpoints, parse_rate_limits, parse_retries


def parse(name: str, args: Mapping[Any, Any]) -> Inputs[Plan, Settings]:
    """Parses the arguments, and fills in their defaults.

    What is an Output is checked as soon as all Outputs are resolved. An argument that is None counts as not given.

    Raises:
        InvalidArguments: With every problem of what is known now.
    """
    DECLARATION.check_kinds(name, args)
    arguments = Arguments(DECLARATION, args)
    plan, settings = parse_arguments(name, arguments)
    secrets: dict[str, Callable[[], SecretEntries]] = {}
    keys: list[Any] = []
    for group, provider in zip(provider_groups(arguments), settings.providers, strict=True):
        if group.given("api_key"):
            path = group.path("api_key")
            keys.append(withhold(arguments.values, path))
            secrets[str(provider.secret_name)] = partial(_api_key_entry, name, path, keys[-1])
    client_keys = withhold_keys(arguments)
    resolved = when_resolved(arguments.values, settings, lambda values: _parse_resolved(name, values, plan))
    if client_keys:
        clients = map_output(resolved, lambda s: s.known_clients)
        secrets[ObjectNames(name).clients_secret] = partial(
            secret_entries, DECLARATION, name, clients, client_keys, keys
        )
    return Inputs(plan, resolved, secrets)


def parse_arguments(name: str, arguments: Arguments) -> tuple[Plan, Settings]:
    """Parses all arguments. Where one isn't resolved yet, its default stands in the settings.

    Raises:
        InvalidArguments: With every problem.
    """
    names = ObjectNames(name)
    placement = parse_placement(arguments)
    backend = BACKENDS[placement.api]
    # The names of all objects must be valid, even of those that the component only gets with other arguments.
    if reason := object_name(name, OBJECT_NAME_LENGTH - len(ObjectNames("").rate_limits)):
        arguments.report(reason, "name")
    provider = parse_provider(arguments, name, names.secret)
    fallbacks = parse_fallbacks(arguments, names, provider)
    providers = (provider, *fallbacks)
    request_defaults, request_overrides = parse_request_fields(arguments)
    model_aliases = parse_model_aliases(arguments)
    route_path = parse_path_prefix(arguments, "route_path", "/mistral", f"/{name}")
    provider_keys = [each.read("api_key") for each in provider_groups(arguments)]
    clients = parse_clients(arguments, names.clients_secret, providers, provider_keys)
    report_uncountable_limits(arguments, clients)
    settings = Settings(
        names=names,
        namespace=placement.namespace,
        labels=parse_labels(arguments),
        annotations=parse_annotations(arguments),
        gateway=placement.gateway,
        provider=provider,
        fallbacks=fallbacks,
        endpoints=parse_endpoints(arguments, backend.default_endpoints, providers),
        request_timeout_seconds=arguments.read("request_timeout_seconds", check=validators.timeout_seconds),
        retries=parse_retries(arguments, len(fallbacks)),
        clients=clients,
        rate_limits=parse_rate_limits(arguments),
        request_defaults=request_defaults,
        request_overrides=request_overrides,
        model_aliases=model_aliases,
        route_path=route_path,
        shared_route=parse_shared_route(arguments, model_aliases, route_path),
        hostnames=parse_hostnames(arguments),
        rewrite_host=arguments.read("rewrite_host", default=True),
    )
    if not arguments.given("api") or arguments.read("api"):
        report_unsupported(arguments, backend)
    ready_timeout = parse_ready_timeout(arguments)
    DECLARATION.raise_issues(name, arguments.issues)
    is_policy_late = any(arguments.unresolved(path.partition(".")[0]) for path in backend.policy_arguments)
    plan = Plan(
        api=placement.api,
        has_tls_policy=backend.has_tls_policy and provider.tls is not None,
        has_policy=is_policy_late or bool(backend.policy(settings)),
        has_clients=clients is not None,
        has_rate_limit_service=settings.rate_limit_service is not None,
        has_labels=bool(settings.labels) or arguments.unresolved("labels"),
        has_annotations=bool(settings.annotations) or arguments.unresolved("annotations"),
        ready_timeout_seconds=ready_timeout,
    )
    return plan, settings


def _parse_resolved(name: str, resolved: Mapping[str, Any], plan: Plan) -> Settings:
    _, settings = parse_arguments(name, Arguments(DECLARATION, resolved))
    if plan.has_tls_policy and settings.provider.tls is None:
        reason = (
            "an output that turned out to be http when TLS was already set up; give `host`, `port`, `path` and "
            "`tls.disabled` instead"
        )
        DECLARATION.raise_issues(name, [Issue(("base_url",), reason)])
    return settings


def _api_key_entry(name: str, path: Path, key: pulumi.Input[str]) -> SecretEntries:
    def check(resolved: object) -> str:
        if reason := validators.api_key(resolved):
            DECLARATION.raise_issues(name, [Issue(path, reason)])
        return cast("str", resolved)

    return {SECRET_KEY: pulumi.Output.secret(key).apply(check)}
