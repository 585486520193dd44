"""What is refused, and the words for it. A message names the argument and what was given, but never a key."""

import difflib
import re
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, get_args, is_typeddict

import pulumi

from .args import OpenAICompatibleLLMArgs
from .providers import CHAT_COMPLETIONS_PATH, HTTPS_PORT, PRESETS, Preset
from .settings import AuthHeader, ObjectNames, Settings

DEFAULT_NAMESPACE = "gloo-system"
DEFAULT_GATEWAY = "agentgateway"

_TYPE_NAMES = {str: "a string", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the arguments. Names of arguments in `reason` stand in backticks."""

    argument: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{'.'.join(self.argument)}: {self.reason}"


class InvalidArguments(pulumi.InputPropertiesError, pulumi.RunError):
    """Arguments that an OpenAICompatibleLLM can't be made from: one message that names every problem.

    Pulumi shows the message without a traceback; a program in another language gets the problems as a list.
    """

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        lines = [f'OpenAICompatibleLLM "{name}" can\'t be made:', *(f"  - {problem}" for problem in problems)]
        super().__init__(
            "\n".join(lines),
            [{"property_path": camel_case(".".join(p.argument)), "reason": p.reason} for p in problems],
        )


def settings_from(name: str, args: Mapping[str, Any]) -> Settings:
    """The settings that the arguments ask for, defaults filled in.

    Args:
        name: The component's name.
        args: As in `OpenAICompatibleLLMArgs`, with nothing in it that is known only later, except for `api_key`.

    Raises:
        InvalidArguments: With every problem found.
    """
    refuse_problems(name, args)
    given = _without_nones(args)
    preset = PRESETS[given["preset"]] if "preset" in given else Preset("", given["host"])
    namespace = given.get("namespace", DEFAULT_NAMESPACE)
    gateway = given.get("gateway", {})
    header = given.get("auth_header")
    return Settings(
        names=ObjectNames(name),
        namespace=namespace,
        host=given.get("host", preset.host),
        port=int(given.get("port", preset.port)),
        path=given.get("path", preset.path),
        model=given.get("model"),
        auth_header=AuthHeader(header.get("header_name"), header.get("prefix")) if header else None,
        gateway_name=gateway.get("name", DEFAULT_GATEWAY),
        gateway_namespace=gateway.get("namespace", namespace),
        route_path=given.get("route_path", f"/{name}"),
        rewrite_host=given.get("rewrite_host", True),
    )


def refuse_problems(name: str, args: Mapping[str, Any]) -> None:
    """Checks what is known of the arguments; what is known only later passes.

    Raises:
        InvalidArguments: With every problem found.
    """
    given = _without_nones(args)
    problems = [*_shape_problems(OpenAICompatibleLLMArgs, given)]
    misshapen = {problem.argument[0] for problem in problems}
    problems += _meaning_problems(given, misshapen)
    if problems:
        raise InvalidArguments(name, problems)


def is_known_later(value: object) -> bool:
    """Whether the value is one that Pulumi resolves: an Output, or something to await."""
    return isinstance(value, (pulumi.Output, Awaitable))


def checked_api_key(name: str, key: Any) -> str:
    """The key, for one that becomes known only later.

    Raises:
        InvalidArguments: Where it is no key. The message doesn't hold it.
    """
    problems = [*_api_key_problems(key)]
    if problems:
        raise InvalidArguments(name, problems)
    return str(key)


def camel_case(name: str) -> str:
    """`route_path` as stack files and other languages write it: `routePath`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def nearest(name: str, known: list[str]) -> str:
    """What to say after a name that isn't known: the one that was probably meant, else all there are."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else "there are " + ", ".join(f"`{each}`" for each in sorted(known))


def _without_nones(args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nones(value) if isinstance(value, Mapping) else value
        for key, value in args.items()
        if value is not None
    }


def _shape_problems(shape: type, given: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[Problem]:
    hints = {name: get_args(hint)[0] for name, hint in get_annotations(shape).items()}
    for key, value in given.items():
        argument = (*at, key)
        if key not in hints:
            yield Problem(argument, f"there is no such argument; {nearest(key, list(hints))}")
        elif is_known_later(value):
            continue
        elif is_typeddict(hints[key]):
            if isinstance(value, Mapping):
                yield from _shape_problems(hints[key], value, argument)
            else:
                yield Problem(argument, f"{_shown(argument, value)} is not a group of settings")
        elif not _is_a(hints[key], value):
            yield Problem(argument, f"{_shown(argument, value)} is not {_TYPE_NAMES[hints[key]]}")


def _is_a(kind: type, value: Any) -> bool:
    if kind is int:
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, kind)


def _shown(argument: tuple[str, ...], value: Any) -> str:
    if argument == ("api_key",):
        return "what was given"
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def _meaning_problems(given: Mapping[str, Any], misshapen: set[str]) -> Iterator[Problem]:
    known = {
        argument: value for argument, value in given.items() if argument not in misshapen and not is_known_later(value)
    }
    if "preset" in known and known["preset"] not in PRESETS:
        preset = known["preset"]
        yield Problem(("preset",), f'"{preset}" is not in the catalogue; {nearest(preset, list(PRESETS))}')
    if "preset" not in given and "host" not in given:
        yield Problem(("host",), f"give the provider's host, or a `preset`: {', '.join(sorted(PRESETS))}")
    if "host" in known:
        yield from _host_problems(known["host"])
    if not 1 <= known.get("port", HTTPS_PORT) <= 65535:
        yield Problem(("port",), f"{known['port']} is not a port; give 1 to 65535")
    for argument, example in (("path", CHAT_COMPLETIONS_PATH), ("route_path", "/mistral")):
        path = known.get(argument, example)
        if not path.startswith("/"):
            yield Problem((argument,), f'"{path}" does not begin with a slash; give one such as {example}')
    if "api_key" not in given:
        yield Problem(("api_key",), "give the provider's API key")
    elif "api_key" in known:
        yield from _api_key_problems(known["api_key"])


def _host_problems(host: str) -> Iterator[Problem]:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
        yield Problem(("host",), f'"{host}" is not a host name; give it bare and in lower case, such as api.mistral.ai')


def _api_key_problems(key: Any) -> Iterator[Problem]:
    if not isinstance(key, str) or not key.strip():
        yield Problem(("api_key",), "the key is empty")
