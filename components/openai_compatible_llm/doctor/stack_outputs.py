"""What a stack says of its providers, read by the Pulumi CLI in the folder of the project."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, cast

from .errors import CannotAsk
from .redaction import quoted


def providers_of(stack: str) -> Mapping[str, Mapping[str, Any]]:
    """The stack's output `providers`.

    Raises:
        CannotAsk: The CLI can't read it, or it isn't there.
    """
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise CannotAsk(f"The Pulumi CLI, which reads the outputs of stack {stack}, is not on the PATH.")
    done = subprocess.run(
        [pulumi, "stack", "output", "--json", "--stack", stack, "--non-interactive", "--color", "never"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise CannotAsk(f"The outputs of stack {stack} can't be read: {quoted(' '.join(said) or done.stderr)}")
    providers: Any = json.loads(done.stdout).get("providers")
    named = isinstance(providers, dict) and providers and all(isinstance(each, dict) for each in providers.values())
    if not named:
        raise CannotAsk(f"Stack {stack} has no output `providers`: deploy it first, with `pulumi up -s {stack}`.")
    return cast("Mapping[str, Mapping[str, Any]]", providers)
