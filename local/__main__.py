"""`python -m local`: what the targets of the Makefile run."""

import argparse
import shlex
import sys

from rich.console import Console

from local.commands import Commands
from local.errors import LocalError
from local.folders import StateFolder
from local.lock import only_one_at_a_time

INTERRUPTED = 130


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
            _run(Commands(state, console), asked)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print(f"Interrupted. The next `make {asked.command}` goes on from here.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return 0


def _run(commands: Commands, asked: argparse.Namespace) -> None:
    match asked.command:
        case "up":
            commands.up(asked.stacks)
        case "preview":
            commands.preview(asked.stacks)
        case "down":
            commands.down()
        case "status":
            commands.status()


def _kubeconfig(state: StateFolder, console: Console) -> int:
    if not state.kubeconfig.exists():
        print("error: There is no local control plane; `make up` starts it.", file=sys.stderr)  # noqa: T201
        return 1
    console.out(f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
