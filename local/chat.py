"""`make chat`: asks a stack of the local control plane where one is meant, else the user's own."""

import argparse
import os
import sys
from collections.abc import Sequence

from components.openai_compatible_llm.doctor.__main__ import main as ask
from local.control_plane.control_plane import ControlPlane
from local.engine.checkpoints import checkpoints
from local.engine.environment import isolate
from local.engine.project import gateway_references
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.stack_gateways import StackGateways
from local.toolchain.binaries import find_or_build


def chat(state: StateFolder, arguments: Sequence[str]) -> int:
    """Runs the package's own command, and for a local stack tells it the gateway's URL, the state and the cluster.

    A local stack is meant where `make up` has deployed it with a gateway, and no other gateway's URL is given.

    Returns:
        The exit status.

    Raises:
        LocalError: The local stack's gateway doesn't run.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("--stack", "--gateway-url", "--provider"):
        parser.add_argument(option)
    given, _ = parser.parse_known_args(arguments)
    if given.gateway_url or not _is_local(state, given.stack):
        return ask(arguments)
    binaries = find_or_build(_note)
    gateways = StackGateways(ControlPlane(state, binaries, _note), _note)
    references = [
        each
        for each in gateway_references(state.pulumi_project, given.stack)
        if given.provider in (None, each.provider)
    ]
    urls = [gateway.url for gateway in gateways.running(references)]
    if not urls:
        raise LocalError(
            f"No gateway runs for the local stack {given.stack}; `make up STACK={given.stack}` starts it. "
            "To ask a stack of your own cluster, give GATEWAY_URL."
        )
    if len(urls) > 1:
        raise LocalError(f"The providers of stack {given.stack} have different gateways. Say which: --provider NAME")
    isolate(os.environ, state, binaries.pulumi)
    # Where the stack's settings are.
    os.chdir(state.pulumi_project)
    return ask(["--gateway-url", urls[0], *arguments])


def _is_local(state: StateFolder, stack: str | None) -> bool:
    deployed = [each.stack for each in checkpoints(state.pulumi_state)]
    return stack in deployed and state.gateways.exists()


def _note(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201
