"""Parses a component's arguments, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi

from ..args import OpenAICompatibleLLMArgs
from ..settings import Plan, Settings
from . import validators
from .arguments import Arguments
from .client_rules import CLIENT_KEYS, key_errors
from .errors import InvalidArguments, Issue, Path
from .resolve import resolve_plan, resolve_settings, secret_names
from .rules import rule_errors
from .types import WITHHELD, has_outputs, is_output, type_errors, without_nones

DECLARED = cast("type", OpenAICompatibleLLMArgs)


@dataclass(frozen=True)
class Inputs:
    """What a component is made from.

    Attributes:
        name: The component's name.
        plan: What is decided before any Output is resolved.
        settings: All but the keys. An Output only where an argument is one.
        secret_names: Names of the Secrets for the providers' keys, by the paths of the keys.
    """

    name: str
    plan: Plan
    settings: Settings | pulumi.Output[Settings]
    secret_names: Mapping[Path, str]
    _api_keys: Mapping[Path, Any] = field(repr=False)
    _client_api_keys: Any = field(repr=False)

    def api_keys(self) -> dict[str, pulumi.Output[str]]:
        """Returns the providers' keys by the names of their Secrets; secrets, which are checked when resolved."""
        return {self.secret_names[path]: _secret_key(self.name, path, key) for path, key in self._api_keys.items()}

    def client_api_keys(self) -> pulumi.Output[Mapping[str, str]] | None:
        """Returns the clients' keys by the clients' names, likewise; None where the component gets none."""
        if self._client_api_keys is None:
            return None
        return _secret_client_keys(self.name, self._client_api_keys, list(self._api_keys.values()))


def parse(name: str, args: Mapping[Any, Any]) -> Inputs:
    """Parses the arguments, and fills in their defaults.

    What is an Output is checked as soon as all Outputs are resolved.

    Args:
        name: The component's name.
        args: As in `OpenAICompatibleLLMArgs`. An argument that is None counts as not given.

    Raises:
        InvalidArguments: With every problem of what is known now.
    """
    _validate_outermost(name, args)
    given = without_nones(args)
    _validate(name, given)
    plan = resolve_plan(given)
    secrets = secret_names(name, given)
    api_keys = {path: _withhold(given, path) for path in secrets}
    client_keys = _withhold(given, (CLIENT_KEYS,)) if CLIENT_KEYS in given else None
    return Inputs(
        name,
        plan,
        pulumi.Output.from_input(given).apply(lambda resolved: _parse_resolved(name, resolved, plan))
        if has_outputs(given)
        else resolve_settings(name, given),
        secrets,
        api_keys,
        client_keys,
    )


def _validate_outermost(name: object, args: object) -> None:
    """Says what was given by its type alone: it may be a key, or have one in it."""
    issues = []
    if not isinstance(name, str):
        issues.append(Issue(("name",), f"must be a string, not {_type_name(name)}"))
    if not isinstance(args, Mapping):
        reason = f"must be a dict, not {_type_name(args)}; its values may be Pulumi outputs"
        issues.append(Issue(("args",), reason))
    _raise_if_any(name if isinstance(name, str) else "", issues)


def _type_name(value: object) -> str:
    if is_output(value):
        return "a Pulumi output"
    return "None" if value is None else type(value).__name__


def _withhold(given: dict[str, Any], path: Path) -> Any:
    """Takes a key out of the arguments. With a key among them, all that is built from them would be secret."""
    *outer, last = path
    group: Any = given
    for part in outer:
        group = group[part]
    key, group[last] = group[last], WITHHELD
    return key


def _parse_resolved(name: str, given: Mapping[str, Any], plan: Plan) -> Settings:
    resolved = without_nones(given)
    _validate(name, resolved)
    settings = resolve_settings(name, resolved)
    if plan.has_tls_policy and settings.provider.tls is None:
        raise InvalidArguments(
            name,
            [
                Issue(
                    ("base_url",),
                    lambda case: (
                        "an output that turned out to be http when TLS was already set up; give "
                        f"`{case('host')}`, `{case('port')}`, `{case('path')}` and `{case('tls.disabled')}` instead"
                    ),
                )
            ],
        )
    return settings


def _validate(name: str, given: Mapping[Any, Any]) -> None:
    mistyped = list(type_errors(DECLARED, given))
    arguments = Arguments(given, frozenset(issue.path for issue in mistyped))
    _raise_if_any(name, [*mistyped, *rule_errors(name, arguments)])


def _secret_key(name: str, path: Path, key: pulumi.Input[str]) -> pulumi.Output[str]:
    def checked(resolved: object) -> str:
        reason = validators.api_key(resolved)
        _raise_if_any(name, [Issue(path, reason)] if reason else [])
        return cast("str", resolved)

    return pulumi.Output.secret(key).apply(checked)


def _secret_client_keys(name: str, keys: Any, provider_keys: list[Any]) -> pulumi.Output[Mapping[str, str]]:
    def checked(resolved: Mapping[str, Any]) -> Mapping[str, str]:
        _raise_if_any(name, list(key_errors(resolved["clients"], resolved["providers"])))
        return cast("Mapping[str, str]", resolved["clients"])

    return pulumi.Output.secret({"clients": keys, "providers": provider_keys}).apply(checked)


def _raise_if_any(name: str, issues: list[Issue]) -> None:
    if issues:
        order = {argument: place for place, argument in enumerate(("name", *DECLARED.__annotations__))}
        raise InvalidArguments(name, sorted(issues, key=lambda issue: order.get(str(issue.path[0]), -1)))
