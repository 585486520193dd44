"""Runs the project on this machine alone: `python -m local` is what the Makefile's targets call."""

import argparse
import shlex
import sys

from rich.console import Console

from local.errors import LocalError
from local.folders import StateFolder
from local.lock import exclusive
from local.messages import show_messages

INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status. Print a problem that the user can act on as one message."""
    if arguments[:1] == ["chat"]:
        return _chat(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "preview"):
        commands.add_parser(name).add_argument("stacks", nargs="+", metavar="STACK")
    for name in ("down", "status", "kubeconfig"):
        commands.add_parser(name)
    options = parser.parse_args(arguments)
    state = StateFolder.of_this_clone()
    console = Console()
    show_messages(console)
    try:
        if options.command == "kubeconfig":
            _kubeconfig(state, console)
            return 0
        with exclusive(state.lock):
            _run(options, state, console)
    except LocalError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'A system call'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print(f"Interrupted. Run `make {options.command}` again to continue.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return 0


def _run(options: argparse.Namespace, state: StateFolder, console: Console) -> None:
    # Importing this takes a while. Done here, a Ctrl-C meanwhile ends in a message, not in a traceback.
    from local.commands import Commands

    commands = Commands(state, console)
    match options.command:
        case "up":
            commands.up(options.stacks)
        case "preview":
            commands.preview(options.stacks)
        case "down":
            commands.down()
        case "status":
            commands.status()


def _chat(arguments: list[str]) -> int:
    from local.chat import chat

    show_messages(Console(stderr=True))
    try:
        return chat(StateFolder.of_this_clone(), arguments)
    except LocalError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED


def _kubeconfig(state: StateFolder, console: Console) -> None:
    if not state.kubeconfig.exists():
        raise LocalError("There is no local control plane. Start it with `make up`.")
    console.out(f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}", highlight=False)


def _failed(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
