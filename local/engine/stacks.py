"""Deploys, previews and destroys the project's stacks through Pulumi's Automation API."""

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pulumi import automation
from semver import VersionInfo

from local.control_plane.api_server import ApiServer
from local.engine.checkpoints import checkpoints
from local.engine.interruption import delayed_interruption
from local.engine.project import project_name, read_settings
from local.environment import Environment, program_with
from local.errors import LocalError
from local.folders import StateFolder, write_private
from local.stack_files import read_key_variables
from local.toolchain.go import read_version

logger = logging.getLogger(__name__)

# After a killed run, take over the objects that it created but did not record, instead of refusing them.
RECOVERY = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


class Stacks:
    """Runs the stacks of the copied project in a file backend in the state folder.

    Args:
        state: State folder, to which the project was copied.
        environment: The user's environment. This process must have no more than what is shared of it, all of which the
            Automation API hands on to the engine.
        pulumi: The Pulumi CLI.
        color: Whether the engine prints colors: `always` or `never`.

    Raises:
        LocalError: There is state whose passphrase is lost.
    """

    def __init__(self, state: StateFolder, environment: Environment, pulumi: Path, color: str) -> None:
        self._state = state
        self._environment = environment
        self._variables = environment.for_engine(state, pulumi)
        self._pulumi = _Pulumi(pulumi, self._variables)
        self._color = color
        self._repair()

    def up(self, name: str) -> bool:
        """Deploys a stack. Tells whether anything was changed.

        Raises:
            LocalError: The engine failed.
            KeyboardInterrupt: Ctrl-C was pressed, and the engine has ended.
        """
        stack = self._select(name, self._program(name))
        killed = self._recover(stack)
        result = self._run(f"pulumi up -s {name}", stack.up, show_secrets=False, refresh=self._lacks_objects(name))
        self._recovery(name).unlink(missing_ok=True)
        if killed:
            logger.info(f"The last run of stack {name} was killed. This one has completed it.")
        changes = result.summary.resource_changes or {}
        return any(count for operation, count in changes.items() if operation != "same")

    def preview(self, name: str) -> None:
        """Prints what `up` would change."""
        stack = self._select(name, self._program(name))
        self._run(f"pulumi preview -s {name}", stack.preview, diff=True, refresh=self._lacks_objects(name))

    def destroy_all(self) -> None:
        """Destroys every stack in the backend."""
        for checkpoint in checkpoints(self._state.pulumi_state):
            stack = self._select(checkpoint.stack)
            self._recover(stack)
            self._run(f"pulumi destroy -s {stack.name}", stack.destroy, remove=True, show_secrets=False)

    def _repair(self) -> None:
        """Repairs what killed runs left of the state, and creates the passphrase if there is no state yet."""
        found = checkpoints(self._state.pulumi_state)
        for checkpoint in found:
            if checkpoint.repair():
                self._recovery(checkpoint.stack).touch(mode=0o600)
        if self._state.pulumi_passphrase.exists():
            return
        if found:
            raise LocalError(
                f"{self._state.pulumi_passphrase} is missing, and without it the stacks' state can't be read. "
                "Run `make down` to remove everything, and then `make up`."
            )
        write_private(self._state.pulumi_passphrase, secrets.token_urlsafe(32))

    def _program(self, name: str) -> Callable[[], None]:
        keys = self._environment.for_program(read_key_variables(read_settings(self._state.pulumi_project, name)))
        # The engine's variables too: a Kubernetes provider of the program's own takes KUBECONFIG from here.
        return program_with(self._variables | keys)

    def _select(self, name: str, program: Callable[[], None] = lambda: None) -> automation.Stack:
        project, recovery = self._state.pulumi_project, RECOVERY if self._was_killed(name) else {}
        options = automation.LocalWorkspaceOptions(
            work_dir=str(project), pulumi_command=self._pulumi, env_vars=self._variables | recovery
        )
        try:
            stack = automation.create_or_select_stack(name, project_name(project), program=program, opts=options)
        except automation.CommandError as error:
            reason = str(error).partition("\n stderr: ")[2].strip() or error
            raise LocalError(f"`pulumi stack select {name}` failed. {reason}") from None
        # After each `up`, this would start two more processes to read what is in the checkpoint.
        stack.outputs = dict  # type: ignore[method-assign]
        return stack

    def _recover(self, stack: automation.Stack) -> bool:
        """Unlocks the stack if the last run was killed, and takes over objects until an `up` has succeeded."""
        if not self._was_killed(stack.name):
            return False
        self._recovery(stack.name).touch(mode=0o600)
        for lock in self._locks(stack.name):
            lock.unlink()
        self._run(f"pulumi refresh -s {stack.name}", stack.refresh, clear_pending_creates=True, show_secrets=False)
        return True

    def _was_killed(self, name: str) -> bool:
        pending = (each.has_pending_operations for each in checkpoints(self._state.pulumi_state, [name]))
        return bool(self._locks(name)) or self._recovery(name).exists() or any(pending)

    def _locks(self, name: str) -> list[Path]:
        """Returns the locks that a killed run left: no other run can be active."""
        return list(self._state.pulumi_state.glob(f".pulumi/locks/**/{name}/*"))

    def _recovery(self, name: str) -> Path:
        """The file that exists from a killed run until an `up` has succeeded."""
        return self._state.pulumi_state / f"{name}.killed"

    def _lacks_objects(self, name: str) -> bool:
        """Tells whether an object in the state was deleted: by hand, with its definition, or with all of etcd."""
        objects = [each for stack in checkpoints(self._state.pulumi_state, [name]) for each in stack.objects]
        # If the server can't tell, the engine will meet the same problem, and report it.
        with ApiServer(self._state) as api_server, suppress(LocalError):
            missing = [str(each) for each in objects if not api_server.has(each.api_version, each.kind, each.id)]
            if missing:
                logger.info(f"Deleted since stack {name} created them: {', '.join(missing)}.")
                return True
        return False

    def _run(self, command: str, run: Callable[..., Any], **options: Any) -> Any:
        with delayed_interruption():
            try:
                return run(color=self._color, on_output=logger.info, on_error=logger.info, **options)
            except automation.CommandError:
                raise LocalError(
                    f"`{command}` failed; see the error above. Fix it and run the command again, "
                    "or start over with `make down`."
                ) from None


class _Pulumi(automation.PulumiCommand):
    """The CLI that was found. The SDK's own class takes the one on PATH."""

    def __init__(self, program: Path, variables: dict[str, str]) -> None:
        self.command = str(program)
        version = read_version(program, "version", variables)
        self.version = VersionInfo(*version.release) if version else None
