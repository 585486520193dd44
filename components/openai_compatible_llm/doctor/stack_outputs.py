"""Reads a stack's outputs with the Pulumi CLI, which runs in the current folder, the project's."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, cast

from .errors import UsageError
from .redaction import sanitize


def read_providers(stack: str) -> Mapping[str, Mapping[str, Any]]:
    """Returns the stack's output `providers`.

    Raises:
        UsageError: The CLI can't read it, or the stack has no such output.
    """
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise UsageError(f"The Pulumi CLI is not on the PATH. It is needed to read the outputs of stack {stack}.")
    done = subprocess.run(
        [pulumi, "stack", "output", "--json", "--stack", stack, "--non-interactive", "--color", "never"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise UsageError(f"Can't read the outputs of stack {stack}: {sanitize(' '.join(errors) or done.stderr)}")
    providers: Any = json.loads(done.stdout).get("providers")
    is_valid = isinstance(providers, dict) and providers and all(isinstance(each, dict) for each in providers.values())
    if not is_valid:
        raise UsageError(f"Stack {stack} has no output `providers`: deploy it first, with `pulumi up -s {stack}`.")
    return cast("Mapping[str, Mapping[str, Any]]", providers)
