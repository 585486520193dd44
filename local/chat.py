"""Implements `make chat`: asks through the local gateway if the stack is deployed here."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.demo import STACK as DEMO
from local.demo import demo
from local.demo.provider import NOT_RUNNING, DemoProvider
from local.engine.checkpoints import checkpoints
from local.engine.project import find_own_project, read_settings
from local.environment import Environment
from local.errors import LocalError
from local.folders import REPOSITORY, StateFolder
from local.gateway.attachments import attachments
from local.gateway.gateways import Gateways
from local.stack_files import read_placements
from local.toolchain.binaries import find_or_build


def chat(state: StateFolder, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Runs the package's own command. Points it to the local state, cluster and gateway if the stack is a local one.

    A stack is a local one if `make up` has deployed it with a gateway, unless the arguments name a gateway's URL. Any
    other one belongs to the project above this clone, if that runs the clone's program, or else to the clone's own.

    Args:
        state: State folder of the control plane.
        arguments: The command's arguments.
        variables: The user's environment variables.

    Returns:
        The exit status.

    Raises:
        LocalError: The local stack's gateway doesn't run, or it has several and the arguments don't say which. Or
            `make up` has deployed the stack without a gateway, and no Pulumi can read another of this name. Or it is
            the demo's, which was not made or whose provider doesn't run.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("--stack", "--gateway-url", "--provider"):
        parser.add_argument(option)
    parser.add_argument("--shared", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    users_project = find_own_project(REPOSITORY) or Path.cwd()
    is_deployed = checkpoints(state.pulumi_state, [options.stack])
    has_pulumi = bool(shutil.which("pulumi", path=variables.get("PATH")))
    if options.gateway_url or not is_deployed:
        if not (options.gateway_url or has_pulumi) and demo.is_among([options.stack]):
            raise LocalError(f"The stack {DEMO} is not deployed yet. Run `{demo.MAKE_DEMO}` first.")
        return _ask(arguments, variables, users_project)
    environment = Environment.of(variables)
    gateways = Gateways(state, environment.shared)
    attached = attachments({options.stack: read_placements(read_settings(state.pulumi_project, options.stack))})
    if not state.gateways.exists():
        if has_pulumi:
            return _ask(arguments, variables, users_project)
        raise LocalError(
            f"{' '.join(gateways.report(attached))} To ask through a gateway of your own cluster, install the Pulumi "
            f"CLI, which reads your stack {options.stack}."
        )
    # The shared URL is attached under no provider's name.
    names = {None} if options.shared else {options.provider or each.provider for each in attached} - {None}
    asked = [each for each in attached if each.provider in names]
    urls = [each.url for each in map(gateways.running, dict.fromkeys(each.gateway for each in asked)) if each]
    if asked and not urls:
        reason = (
            f"No gateway is running for the local stack {options.stack}. Start it with `make up STACK={options.stack}`,"
            if any(gateways.can_run(each.gateway) for each in asked)
            else f"{' '.join(gateways.report(asked))},"
        )
        raise LocalError(f"{reason} or give GATEWAY_URL to ask through a gateway of your own cluster.")
    if len(urls) > 1:
        raise LocalError(
            f"The providers of stack {options.stack} have different gateways. Choose a provider: "
            f"make chat STACK={options.stack} OPTIONS='--provider NAME'"
        )
    if demo.is_among([options.stack]) and DemoProvider(state).stopped:
        raise LocalError(NOT_RUNNING)
    local = {**environment.keys, **environment.for_engine(state, find_or_build().pulumi)}
    where = ["--gateway-url", urls[0]] if urls else []
    return _ask([*where, *arguments], local, state.pulumi_project)


def _ask(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> int:
    """Runs the command with these variables in this folder, from where it reads the stack's outputs and config."""
    command = [sys.executable, "-m", "components.openai_compatible_llm.doctor", *arguments]
    # The folder may be the user's own. Its files are not to be imported.
    python = {"PYTHONPATH": str(REPOSITORY), "PYTHONSAFEPATH": "1"}
    return subprocess.run(command, env={**variables, **python}, cwd=folder, check=False).returncode
