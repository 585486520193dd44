"""Parses the command line."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ..inputs.validators import api_key as api_key_error
from .hops import Hop
from .outcome import Endpoint

DEFAULT_PROMPT = "Say hello in five words."
DEFAULT_TIMEOUT_SECONDS = 60.0


class UsageError(Exception):
    """Reports in one line why no request can be sent, and what to do.

    Attributes:
        STATUS: The command's exit status.
    """

    STATUS = 1


@dataclass
class Options:
    """Holds the options that `--help` lists; `token` is the caller's own, or None to send none."""

    prompt: str = DEFAULT_PROMPT
    models: bool = False
    embeddings: str | None = None
    stack: str | None = None
    provider: str | None = None
    all: bool = False
    path: str | None = None
    gateway_url: str | None = None
    model: str | None = None
    as_json: bool = False
    stream: bool = False
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    token: str | None = field(default=None, repr=False)
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
    }
    for message in (message for message, is_there in contradictions.items() if is_there):
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
    parser.add_argument("prompt", nargs="?", default=DEFAULT_PROMPT, help=f"prompt (default: {DEFAULT_PROMPT})")
    instead = parser.add_argument_group("instead of a chat completion, on routes with `endpoints: all`")
    what = instead.add_mutually_exclusive_group()
    what.add_argument("--models", action="store_true", help="list the provider's models")
    what.add_argument("--embeddings", metavar="TEXT", help="compute the embedding of a text, with the model of --model")
    where = parser.add_argument_group("target")
    source = where.add_mutually_exclusive_group()
    source.add_argument("--stack", help="stack whose output `providers` has the URLs")
    source.add_argument("--path", help="path prefix of a route, instead of a stack")
    which = where.add_mutually_exclusive_group()
    which.add_argument("--provider", metavar="NAME", help="one of the stack's providers (default: the only one)")
    which.add_argument("--all", action="store_true", help="all of the stack's providers, with a table at the end")
    where.add_argument("--gateway-url", metavar="URL", help="URL of the gateway (default: the stack's `gateway.url`)")
    where.add_argument("--model", help="model for providers that have none in the stack, or for --embeddings")
    how = parser.add_argument_group("request")
    shape = how.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", dest="as_json", help="print the response's JSON")
    shape.add_argument("--stream", action="store_true", help="print tokens as they arrive")
    how.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help=f"longest time to wait for anything to arrive (default: {DEFAULT_TIMEOUT_SECONDS:g})",
    )
    how.add_argument(
        "--token-variable",
        type=_token,
        dest="token",
        metavar="NAME",
        help="environment variable with your own token, such as OPENAI_API_KEY, for a provider with `passthrough` or a "
        "gateway that requires one (default: send none)",
    )
    cluster = parser.add_argument_group("cluster, which is checked when a request fails")
    cluster.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig of the cluster (default: kubectl's)")
    cluster.add_argument("--context", metavar="NAME", help="its context (default: the current one)")
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
