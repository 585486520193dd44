"""Implements `make chat`: asks through the local gateway if the stack is deployed here."""

import argparse
import os
from collections.abc import Sequence

from components.openai_compatible_llm.doctor.__main__ import main as ask
from local.engine.checkpoints import checkpoints
from local.engine.environment import isolate
from local.engine.project import read_placements
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.references import gateway_references
from local.gateway.stack_gateways import StackGateways
from local.toolchain.binaries import find_or_build


def chat(state: StateFolder, arguments: Sequence[str]) -> int:
    """Run the package's own command. Point it to the local state, cluster and gateway if the stack is a local one.

    A stack is a local one if `make up` has deployed it with a gateway, unless the arguments name a gateway's URL.

    Returns:
        The exit status.

    Raises:
        LocalError: The local stack's gateway doesn't run, or it has several and the arguments don't say which.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("--stack", "--gateway-url", "--provider"):
        parser.add_argument(option)
    given, _ = parser.parse_known_args(arguments)
    if given.gateway_url or not _is_local(state, given.stack):
        return ask(arguments)
    placements = {given.stack: read_placements(state.pulumi_project, given.stack)}
    references = [each for each in gateway_references(placements) if given.provider in (None, each.provider)]
    urls = [gateway.url for gateway in StackGateways(state).running(references)]
    if not urls:
        raise LocalError(
            f"No gateway is running for the local stack {given.stack}. Start it with `make up STACK={given.stack}`, "
            "or give GATEWAY_URL to ask through a gateway of your own cluster."
        )
    if len(urls) > 1:
        raise LocalError(
            f"The providers of stack {given.stack} have different gateways. Choose a provider: "
            f"make chat STACK={given.stack} OPTIONS='--provider NAME'"
        )
    isolate(os.environ, state, find_or_build().pulumi)
    # The command reads the stack's settings from the working directory.
    os.chdir(state.pulumi_project)
    return ask(["--gateway-url", urls[0], *arguments])


def _is_local(state: StateFolder, stack: str | None) -> bool:
    deployed = [each.stack for each in checkpoints(state.pulumi_state)]
    return stack in deployed and state.gateways.exists()
