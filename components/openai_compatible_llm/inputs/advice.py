"""Knows what other programs call an argument or a provider, and says what this component calls it."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as File

from ..args import Endpoints, OpenAICompatibleGatewayArgs, OpenAICompatibleLLMArgs
from ..arguments import Key, Path
from ..arguments.suggestions import bare, closest, suggestion
from ..presets import PRESETS

_WORDS = tomllib.loads(File(__file__).with_name("advice.toml").read_text())
COMPONENT_WORDS: Mapping[str, str] = _WORDS["component"]
GATEWAY_WORDS: Mapping[str, str] = _WORDS["gateway"]
GROUP_WORDS: Mapping[str, Mapping[str, str]] = _WORDS["groups"]
OWN_SERVERS: Mapping[str, str] = _WORDS["own_servers"]
FAMILIES: Mapping[str, str] = _WORDS["families"]

SHORT = 4
"""Length up to which a name of a product is too short to have been misspelt: `llm` is no `vllm`."""


def _index(words: Mapping[str, str]) -> dict[str, str]:
    return {bare(word): advice for advice, line in words.items() for word in line.split()}


_COMPONENT_INDEX = _index(COMPONENT_WORDS)
_INDEXES = {OpenAICompatibleLLMArgs: _COMPONENT_INDEX, OpenAICompatibleGatewayArgs: _index(GATEWAY_WORDS)}
_GROUP_INDEX = {group: _index(words) for group, words in GROUP_WORDS.items()}
_OWN_SERVERS_INDEX = _index(OWN_SERVERS)
_FAMILY_INDEX = _index(FAMILIES)


def unknown_argument(args: type, path: Path, name: str, value: object, valid: Iterable[str]) -> str:
    """Says what to do about a name that the group at this path of a component's arguments doesn't have.

    No message shows its value.
    """
    names = list(valid)
    group = next((part for part in reversed(path) if isinstance(part, str) and not isinstance(part, Key)), None)
    if bare(name) == "endpoint" and "endpoints" in names and value in list(Endpoints):
        advice: str | None = "endpoints"
    else:
        advice = argument_advice(name, args) if group is None else _group_advice(args, group, name, names)
    return f"unknown argument; {sentence(advice) if advice else suggestion(name, names, 'arguments')}"


def argument_advice(name: str, args: type = OpenAICompatibleLLMArgs) -> str | None:
    """Returns the component's argument that was meant, such as `tls.hostname`, or a sentence; None if none is close."""
    return closest(name, args.__annotations__, _INDEXES[args])


def preset_advice(name: str) -> str | None:
    """Returns a preset or a sentence where this is the name of a product, a model or a company; else None.

    A preset is returned only where the name is of its company alone.
    """
    words = list(_words(name))
    for word in words:
        if word in _OWN_SERVERS_INDEX:
            return _OWN_SERVERS_INDEX[word]
    named = {word for word in words if word in PRESETS}
    if named:
        return named.pop() if len(named) == 1 else "it has the names of several presets; give one of them"
    family = next((_FAMILY_INDEX[word] for word in words if word in _FAMILY_INDEX), None)
    if family or len(bare(name)) <= SHORT:
        return family
    near = closest(name, PRESETS, {**_FAMILY_INDEX, **_OWN_SERVERS_INDEX})
    return None if near == closest(name, PRESETS) else near  # A preset that is misspelt is the caller's to suggest.


def sentence(advice: str) -> str:
    """Makes advice a sentence: an argument or a preset becomes a question."""
    return advice if " " in advice else f"did you mean `{advice}`?"


def _group_advice(args: type, group: str, name: str, names: list[str]) -> str | None:
    belongs_outside = f"is an argument of the component, not of `{group}`"
    of_component = {bare(each): f"`{each}` {belongs_outside}" for each in args.__annotations__}
    words = _COMPONENT_INDEX if group == "fallbacks" else {}
    of_fallback = {word: _of_component(advice, names) for word, advice in words.items()}
    return closest(name, names, {**of_component, **of_fallback, **_GROUP_INDEX.get(group, {})})


def _of_component(advice: str, names: list[str]) -> str:
    is_there = " " in advice or advice.partition(".")[0] in names
    return advice if is_there else f"did you mean the component's `{advice}`?"


def _words(name: str) -> Iterator[str]:
    """Yields what a name may be of, the longest first: `gptoss120b`, `gptoss`, `gpt` and `oss` for `gpt-oss-120b`."""
    parts = re.findall("[a-z0-9]+", name.lower())
    for word in (*("".join(parts[:count]) for count in range(len(parts), 0, -1)), *parts[1:]):
        yield word
        yield re.split("[0-9]", word, maxsplit=1)[0]
