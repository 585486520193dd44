"""Reads Kubernetes objects for the policies. A value that isn't known yet breaks no policy."""

from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from .apis import APIS, GatewayApi


class Unknown(Enum):
    """Stands for a value that is not known yet, as in a preview."""

    UNKNOWN = "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

Path = tuple[str | int, ...]

_DATA = ("data", "stringData")
"""Fields of a Secret with its entries, encoded and plain."""

Violation = tuple[str, str]
"""The message, and the URN of the resource that is wrong."""


@dataclass(frozen=True)
class KubernetesObject:
    """One object of the program. Its name, its namespace, entries and values in its spec may be `UNKNOWN`.

    Attributes:
        urn: Pulumi's name of the resource.
        group: API group; empty for Kubernetes' core.
        api: The gateway API of its group; None where it belongs to none.
        entries: What a Secret holds, by name. No message may quote it.
    """

    urn: str
    group: str
    kind: str
    name: str | Unknown
    namespace: str | Unknown
    spec: Any
    api: GatewayApi | None
    entries: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        known = [part for part in (self.namespace, self.name) if isinstance(part, str)]
        return f"{self.kind} {'/'.join(known)}".rstrip()

    @property
    def identity(self) -> tuple[Any, ...]:
        return self.group, self.kind, self.namespace, self.name


def kubernetes_object(
    urn: str, properties: Mapping[str, Any], apis: Collection[GatewayApi] = APIS
) -> KubernetesObject | None:
    """Returns the object that a resource's properties describe; None where they describe none."""
    api_version, kind = properties.get("apiVersion"), properties.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    group = api_version.rpartition("/")[0]
    name = get(properties, "metadata", "name") or ""
    namespace = get(properties, "metadata", "namespace") or "default"
    api = next((api for api in apis if api.group == group), None)
    spec = properties.get("spec")
    return KubernetesObject(urn, group, kind, name, namespace, spec, api, _entries(properties))


def _entries(properties: Mapping[str, Any]) -> dict[str, Any]:
    encoded, plain = (entries if isinstance(entries := properties.get(name), Mapping) else {} for name in _DATA)
    return {**{name: _decode(value) for name, value in encoded.items()}, **plain}


def _decode(value: Any) -> Any:
    try:
        return b64decode(value).decode() if isinstance(value, str) else value
    except ValueError:
        return value


def backends(objects: Iterable[KubernetesObject]) -> Iterator[tuple[KubernetesObject, GatewayApi]]:
    """Yields the backends of all gateway APIs, each with its API."""
    return ((each, each.api) for each in objects if each.api is not None and each.kind == each.api.backend)


def get(value: Any, *path: str) -> Any:
    """Returns what is at the path in mappings; None where there is nothing, `UNKNOWN` where that isn't known yet."""
    for step in path:
        if value is not UNKNOWN:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def items(value: Any) -> list[Any]:
    """Returns the list; with one item that isn't known where the list isn't known yet."""
    return [UNKNOWN] if value is UNKNOWN else value if isinstance(value, list) else []


def same(one: Iterable[Any], other: Iterable[Any], *, if_unknown: bool) -> bool:
    """Tells whether all parts of two names are equal; `if_unknown` where only unknown parts may differ."""
    pairs = list(zip(one, other, strict=True))
    known = [pair for pair in pairs if UNKNOWN not in pair]
    return all(left == right for left, right in known) and (if_unknown or len(known) == len(pairs))


def walk(value: Any, path: Path = ("spec",), *around: Any) -> Iterator[tuple[Path, Any, tuple[Any, ...]]]:
    """Yields every value, the outer ones first: its path, the value, and what it is in, the nearest first."""
    yield path, value, around
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, each in parts:
        yield from walk(each, (*path, step), value, *around)


def format_path(path: Path) -> str:
    """Writes the path as in `spec.rules[0].filters`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
