"""What `make up`, `preview`, `down` and `status` do."""

import os
import shutil
from functools import cached_property

from rich.console import Console

from local.control_plane.control_plane import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, ControlPlane
from local.control_plane.objects import DEFAULT_GATEWAY
from local.engine.api_keys import ApiKeys
from local.engine.checkpoints import checkpoints
from local.engine.environment import isolate
from local.engine.orphans import outlast
from local.engine.project import refuse_unknown
from local.engine.stacks import Stacks
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.stack_gateways import StackGateways
from local.processes import DetachedProcesses
from local.tables import show
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.provider_plugin import have_provider_plugin

PROGRAMS = (KUBE_CONTROLLER_MANAGER, KUBE_APISERVER, ETCD)


class Commands:
    """On one state folder, which nobody else is at work on."""

    def __init__(self, state: StateFolder, console: Console) -> None:
        self._state = state
        self._console = console
        # The keys first, so that nothing which is started gets to see them.
        self._keys = ApiKeys(os.environ, self._say)
        self._users_pulumi_home = os.environ.get("PULUMI_HOME")
        self._stacks = Stacks(state, self._keys, self._say, "always" if console.is_terminal else "never")

    def up(self, names: list[str]) -> None:
        self._prepare(names)
        gateways, definitions = self._gateways.prepare(self._stacks.gateways(names))
        self._control_plane.start(self._stacks.namespaces(names), gateways or [DEFAULT_GATEWAY], definitions)
        self._gateways.start(gateways)
        deployed = [self._stacks.up(name) for name in names]
        show(self._console, [each.checkpoint for each in deployed])
        self._report_gateways()
        self._warn_of_open_gateways()
        if not any(each.changed for each in deployed):
            self._say("Nothing changed.")

    def preview(self, names: list[str]) -> None:
        self._prepare(names)
        # A Gateway stays as deployed stacks need it.
        _, definitions = self._gateways.prepare(self._stacks.gateways(names))
        namespaces = [DEFAULT_GATEWAY.namespace, *self._stacks.namespaces(names)]
        self._control_plane.start(namespaces, gateways=(), definitions=definitions)
        for name in names:
            self._stacks.preview(name)

    def down(self) -> None:
        """Whatever else fails: in the end no process is left, and no file."""
        processes = DetachedProcesses(self._state)
        if not self._state.root.exists() and not processes.names():
            self._say("Nothing is up.")
            return
        try:
            outlast(self._state, self._say)
            destroyed = self._destroy()
        finally:
            processes.stop(*sorted(processes.names() - set(PROGRAMS)), *PROGRAMS)
        if self._state.root.exists():
            shutil.rmtree(self._state.root)
        self._say(f"{'The stacks are destroyed' if destroyed else 'All is removed'}, and the control plane is stopped.")

    def status(self) -> None:
        if not self._state.root.exists():
            self._say("The control plane does not run.")
            return
        self._say(f"The control plane {'runs' if self._control_plane.running else 'does not run'}.")
        show(self._console, checkpoints(self._state.pulumi_state))
        self._report_gateways()

    def _prepare(self, names: list[str]) -> None:
        refuse_unknown(names)
        self._state.create()
        self._stacks.prepare(names)
        outlast(self._state, self._say)
        self._isolate()
        self._have_provider_plugin()

    def _report_gateways(self) -> None:
        for line in self._gateways.report(self._stacks.gateways()):
            self._say(line)

    def _warn_of_open_gateways(self) -> None:
        if self._keys.real and self._gateways.running(self._stacks.gateways()):
            self._say(
                "The gateway listens on all addresses of this machine: anyone who can reach its port can use your "
                f"{' and '.join(self._keys.real)}."
            )

    def _destroy(self) -> bool:
        """Only on a control plane that runs: the objects are gone with it, and it is not brought up to that end."""
        try:
            if not self._state.pulumi_state.exists() or not self._control_plane.running:
                return False
            self._stacks.prepare([])
            self._isolate()
            self._have_provider_plugin()
            self._stacks.destroy_all()
        except (LocalError, OSError) as error:
            self._say(f"The stacks can't be destroyed, so the control plane goes with all that is on it. {error}")
            return False
        return True

    def _isolate(self) -> None:
        isolate(os.environ, self._state, self._binaries.pulumi)

    def _have_provider_plugin(self) -> None:
        have_provider_plugin(self._state.pulumi_home, self._binaries.pulumi, self._say, self._users_pulumi_home)

    @cached_property
    def _binaries(self) -> Binaries:
        return find_or_build(self._say)

    @cached_property
    def _control_plane(self) -> ControlPlane:
        return ControlPlane(self._state, self._binaries, self._say)

    @cached_property
    def _gateways(self) -> StackGateways:
        return StackGateways(self._control_plane, self._say)

    def _say(self, line: str) -> None:
        self._console.out(line, highlight=False)
