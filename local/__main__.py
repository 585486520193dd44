"""`python -m local`: what the targets of the Makefile run."""

import argparse
import os
import shlex
import shutil
import sys

from rich.console import Console

from local.api_keys import ApiKeys
from local.binaries import Binaries, find_or_build
from local.control_plane import ControlPlane
from local.engine_environment import isolate
from local.errors import LocalError
from local.folders import StateFolder
from local.lock import only_one_at_a_time
from local.provider_plugin import have_provider_plugin
from local.stacks import Stacks
from local.tables import show

INTERRUPTED = 130


class Local:
    """The commands, on one state folder."""

    def __init__(self, state: StateFolder, console: Console) -> None:
        self._state = state
        self._console = console
        self._binaries: Binaries = find_or_build(self._say)
        self._control_plane = ControlPlane(state, self._binaries, self._say)

    def up(self, names: list[str]) -> None:
        stacks = self._ready_stacks(names)
        deployed = [stacks.up(name) for name in names]
        show(self._console, deployed)
        if not any(each.changed for each in deployed):
            self._say("Nothing changed.")

    def preview(self, names: list[str]) -> None:
        stacks = self._ready_stacks(names)
        for name in names:
            stacks.preview(name)

    def down(self) -> None:
        if not self._state.root.exists():
            self._say("Nothing is up.")
            return
        try:
            if self._state.pulumi_state.exists():
                self._ready_stacks([]).destroy_all()
        finally:
            self._control_plane.stop()
        shutil.rmtree(self._state.root)
        self._say("The stacks are destroyed, and the control plane is stopped.")

    def status(self) -> None:
        self._say(f"The control plane {'runs' if self._control_plane.running else 'does not run'}.")
        if self._state.pulumi_state.exists():
            show(self._console, self._stacks().deployed())

    def _stacks(self) -> Stacks:
        keys = ApiKeys(os.environ, self._say)
        have_provider_plugin(self._state.pulumi_home, self._binaries.pulumi, self._say, os.environ)
        isolate(os.environ, self._state, self._binaries.pulumi)
        color = "always" if self._console.is_terminal else "never"
        return Stacks(self._state, keys, self._say, color)

    def _ready_stacks(self, names: list[str]) -> Stacks:
        self._state.create()
        stacks = self._stacks()
        stacks.prepare()
        stacks.refuse_unknown(names)
        self._control_plane.start()
        return stacks

    def _say(self, line: str) -> None:
        self._console.out(line, highlight=False)


def main(arguments: list[str]) -> int:
    """Runs one command; a problem that the user can act on is one message and status 1."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "preview"):
        commands.add_parser(name).add_argument("stacks", nargs="+", metavar="STACK")
    for name in ("down", "status", "kubeconfig"):
        commands.add_parser(name)
    asked = parser.parse_args(arguments)
    state = StateFolder.of_this_clone()
    console = Console()
    if asked.command == "kubeconfig":
        return _kubeconfig(state, console)
    try:
        with only_one_at_a_time(state, console.print):
            local = Local(state, console)
            run = getattr(local, asked.command)
            run(asked.stacks) if "stacks" in asked else run()
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print(f"Interrupted. The next `make {asked.command}` goes on from here.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return 0


def _kubeconfig(state: StateFolder, console: Console) -> int:
    if not state.kubeconfig.exists():
        print("error: There is no local control plane; `make up` starts it.", file=sys.stderr)  # noqa: T201
        return 1
    console.out(f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
