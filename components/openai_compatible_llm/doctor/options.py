"""What the command line says."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ..inputs.validators import api_key as api_key_error
from .errors import CannotAsk
from .links import Link

DEFAULT_PROMPT = "Say hello in five words."
DEFAULT_TIMEOUT_SECONDS = 60.0
CANNOT_ASK = 1


@dataclass(frozen=True)
class Options:
    """As `--help` has them; `token` is the caller's own, None where none is to be shown."""

    prompt: str
    stack: str | None
    provider: str | None
    all: bool
    path: str | None
    gateway_url: str | None
    model: str | None
    as_json: bool
    stream: bool
    timeout: float
    token: str | None = field(repr=False)
    kubeconfig: str | None
    context: str | None


def options_from(arguments: Sequence[str] | None) -> Options:
    """
    Raises:
        CannotAsk: The variable that was named for the token has none.
        SystemExit: The arguments make no sense, or help was asked for.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.all and (given.json or given.stream):
        parser.error("argument --all: it prints a table, and goes with neither --json nor --stream")
    if given.path is not None and (given.all or given.provider):
        parser.error("argument --path: it is of one provider, and goes with neither --all nor --provider")
    return Options(
        prompt=given.prompt,
        stack=given.stack,
        provider=given.provider,
        all=given.all,
        path=given.path,
        gateway_url=given.gateway_url or None,
        model=given.model,
        as_json=given.json,
        stream=given.stream,
        timeout=given.timeout,
        token=_token(given.token_variable),
        kubeconfig=given.kubeconfig,
        context=given.context,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """With the status that says that nothing was asked; argparse's own is another."""
        self.exit(CANNOT_ASK, f"{message}; --help says what there is\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="openai-compatible-llm-chat",
        description="Sends a chat completion through the gateway. Where no answer comes, names the broken link.",
        epilog=_exit_statuses(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", default=DEFAULT_PROMPT, help=f"what to say (default: {DEFAULT_PROMPT})")
    where = parser.add_argument_group("whom to ask")
    source = where.add_mutually_exclusive_group()
    source.add_argument("--stack", help="stack whose output `providers` says where its providers are")
    source.add_argument("--path", help="path prefix of a route, in place of a stack")
    which = where.add_mutually_exclusive_group()
    which.add_argument("--provider", metavar="NAME", help="one of the stack's providers (default: the only one)")
    which.add_argument("--all", action="store_true", help="all of the stack's providers, with a table at the end")
    where.add_argument("--gateway-url", metavar="URL", help="URL of the gateway (default: the stack's `gateway.url`)")
    where.add_argument("--model", help="model to ask for, where the stack names none")
    how = parser.add_argument_group("how")
    shape = how.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print the whole response as it came")
    shape.add_argument("--stream", action="store_true", help="print tokens as they come")
    how.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help=f"longest time in which nothing comes (default: {DEFAULT_TIMEOUT_SECONDS:g})",
    )
    how.add_argument(
        "--token-variable",
        metavar="NAME",
        help="environment variable with a token of your own, for a provider with `passthrough` or a gateway that wants "
        "one, such as OPENAI_API_KEY (default: none is shown)",
    )
    cluster = parser.add_argument_group("where to look when no answer comes")
    cluster.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig of the cluster (default: kubectl's)")
    cluster.add_argument("--context", metavar="NAME", help="its context (default: the current one)")
    return parser


def _exit_statuses() -> str:
    lines = ["  0  the answer came", f"  {CANNOT_ASK}  nothing was asked: the message says why"]
    lines += [f" {link.status:2}  {link.label}: {link.meaning}" for link in Link]
    return "\n".join(["exit status, by the first broken link in the order of a request:", *lines])


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return seconds


def _token(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable, "").strip()
    if problem := api_key_error(token):
        raise CannotAsk(f"The environment variable {variable} has no token in it: {problem}.")
    return token
