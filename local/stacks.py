"""The project's stacks on the local control plane, through Pulumi's Automation API."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import automation

from local.api_keys import ApiKeys, program_with
from local.errors import LocalError
from local.folders import StateFolder, write_private
from local.interruption import Interruption
from local.project import copy_project, project_name, providers_without_key, stack_names

# For a run after one that was killed: what it made but could not write down is taken over instead of refused.
RECOVERY = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


@dataclass(frozen=True)
class Deployed:
    """What a stack has made.

    Attributes:
        stack: Its name.
        changed: Whether the last `up` changed anything.
        objects: Kind and `namespace/name` of each Kubernetes object, in the order of their making.
        outputs: Of the stack, in plain; secret ones are left out.
    """

    stack: str
    changed: bool
    objects: list[tuple[str, str]]
    outputs: dict[str, Any]


class Stacks:
    """Stacks in a file backend in the state folder. The environment must have been isolated before."""

    def __init__(self, state: StateFolder, keys: ApiKeys, say: Callable[[str], None], color: str) -> None:
        self._state = state
        self._keys = keys
        self._say = say
        self._color = color
        self._project = state.pulumi_project

    def prepare(self) -> None:
        """Copies the project and makes the backend's folder and passphrase, where they are not there yet."""
        copy_project(self._project)
        self._state.pulumi_state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._state.pulumi_passphrase.exists():
            write_private(self._state.pulumi_passphrase, secrets.token_urlsafe(32))

    def refuse_unknown(self, names: list[str]) -> None:
        """
        Raises:
            LocalError: Where a stack has no file.
        """
        known = stack_names(self._project)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise LocalError(f"There is no stack {', '.join(unknown)} in stacks/; there are {', '.join(known)}.")

    def up(self, name: str) -> Deployed:
        stack, recovery = self._unlocked(name, self._program(name))
        changes = self._run(f"pulumi up -s {name}", stack.up, show_secrets=False).summary.resource_changes or {}
        if recovery:
            self._say(f"Stack {name} has gone on from where its last run was killed.")
        changed = any(count for operation, count in changes.items() if operation != "same")
        return self._deployed(stack, changed=changed)

    def preview(self, name: str) -> None:
        stack, _ = self._unlocked(name, self._program(name))
        self._run(f"pulumi preview -s {name}", stack.preview)

    def deployed(self) -> list[Deployed]:
        """Of every stack in the backend."""
        return [self._deployed(self._stack(name), changed=False) for name in self._names()]

    def destroy_all(self) -> None:
        for name in self._names():
            stack, _ = self._unlocked(name)
            self._run(f"pulumi destroy -s {name}", stack.destroy, remove=True, show_secrets=False)

    def _names(self) -> list[str]:
        workspace = automation.LocalWorkspace(work_dir=str(self._project))
        return [summary.name for summary in workspace.list_stacks()]

    def _program(self, name: str) -> Callable[[], None]:
        return program_with(self._keys.for_providers(providers_without_key(self._project, name)))

    def _stack(
        self, name: str, program: Callable[[], None] = lambda: None, environment: Mapping[str, str] | None = None
    ) -> automation.Stack:
        return automation.create_or_select_stack(
            stack_name=name,
            project_name=project_name(self._project),
            program=program,
            opts=automation.LocalWorkspaceOptions(work_dir=str(self._project), env_vars=environment),
        )

    def _unlocked(self, name: str, program: Callable[[], None] = lambda: None) -> tuple[automation.Stack, bool]:
        """Nobody else is at work here, so a lock that is there was left by a run that was killed."""
        locks = self._state.pulumi_state / ".pulumi" / "locks"
        if not any(locks.glob(f"**/{name}/*.json")):
            return self._stack(name, program), False
        stack = self._stack(name, program, RECOVERY)
        stack.cancel()
        self._run(f"pulumi refresh -s {name}", stack.refresh, clear_pending_creates=True, show_secrets=False)
        return stack, True

    def _run(self, command: str, run: Callable[..., Any], **options: Any) -> Any:
        with Interruption(self._say) as interruption:
            try:
                return run(color=self._color, on_output=self._say, on_error=self._say, **options)
            except automation.CommandError:
                interruption.passed_on()
                raise LocalError(f"`{command}` failed; why stands above. Once that is mended, run it again.") from None

    def _deployed(self, stack: automation.Stack, *, changed: bool) -> Deployed:
        resources = (stack.export_stack().deployment or {}).get("resources", [])
        objects = [
            (resource["type"].rsplit(":", 1)[1], resource["id"])
            for resource in resources
            if resource["type"].startswith("kubernetes:")
        ]
        outputs = {key: output.value for key, output in stack.outputs().items() if not output.secret}
        return Deployed(stack.name, changed, objects, outputs)
