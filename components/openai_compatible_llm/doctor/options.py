"""Parses the command line."""

import argparse
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ..inputs.validators import api_key as api_key_error
from .hops import Hop
from .outcome import Endpoint

DEFAULT_TIMEOUT_SECONDS = 60.0


class UsageError(Exception):
    """Reports in one line why no request can be sent, and what to do.

    Attributes:
        STATUS: The command's exit status.
    """

    STATUS = 1


@dataclass
class Options:
    """Holds the options that `--help` lists.

    Attributes:
        token: The caller's own, such as a client's key; None to send none.
        token_header: The header for it; None for the one that the route's policy names.
        provider_token: The caller's own for the provider, beside a client's key; None to send none.
    """

    prompt: str = "Say hello in five words."
    models: bool = False
    embeddings: str | None = None
    stack: str | None = None
    provider: str | None = None
    shared: bool = False
    all: bool = False
    path: str | None = None
    gateway_url: str | None = None
    model: str | None = None
    as_json: bool = False
    stream: bool = False
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    token: str | None = field(default=None, repr=False)
    token_header: str | None = None
    provider_token: str | None = field(default=None, repr=False)
    kubeconfig: str | None = None
    context: str | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Returns where the request goes."""
        if self.models:
            return Endpoint.MODELS
        return Endpoint.CHAT if self.embeddings is None else Endpoint.EMBEDDINGS


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Parses the arguments.

    Raises:
        UsageError: The environment variable for the token is empty or invalid.
        SystemExit: The arguments are invalid, or ask for help.
    """
    parser = _parser()
    options = parser.parse_args(arguments, namespace=Options())
    is_chat = options.endpoint is Endpoint.CHAT
    contradictions = {
        "--all: not allowed with --json or --stream, because it prints a table": (
            options.all and (options.as_json or options.stream)
        ),
        "--all: not allowed with --models or --embeddings; its table has the number of models": (
            options.all and not is_chat
        ),
        "--stream: not allowed with --models or --embeddings, which come in one piece": options.stream and not is_chat,
        "--embeddings: give the embedding model too: --model": (
            options.embeddings is not None and options.model is None
        ),
        "--path: not allowed with --all or --provider, because it names one provider": (
            options.path is not None and (options.all or options.provider is not None)
        ),
        "--shared: not allowed with --path or --provider, because a request's model decides which provider answers": (
            options.shared and (options.path is not None or options.provider is not None)
        ),
        "--model: not allowed with --shared and --all, which ask for each model": (
            options.shared and options.all and options.model is not None
        ),
        "--token-header: give the token too: --token-variable": (
            options.token_header is not None and options.token is None
        ),
    }
    for message, is_there in contradictions.items():
        if is_there:
            parser.error(f"argument {message}")
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exits with the status of a usage error, which is not argparse's own."""
        self.exit(UsageError.STATUS, f"{message}; see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="openai-compatible-llm-chat",
        description="Sends a chat completion request through the gateway, or what --models or --embeddings asks for.\n"
        "If it fails, names the broken hop.",
        epilog=_exit_statuses(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.register("type", "seconds", _seconds)
    parser.register("type", "token", _token)
    parser.add_argument("prompt", nargs="?", help="prompt (default: %(default)s)")
    for heading, tables in tomllib.loads(Path(__file__).with_name("options.toml").read_text()).items():
        group = parser.add_argument_group(heading)
        for alternatives in tables:
            exclusive = group.add_mutually_exclusive_group()
            for option, settings in alternatives.items():
                exclusive.add_argument(option, **settings)
    parser.set_defaults(**vars(Options()))
    return parser


def _exit_statuses() -> str:
    lines = ["  0  the response arrived", f"  {UsageError.STATUS}  no request was sent: the message says why"]
    lines += [f" {hop.status:2}  {hop.label}: {hop.meaning}" for hop in Hop]
    return "\n".join(["exit status, by the first broken hop in the order of a request:", *lines])


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return seconds


def _token(variable: str) -> str:
    token = os.environ.get(variable, "").strip()
    if problem := api_key_error(token):
        raise UsageError(f"The environment variable {variable} has no valid token: {problem}.")
    return token
