"""Kubernetes objects as the rules look at them: of what is known only later, nothing is held against anybody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

GATEWAY_API = "gateway.networking.k8s.io"
BACKENDS = {("gateway.kgateway.dev", "Backend"), ("agentgateway.dev", "AgentgatewayBackend")}


class Unknown:
    """Stands for a value that is not known yet, as in a preview."""


UNKNOWN: Final = Unknown()

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class KubernetesObject:
    """One object of the program's.

    Attributes:
        urn: Pulumi's name of the resource.
        group: API group; empty for Kubernetes' core.
        kind: Its kind.
        name: Its name, or `UNKNOWN`.
        namespace: Its namespace, or `UNKNOWN`.
        spec: Plain dicts and lists, with `UNKNOWN` in them.
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
        """Whether it stands for a provider, in one generation of the gateway's API or the other."""
        return (self.group, self.kind) in BACKENDS

    @property
    def is_custom_resource(self) -> bool:
        """By its group. Kubernetes' own are `apps` and the like, without a dot, or end in `.k8s.io`.

        So do those of the project's add-ons, of which the ones about networking, with the Gateway API, count as custom.
        """
        builtin = "." not in self.group or self.group.endswith(".k8s.io")
        return not builtin or self.group.endswith(".networking.k8s.io")


def kubernetes_object(urn: str, properties: Mapping[str, Any]) -> KubernetesObject | None:
    """The object that a resource's properties describe; None where they describe none."""
    api_version, kind = properties.get("apiVersion"), properties.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    metadata = properties.get("metadata")
    if metadata is UNKNOWN:
        metadata = {"name": UNKNOWN, "namespace": UNKNOWN}
    said = metadata if isinstance(metadata, Mapping) else {}
    return KubernetesObject(
        urn=urn,
        group=api_version.rpartition("/")[0],
        kind=kind,
        name=said.get("name") or "",
        namespace=said.get("namespace") or "default",
        spec=properties.get("spec"),
    )


def values(value: Any, path: Path = ("spec",)) -> Iterator[tuple[Path, Any]]:
    """Every value in it, from the outside in, and where it stands."""
    yield path, value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from values(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from values(each, (*path, index))


def shown(path: Path) -> str:
    """`spec.rules[0].filters`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
