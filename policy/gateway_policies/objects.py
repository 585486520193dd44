"""Reads Kubernetes objects for the rules. Values that aren't known yet break no rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

GATEWAY_API = "gateway.networking.k8s.io"
BACKENDS = {"gateway.kgateway.dev": "Backend", "agentgateway.dev": "AgentgatewayBackend"}
"""Kind of the backend in each gateway API's group."""

INLINE_TOKENS = {"gateway.kgateway.dev": ("authToken", "inline"), "agentgateway.dev": ("auth", "key")}
"""The last two steps of the path at which each gateway API takes a key that isn't in a Secret."""


class Unknown:
    """Stands for a value that is not known yet, as in a preview."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

Path = tuple[str | int, ...]


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
        return BACKENDS.get(self.group) == self.kind

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


def format_path(path: Path) -> str:
    """Writes the path as in `spec.rules[0].filters`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
