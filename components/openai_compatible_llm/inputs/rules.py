"""Checks arguments that have their types: each value by itself, and what the arguments mean together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .. import readiness
from ..args import BackendApi
from ..backends import BACKENDS, DEFAULT_API, EACH
from ..settings import ObjectNames
from . import urls, validators
from .arguments import Arguments
from .client_rules import client_errors, rate_limit_errors
from .errors import Issue, Path, Reason
from .fallback_rules import endpoint_errors, fallback_errors
from .provider_rules import KEY_SOURCES, PROVIDER_VALIDATORS, provider_errors
from .request_rules import request_errors

VALIDATORS: Mapping[Path, Callable[[Any], Reason | None]] = {
    **PROVIDER_VALIDATORS,
    **{("fallbacks", EACH, *path): validator for path, validator in PROVIDER_VALIDATORS.items()},
    ("namespace",): validators.namespace,
    ("gateway", "name"): validators.object_name,
    ("gateway", "namespace"): validators.namespace,
    ("gateway", "section_name"): validators.object_name,
    ("gateway", "url"): urls.gateway_url,
    ("route_path",): validators.route_path,
    ("hostnames",): validators.route_hostnames,
    ("hostnames", EACH): validators.route_hostname,
    ("request_timeout_seconds",): validators.timeout_seconds,
    ("retries", "attempts"): validators.retry_attempts,
    ("retries", "status_codes"): validators.status_codes,
    ("retries", "status_codes", EACH): validators.status_code,
    ("retries", "backoff_milliseconds"): validators.backoff_milliseconds,
    ("client_api_keys_secret", "name"): validators.object_name,
    ("rate_limits", EACH, "requests"): validators.rate_limit,
    ("rate_limits", EACH, "tokens"): validators.rate_limit,
    ("rate_limits", EACH, "burst"): validators.burst,
    ("model_aliases", EACH): validators.model,
    ("ready_timeout_seconds",): validators.seconds,
    ("labels", EACH): validators.label_value,
}
"""What each value must be; `EACH` stands for every item of a list or map."""


def rule_errors(name: str, arguments: Arguments) -> Iterator[Issue]:
    """Yields an issue for each rule that the name or the resolved arguments break."""
    yield from _invalid_name(name)
    for pattern, validator in VALIDATORS.items():
        for path, value in arguments.matching(pattern):
            if reason := validator(value):
                yield Issue(path, reason)
    yield from provider_errors(arguments, KEY_SOURCES)
    yield from fallback_errors(name, arguments)
    yield from client_errors(name, arguments)
    for rule in RULES:
        yield from rule(arguments)


def _invalid_name(name: str) -> Iterator[Issue]:
    """The names of all objects must be valid, even of those that the component only gets with other arguments."""
    longest_suffix = len(ObjectNames("").clients_secret)
    if reason := validators.object_name(name, validators.OBJECT_NAME_LENGTH - longest_suffix):
        yield Issue(("name",), reason)


def _duplicates(arguments: Arguments) -> Iterator[Issue]:
    seen = set()
    for path, name in arguments.matching(("hostnames", EACH)):
        if name in seen:
            yield Issue(path, f'"{name}" is listed twice')
        seen.add(name)


def _waiting(arguments: Arguments) -> Iterator[Issue]:
    if arguments.given("ready_timeout_seconds") and not arguments.given("wait_for_ready"):
        yield Issue(("ready_timeout_seconds",), lambda case: f"has no effect without `{case('wait_for_ready')}`")


def _metadata(arguments: Arguments) -> Iterator[Issue]:
    for field in ("labels", "annotations"):
        for path, _ in arguments.matching((field, EACH)):
            if reason := validators.metadata_key(str(path[-1])):
                yield Issue(path, reason)
    if arguments.given("annotations", readiness.ANNOTATION):
        yield Issue(
            ("annotations", readiness.ANNOTATION),
            lambda case: f"set by the component; give `{case('wait_for_ready')}` instead",
        )


def _unsupported(arguments: Arguments) -> Iterator[Issue]:
    """What the gateways of this API can't do."""
    api = arguments.resolved("api")
    if api is None and arguments.given("api"):
        return
    for limitation in BACKENDS[BackendApi(api or DEFAULT_API)].limitations:
        for path, value in arguments.matching(limitation.argument):
            if limitation.applies_to(value):
                yield Issue(path, limitation.reason)


RULES: Sequence[Callable[[Arguments], Iterator[Issue]]] = (
    endpoint_errors,
    rate_limit_errors,
    request_errors,
    _duplicates,
    _waiting,
    _metadata,
    _unsupported,
)
"""What the arguments of a component must be together."""
