"""The project's stacks on the local control plane, through Pulumi's Automation API."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pulumi import automation

from local.api_keys import ApiKeys, program_with
from local.checkpoints import Checkpoint, KubernetesObject, checkpoints
from local.errors import LocalError
from local.folders import StateFolder, write_private
from local.gateway.references import GatewayReference
from local.interruption import Interruption
from local.kubernetes_provider.errors import NoMatchError, ProviderError, RefusedError
from local.kubernetes_provider.objects import Objects
from local.project import copy_project, gateway_references, namespaces, project_name, providers_without_key

# For a run after one that was killed: what it made but could not write down is taken over instead of refused.
RECOVERY = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


@dataclass(frozen=True)
class Deployed:
    """What a stack has made.

    Attributes:
        checkpoint: Its state now.
        changed: Whether the last `up` changed anything.
    """

    checkpoint: Checkpoint
    changed: bool


class Stacks:
    """Stacks in a file backend in the state folder. The environment must have been isolated before."""

    def __init__(self, state: StateFolder, keys: ApiKeys, say: Callable[[str], None], color: str) -> None:
        self._state = state
        self._keys = keys
        self._say = say
        self._color = color
        self._project = state.pulumi_project

    def prepare(self, names: Iterable[str]) -> None:
        """Copies the project with these stacks' files, and makes the backend's folder and passphrase.

        Raises:
            LocalError: Where a stack's file can't be read, or the passphrase of what is in the backend is gone.
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
                f"{self._state.pulumi_passphrase} is gone, and without it the state of the stacks can't be read. "
                "`make down` clears all of it away; then `make up` begins anew."
            )
        write_private(self._state.pulumi_passphrase, secrets.token_urlsafe(32))

    def namespaces(self, names: Iterable[str]) -> list[str]:
        """Those that these stacks name for their objects."""
        return sorted({namespace for name in names for namespace in namespaces(self._project, name)})

    def gateways(self, names: Iterable[str] = ()) -> list[GatewayReference]:
        """Returns the Gateways of the stacks that are deployed, and then those of these stacks."""
        names = list(names)
        deployed = [each.stack for each in checkpoints(self._state.pulumi_state) if each.stack not in names]
        return [reference for stack in (*deployed, *names) for reference in gateway_references(self._project, stack)]

    def up(self, name: str) -> Deployed:
        stack = self._stack(name, self._program(name))
        killed = self._go_on_from_killed_run(stack)
        result = self._run(f"pulumi up -s {name}", stack.up, show_secrets=False, refresh=self._lacks_objects(name))
        self._recovery(name).unlink(missing_ok=True)
        if killed:
            self._say(f"Stack {name} has gone on from where its last run was cut off.")
        changes = result.summary.resource_changes or {}
        changed = any(count for operation, count in changes.items() if operation != "same")
        return Deployed(self._checkpoint(name), changed)

    def preview(self, name: str) -> None:
        stack = self._stack(name, self._program(name))
        if self._was_killed(name):
            stack.workspace.env_vars = RECOVERY
        self._run(f"pulumi preview -s {name}", stack.preview, diff=True, refresh=self._lacks_objects(name))

    def destroy_all(self) -> None:
        for checkpoint in checkpoints(self._state.pulumi_state):
            stack = self._stack(checkpoint.stack)
            self._go_on_from_killed_run(stack)
            self._run(f"pulumi destroy -s {stack.name}", stack.destroy, remove=True, show_secrets=False)

    @cached_property
    def _pulumi(self) -> automation.PulumiCommand:
        return automation.PulumiCommand()

    def _program(self, name: str) -> Callable[[], None]:
        return program_with(self._keys.for_providers(providers_without_key(self._project, name)))

    def _stack(self, name: str, program: Callable[[], None] = lambda: None) -> automation.Stack:
        stack: automation.Stack = _silent(
            f"pulumi stack select {name}",
            automation.create_or_select_stack,
            stack_name=name,
            project_name=project_name(self._project),
            program=program,
            opts=automation.LocalWorkspaceOptions(work_dir=str(self._project), pulumi_command=self._pulumi),
        )
        # After each `up` it would start two more processes for what stands in the checkpoint.
        stack.outputs = dict  # type: ignore[method-assign]
        return stack

    def _checkpoint(self, name: str) -> Checkpoint:
        for checkpoint in checkpoints(self._state.pulumi_state):
            if checkpoint.stack == name:
                return checkpoint
        raise LocalError(f"Pulumi has written down no state of stack {name} below {self._state.pulumi_state}.")

    def _go_on_from_killed_run(self, stack: automation.Stack) -> bool:
        """What a killed run made and could not write down is taken over, until an `up` has come to its end."""
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
        """Nobody else is at work here, so a lock that is there was left by a run that was killed."""
        return any((self._state.pulumi_state / ".pulumi" / "locks").glob(f"**/{name}/*.json"))

    def _recovery(self, name: str) -> Path:
        return self._state.pulumi_state / f"{name}.killed"

    def _lacks_objects(self, name: str) -> bool:
        """Whether one of those in the state is gone: deleted by hand, or with its definition, or with all of etcd."""
        objects = self._checkpoint(name).objects
        if not objects:
            return False
        live = Objects(str(self._state.kubeconfig))
        missing = [str(each) for each in objects if _is_missing(live, each)]
        if missing:
            self._say(f"Gone from the API server since stack {name} made them: {', '.join(missing)}.")
        return bool(missing)

    def _run(self, command: str, run: Callable[..., Any], **options: Any) -> Any:
        with Interruption(self._say) as interruption:
            try:
                result = run(color=self._color, on_output=self._say, on_error=self._say, **options)
            except automation.CommandError:
                interruption.raise_if_interrupted()
                raise LocalError(
                    f"`{command}` failed; why stands above. Once that is mended, run it again, "
                    "or begin anew after `make down`."
                ) from None
        interruption.raise_if_interrupted()
        return result


def _silent(command: str, run: Callable[..., Any], **options: Any) -> Any:
    """For a command whose output is for us; what it says when it fails is for the user."""
    try:
        return run(**options)
    except (automation.CommandError, automation.InvalidVersionError) as error:
        reason = str(error).partition("\n stderr: ")[2].strip() or error
        raise LocalError(f"`{command}` failed. {reason}") from None


def _is_missing(live: Objects, wanted: KubernetesObject) -> bool:
    try:
        live.get(wanted.api_version, wanted.kind, wanted.namespace, wanted.name)
    except NoMatchError:
        return True
    except RefusedError as error:
        return error.code == HTTPStatus.NOT_FOUND
    except ProviderError:
        # Whatever is the matter, the engine will say it.
        return False
    return False
