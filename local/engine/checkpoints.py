"""Reads each stack's state from the engine's file backend, without decrypting secrets."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.folders import read_json, write_private

# A key of every secret value, in all versions of the format.
SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class KubernetesObject:
    """An object that a stack created. Its id is its name, after its namespace and a slash if it has one."""

    api_version: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one stack."""

    file: Path

    @property
    def stack(self) -> str:
        return self.file.stem

    def repair(self) -> bool:
        """Replaces half a state, as a full disk leaves it, by the engine's own backup. Tells whether it did."""
        backup = self.file.with_name(f"{self.file.name}.bak")
        is_damaged = _read(self.file) is None and _read(backup) is not None
        if is_damaged:
            write_private(self.file, backup.read_text())
        return is_damaged

    @property
    def objects(self) -> list[KubernetesObject]:
        """The stack's objects, in the order in which they were created."""
        return [
            KubernetesObject(resource["inputs"]["apiVersion"], resource["inputs"]["kind"], resource["id"])
            for resource in self._latest.get("resources") or []
            if resource["type"].startswith("kubernetes:") and "kind" in resource.get("inputs", {})
        ]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, except secret ones."""
        stacks = [each for each in self._latest.get("resources") or [] if each["type"] == "pulumi:pulumi:Stack"]
        outputs = stacks[0].get("outputs") or {} if stacks else {}
        return {name: value for name, value in outputs.items() if SIGNATURE not in json.dumps(value)}

    @property
    def has_pending_operations(self) -> bool:
        """Whether the engine ended before it knew the result of an operation."""
        return bool(self._latest.get("pending_operations"))

    @cached_property
    def _latest(self) -> Mapping[str, Any]:
        latest = _read(self.file)
        if latest is None:
            raise LocalError(f"{self.file} can't be read. Run `make down` to remove everything, and then `make up`.")
        return latest


def checkpoints(backend: Path, stacks: Iterable[str] | None = None) -> list[Checkpoint]:
    """Returns the checkpoints in the backend's folder: of all stacks, or of these in this order."""
    found = [Checkpoint(file) for file in sorted(backend.glob(".pulumi/stacks/**/*.json"))]
    return found if stacks is None else [each for stack in stacks for each in found if each.stack == stack]


def _read(file: Path) -> Mapping[str, Any] | None:
    """Returns the state in a file; None if the file is missing or damaged."""
    checkpoint = read_json(file).get("checkpoint")
    return (checkpoint.get("latest") or {}) if isinstance(checkpoint, dict) else None
