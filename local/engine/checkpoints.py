"""Reads each stack's state from the engine's file backend, without decrypting secrets."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.folders import write_private

# A key of every secret value, in all versions of the format.
SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class KubernetesObject:
    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one stack."""

    file: Path

    @property
    def stack(self) -> str:
        return self.file.stem

    def repair(self) -> bool:
        """Repair the file if the engine was killed while it wrote it. Tell whether it was.

        A killed engine may leave an empty file of attributes; without that file, the state can be read. On a full disk
        the engine leaves half of the state, which is replaced by the engine's own backup of the step before.
        """
        attributes = self.file.with_name(f"{self.file.name}.attrs")
        backup = self.file.with_name(f"{self.file.name}.bak")
        interrupted = attributes.exists() and not attributes.stat().st_size
        if interrupted:
            attributes.unlink()
        if _is_complete(self.file) or not _is_complete(backup):
            return interrupted
        write_private(self.file, backup.read_text())
        return True

    @property
    def objects(self) -> list[KubernetesObject]:
        """The stack's objects, in the order in which they were created."""
        return [
            _object(resource)
            for resource in self._latest.get("resources") or []
            if resource["type"].startswith("kubernetes:") and "kind" in resource.get("inputs", {})
        ]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, except secret ones."""
        stacks = [each for each in self._latest.get("resources") or [] if each["type"] == "pulumi:pulumi:Stack"]
        outputs = stacks[0].get("outputs") or {} if stacks else {}
        return {name: value for name, value in outputs.items() if not _is_secret(value)}

    @property
    def has_pending_operations(self) -> bool:
        """Whether the engine ended before it knew the result of an operation."""
        return bool(self._latest.get("pending_operations"))

    @cached_property
    def _latest(self) -> Mapping[str, Any]:
        try:
            latest = json.loads(self.file.read_text())["checkpoint"].get("latest")
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            raise LocalError(
                f"{self.file} can't be read. Run `make down` to remove everything, and then `make up`."
            ) from None
        return latest or {}


def checkpoints(backend: Path, stacks: Iterable[str] | None = None) -> list[Checkpoint]:
    """Return the checkpoints in the backend's folder: of all stacks, or of these in this order."""
    found = [Checkpoint(file) for file in sorted(backend.glob(".pulumi/stacks/**/*.json"))]
    return found if stacks is None else [each for stack in stacks for each in found if each.stack == stack]


def _is_complete(file: Path) -> bool:
    try:
        return "checkpoint" in json.loads(file.read_text())
    except (OSError, ValueError, TypeError):
        return False


def _object(resource: Mapping[str, Any]) -> KubernetesObject:
    namespace, _, name = resource["id"].rpartition("/")
    return KubernetesObject(resource["inputs"]["apiVersion"], resource["inputs"]["kind"], namespace, name)


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return SIGNATURE in value or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))
