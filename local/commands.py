"""What `make up`, `preview`, `down` and `status` do."""

import os
import shutil

from rich.console import Console

from local.api_keys import ApiKeys
from local.binaries import find_or_build
from local.control_plane import ControlPlane
from local.engine_environment import isolate
from local.folders import StateFolder
from local.provider_plugin import have_provider_plugin
from local.stacks import Stacks
from local.tables import show


class Commands:
    """On one state folder, which nobody else is at work on."""

    def __init__(self, state: StateFolder, console: Console) -> None:
        self._state = state
        self._console = console
        self._binaries = find_or_build(self._say)
        self._control_plane = ControlPlane(state, self._binaries, self._say)
        keys = ApiKeys(os.environ, self._say)
        self._users_pulumi_home = os.environ.get("PULUMI_HOME")
        isolate(os.environ, state, self._binaries.pulumi)
        self._stacks = Stacks(state, keys, self._say, "always" if console.is_terminal else "never")

    def up(self, names: list[str]) -> None:
        self._start(names)
        deployed = [self._stacks.up(name) for name in names]
        show(self._console, deployed)
        if not any(each.changed for each in deployed):
            self._say("Nothing changed.")

    def preview(self, names: list[str]) -> None:
        self._start(names)
        for name in names:
            self._stacks.preview(name)

    def down(self) -> None:
        if not self._state.root.exists():
            self._say("Nothing is up.")
            return
        try:
            if self._state.pulumi_state.exists():
                self._start([])
                self._stacks.destroy_all()
        finally:
            self._control_plane.stop()
        shutil.rmtree(self._state.root)
        self._say("The stacks are destroyed, and the control plane is stopped.")

    def status(self) -> None:
        self._say(f"The control plane {'runs' if self._control_plane.running else 'does not run'}.")
        if self._state.pulumi_state.exists():
            show(self._console, self._stacks.deployed())

    def _start(self, names: list[str]) -> None:
        self._state.create()
        self._stacks.prepare()
        self._stacks.refuse_unknown(names)
        have_provider_plugin(self._state.pulumi_home, self._binaries.pulumi, self._say, self._users_pulumi_home)
        self._control_plane.start()

    def _say(self, line: str) -> None:
        self._console.out(line, highlight=False)
