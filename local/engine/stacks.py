"""Deploys, previews and destroys the project's stacks through Pulumi's Automation API."""

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pulumi import automation

from components.openai_compatible_llm.settings import Placement
from local.control_plane.api_server import ApiServer
from local.engine.api_keys import ApiKeys, program_with
from local.engine.checkpoints import Checkpoint, KubernetesObject, checkpoints
from local.engine.interruption import Interruption
from local.engine.project import copy_project, project_name, read_key_variables, read_placements
from local.errors import LocalError
from local.folders import StateFolder, write_private

logger = logging.getLogger(__name__)

# After a killed run, take over the objects that it created but did not record, instead of refusing them.
RECOVERY = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


@dataclass(frozen=True)
class UpResult:
    """The result of an `up`.

    Attributes:
        checkpoint: State of the stack.
        changed: Whether anything was changed.
    """

    checkpoint: Checkpoint
    changed: bool


class Stacks:
    """Runs stacks in a file backend in the state folder. `isolate` must have been called before any of them runs."""

    def __init__(self, state: StateFolder, keys: ApiKeys, color: str) -> None:
        self._state = state
        self._keys = keys
        self._color = color
        self._project = state.pulumi_project

    def prepare(self, names: Iterable[str]) -> None:
        """Copy the project with these stacks' files, repair the state of killed runs, and create the passphrase.

        Raises:
            LocalError: A stack's file can't be read, or there is state whose passphrase is lost.
        """
        self._project.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_project(self._project, names)
        self._state.pulumi_state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for checkpoint in checkpoints(self._state.pulumi_state):
            if checkpoint.repair():
                self._recovery(checkpoint.stack).touch(mode=0o600)
        if self._state.pulumi_passphrase.exists():
            return
        if checkpoints(self._state.pulumi_state):
            raise LocalError(
                f"{self._state.pulumi_passphrase} is missing, and without it the stacks' state can't be read. "
                "Run `make down` to remove everything, and then `make up`."
            )
        write_private(self._state.pulumi_passphrase, secrets.token_urlsafe(32))

    def placements(self, names: Iterable[str]) -> dict[str, dict[str, Placement]]:
        """Return where the providers of these stacks put their objects, by stack and by provider."""
        return {name: read_placements(self._project, name) for name in names}

    def deployed(self) -> list[str]:
        """Return the names of the stacks in the backend."""
        return [each.stack for each in checkpoints(self._state.pulumi_state)]

    def up(self, name: str) -> UpResult:
        """Deploy a stack.

        Raises:
            LocalError: The engine failed.
            KeyboardInterrupt: Ctrl-C was pressed, and the engine has ended.
        """
        stack = self._stack(name, self._program(name))
        killed = self._recover(stack)
        result = self._run(f"pulumi up -s {name}", stack.up, show_secrets=False, refresh=self._lacks_objects(name))
        self._recovery(name).unlink(missing_ok=True)
        if killed:
            logger.info(f"The last run of stack {name} was killed. This one has completed it.")
        changes = result.summary.resource_changes or {}
        changed = any(count for operation, count in changes.items() if operation != "same")
        return UpResult(self._checkpoint(name), changed)

    def preview(self, name: str) -> None:
        """Print what `up` would change."""
        stack = self._stack(name, self._program(name))
        if self._was_killed(name):
            stack.workspace.env_vars = RECOVERY
        self._run(f"pulumi preview -s {name}", stack.preview, diff=True, refresh=self._lacks_objects(name))

    def destroy_all(self) -> None:
        """Destroy every stack in the backend."""
        for checkpoint in checkpoints(self._state.pulumi_state):
            stack = self._stack(checkpoint.stack)
            self._recover(stack)
            self._run(f"pulumi destroy -s {stack.name}", stack.destroy, remove=True, show_secrets=False)

    @cached_property
    def _pulumi(self) -> automation.PulumiCommand:
        return automation.PulumiCommand()

    def _program(self, name: str) -> Callable[[], None]:
        return program_with(self._keys.of(read_key_variables(self._project, name)))

    def _stack(self, name: str, program: Callable[[], None] = lambda: None) -> automation.Stack:
        stack: automation.Stack = _silent(
            f"pulumi stack select {name}",
            automation.create_or_select_stack,
            stack_name=name,
            project_name=project_name(self._project),
            program=program,
            opts=automation.LocalWorkspaceOptions(work_dir=str(self._project), pulumi_command=self._pulumi),
        )
        # After each `up`, this would start two more processes to read what is in the checkpoint.
        stack.outputs = dict  # type: ignore[method-assign]
        return stack

    def _checkpoint(self, name: str) -> Checkpoint:
        for checkpoint in checkpoints(self._state.pulumi_state):
            if checkpoint.stack == name:
                return checkpoint
        raise LocalError(f"Pulumi has saved no state of stack {name} in {self._state.pulumi_state}. Run it again.")

    def _recover(self, stack: automation.Stack) -> bool:
        """If the last run was killed, unlock the stack, and take over objects until an `up` has succeeded."""
        if not self._was_killed(stack.name):
            return False
        self._recovery(stack.name).touch(mode=0o600)
        stack.workspace.env_vars = RECOVERY
        if self._is_locked(stack.name):
            _silent(f"pulumi cancel -s {stack.name}", stack.cancel)
        self._run(f"pulumi refresh -s {stack.name}", stack.refresh, clear_pending_creates=True, show_secrets=False)
        return True

    def _was_killed(self, name: str) -> bool:
        return self._is_locked(name) or self._recovery(name).exists() or self._checkpoint(name).has_pending_operations

    def _is_locked(self, name: str) -> bool:
        """Tell whether a killed run left its lock: no other run can be active."""
        return any((self._state.pulumi_state / ".pulumi" / "locks").glob(f"**/{name}/*.json"))

    def _recovery(self, name: str) -> Path:
        """The file that exists from a killed run until an `up` has succeeded."""
        return self._state.pulumi_state / f"{name}.killed"

    def _lacks_objects(self, name: str) -> bool:
        """Tell whether an object in the state was deleted: by hand, with its definition, or with all of etcd."""
        objects = self._checkpoint(name).objects
        if not objects:
            return False
        with ApiServer.of(self._state) as api_server:
            missing = [str(each) for each in objects if _is_missing(api_server, each)]
        if missing:
            logger.info(f"Deleted since stack {name} created them: {', '.join(missing)}.")
        return bool(missing)

    def _run(self, command: str, run: Callable[..., Any], **options: Any) -> Any:
        with Interruption() as interruption:
            try:
                result = run(color=self._color, on_output=logger.info, on_error=logger.info, **options)
            except automation.CommandError:
                interruption.raise_if_interrupted()
                raise LocalError(
                    f"`{command}` failed; see the error above. Fix it and run the command again, "
                    "or start over with `make down`."
                ) from None
        interruption.raise_if_interrupted()
        return result


def _silent(command: str, run: Callable[..., Any], **options: Any) -> Any:
    """Run a command whose output nobody needs unless it fails."""
    try:
        return run(**options)
    except (automation.CommandError, automation.InvalidVersionError) as error:
        reason = str(error).partition("\n stderr: ")[2].strip() or error
        raise LocalError(f"`{command}` failed. {reason}") from None


def _is_missing(api_server: ApiServer, wanted: KubernetesObject) -> bool:
    try:
        return not api_server.has(wanted.api_version, wanted.kind, wanted.namespace, wanted.name)
    except LocalError:
        # The engine will meet the same problem, and report it.
        return False
