"""Creates the Kubernetes objects of a component."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from ..arguments.outputs import map_output
from . import readiness

SECRETS = "secrets"
"""The role of all Secrets of a component."""


@dataclass(frozen=True)
class ObjectSettings:
    """What all objects of a component have in common."""

    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class ObjectPlan:
    """What has to be known of all objects before any Output is resolved. Without a timeout, there is no wait."""

    has_labels: bool
    has_annotations: bool
    ready_timeout_seconds: int | None


S = TypeVar("S", bound=ObjectSettings)

SecretEntries = pulumi.Input[Mapping[str, pulumi.Input[str]]]


@dataclass(frozen=True)
class Object(Generic[S]):
    """A custom resource.

    Attributes:
        spec: Builds its spec, which goes to the API server verbatim.
        ready: Says when it is ready, in the language of `readiness`; None where there is nothing to wait for.
    """

    name: str
    api_version: str
    kind: str
    spec: Callable[[S], Mapping[str, Any]]
    ready: Callable[[S], str] | None = None


@dataclass
class ObjectFactory(Generic[S]):
    """Creates objects as children of a component; `last` is the last one, once all are created."""

    component: pulumi.ComponentResource
    plan: ObjectPlan
    settings: S | pulumi.Output[S]
    last: CustomResource = field(init=False)

    def create_secret(self, name: str, entries: SecretEntries) -> Secret:
        options = pulumi.ResourceOptions(parent=self.component)
        return Secret(name, metadata=self._metadata(name), type="Opaque", string_data=entries, opts=options)

    def create_config_map(self, name: str, data: Callable[[S], Mapping[str, str]]) -> ConfigMap:
        options = pulumi.ResourceOptions(parent=self.component)
        return ConfigMap(name, metadata=self._metadata(name), data=map_output(self.settings, data), opts=options)

    def create(
        self, objects: Mapping[str, Object[S]], order: Mapping[str, Sequence[str]], secrets: Sequence[Secret]
    ) -> None:
        """Creates custom resources.

        Args:
            objects: What to create, by its role. What has no object is left out.
            order: The roles in the order of creation, each with those that it depends on.
            secrets: The Secrets, which the order knows as `SECRETS`.
        """
        created: dict[str, Sequence[pulumi.Resource]] = {SECRETS: secrets}
        for role, dependencies in order.items():
            if role not in objects:
                continue
            described = objects[role]
            created_before = [each for other in dependencies for each in created.get(other, ())]
            ready = None if self.plan.ready_timeout_seconds is None else described.ready
            timeout = f"{self.plan.ready_timeout_seconds}s"
            self.last = CustomResource(
                described.name,
                described.api_version,
                described.kind,
                metadata=self._metadata(described.name, ready),
                spec=map_output(self.settings, described.spec),
                opts=pulumi.ResourceOptions(
                    parent=self.component,
                    depends_on=created_before,
                    custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout) if ready else None,
                ),
            )
            created[role] = [self.last]

    def read(self, value: Callable[[Any, Any], Any]) -> Any:
        """Returns what plan and settings say, at once where they are known."""
        return map_output(self.settings, partial(value, self.plan))

    def _metadata(self, name: str, ready: Callable[[S], str] | None = None) -> ObjectMetaArgsDict:
        """Makes metadata without empty maps, which every `up` would show as a change."""

        def annotations(settings: S) -> Mapping[str, str]:
            return {**settings.annotations, **({readiness.ANNOTATION: ready(settings)} if ready else {})}

        metadata: ObjectMetaArgsDict = {"name": name, "namespace": map_output(self.settings, lambda s: s.namespace)}
        if self.plan.has_labels:
            metadata["labels"] = map_output(self.settings, lambda s: s.labels)
        if self.plan.has_annotations or ready:
            metadata["annotations"] = map_output(self.settings, annotations)
        return metadata
