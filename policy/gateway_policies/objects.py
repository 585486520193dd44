"""Reads Kubernetes objects for the rules. Values that aren't known yet break no rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .apis import APIS

GATEWAY_API = "gateway.networking.k8s.io"


class Unknown:
    """Stands for a value that is not known yet, as in a preview."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

Path = tuple[str | int, ...]

Violation = tuple[str, str]
"""The message, and the URN of the resource that is wrong."""


@dataclass(frozen=True)
class KubernetesObject:
    """One object of the program.

    Attributes:
        urn: Pulumi's name of the resource.
        group: API group; empty for Kubernetes' core.
        kind: The object's kind.
        name: The object's name, or `UNKNOWN`.
        namespace: The object's namespace, or `UNKNOWN`.
        spec: Plain dicts and lists; a value in them may be `UNKNOWN`.
    """

    urn: str
    group: str
    kind: str
    name: str | Unknown
    namespace: str | Unknown
    spec: Any

    def __str__(self) -> str:
        known = [part for part in (self.namespace, self.name) if isinstance(part, str)]
        return f"{self.kind} {'/'.join(known)}".rstrip()

    @property
    def is_backend(self) -> bool:
        """Whether it is the backend of a gateway API."""
        api = APIS.get(self.group)
        return api is not None and api.backend == self.kind

    @property
    def is_custom_resource(self) -> bool:
        """Whether its group isn't Kubernetes' own: those have no dot, or end in `.k8s.io`.

        Groups that end in `.networking.k8s.io`, such as the Gateway API's, count as custom.
        """
        builtin = "." not in self.group or self.group.endswith(".k8s.io")
        return not builtin or self.group.endswith(".networking.k8s.io")


def kubernetes_object(urn: str, properties: Mapping[str, Any]) -> KubernetesObject | None:
    """Returns the object that a resource's properties describe; None where they describe none."""
    api_version, kind = properties.get("apiVersion"), properties.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    metadata = properties.get("metadata")
    if metadata is UNKNOWN:
        metadata = {"name": UNKNOWN, "namespace": UNKNOWN}
    names = metadata if isinstance(metadata, Mapping) else {}
    return KubernetesObject(
        urn=urn,
        group=api_version.rpartition("/")[0],
        kind=kind,
        name=names.get("name") or "",
        namespace=names.get("namespace") or "default",
        spec=properties.get("spec"),
    )


def values(value: Any, path: Path = ("spec",)) -> Iterator[tuple[Path, Any]]:
    """Yields the value and every value in it with its path, the outer ones first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from values(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from values(each, (*path, index))


def value_at(value: Any, *steps: str) -> Any:
    """Returns the value at a path; `UNKNOWN` if that is not known yet, and None if nothing is there."""
    for step in steps:
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def format_path(path: Path) -> str:
    """Writes the path as in `spec.rules[0].filters`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
