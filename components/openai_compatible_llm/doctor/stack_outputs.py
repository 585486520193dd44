"""Reads a stack's outputs, and which cluster it is for."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, cast

from .options import UsageError
from .redaction import sanitize

Outputs = Mapping[str, Any]


def read_outputs(stack: str) -> Outputs:
    """Returns the stack's outputs, read with the Pulumi CLI in the current folder, the project's."""
    done = _pulumi(stack, "stack", "output", "--json")
    if done.returncode:
        errors = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise UsageError(f"Can't read the outputs of stack {stack}: {sanitize(' '.join(errors) or done.stderr)}")
    return cast("Outputs", json.loads(done.stdout))


def read_context(stack: str) -> str | None:
    """Returns the context in the stack's config, which the Kubernetes provider uses; None for the current one."""
    done = _pulumi(stack, "config", "get", "kubernetes:context")
    return None if done.returncode else done.stdout.strip() or None


def providers_of(outputs: Outputs) -> Mapping[str, Outputs]:
    """Returns the output `providers`; an empty one where the stack has none, or it is no map of maps."""
    providers: Any = outputs.get("providers")
    is_valid = isinstance(providers, dict) and all(isinstance(each, dict) for each in providers.values())
    return cast("Mapping[str, Outputs]", providers) if is_valid else {}


def _pulumi(stack: str, *command: str) -> subprocess.CompletedProcess[str]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise UsageError(f"The Pulumi CLI is not on the PATH. It is needed to read the outputs of stack {stack}.")
    return subprocess.run(
        [pulumi, *command, "--stack", stack, "--non-interactive", "--color", "never"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
