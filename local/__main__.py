"""Runs the project on this machine alone: `python -m local` is what the Makefile's targets call."""

import argparse
import os
import shlex
import sys

from rich.console import Console

from local.environment import Environment
from local.errors import LocalError
from local.folders import StateFolder
from local.lock import exclusive
from local.messages import show_messages

INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit status. Prints a problem that the user can act on as one message."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo")
    for name in ("up", "preview"):
        commands.add_parser(name).add_argument("names", nargs="+", metavar="STACK")
    for name in ("demo", "up"):
        commands.choices[name].add_argument("--gateway", metavar="NAME", help="gateway to download and run")
    for name in ("down", "status", "kubeconfig"):
        commands.add_parser(name)
    # What follows `chat` is for the package's command to parse.
    is_chat = arguments[:1] == ["chat"]
    options = argparse.Namespace(command="chat", passed_on=arguments[1:]) if is_chat else parser.parse_args(arguments)
    console = Console(stderr=is_chat)
    show_messages(console)
    try:
        return _run(options, StateFolder.of_this_clone(), console)
    except LocalError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'A system call'}: {error.strerror or error}")
    except KeyboardInterrupt:
        if not is_chat:
            print(f"Interrupted. Run `make {options.command}` again to continue.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


def _run(options: argparse.Namespace, state: StateFolder, console: Console) -> int:
    # The imports take a while. Done here, a Ctrl-C meanwhile ends in a message, not in a traceback.
    if options.command == "chat":
        from local.chat import chat

        return chat(state, options.passed_on, os.environ)
    if options.command == "kubeconfig":
        if not state.kubeconfig.exists():
            raise LocalError("There is no local control plane. Start it with `make up`.")
        console.out(f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}", highlight=False)
        return 0
    environment = Environment.of(os.environ)
    # Whatever is started from here on inherits no key, and the engine nothing of the user's Pulumi.
    for name in os.environ.keys() - environment.shared.keys():
        del os.environ[name]
    with exclusive(state.lock):
        from local.commands import Commands

        parameters = {name: value for name, value in vars(options).items() if name != "command"}
        getattr(Commands(state, environment, console), options.command)(**parameters)
    return 0


def _failed(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
