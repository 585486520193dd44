"""Checks the workflows with actionlint, and the scripts, theirs included, with shellcheck: part of `make lint`."""

import subprocess
import sys
from pathlib import Path

from local.messages import show_messages
from local.toolchain.go import ensure_go

REPOSITORY = Path(__file__).resolve().parent.parent
SHELLCHECK = Path(sys.prefix, "bin/shellcheck")


def main() -> int:
    """Returns the exit status: 0 if nothing was found."""
    # Go builds actionlint from its pinned modules, the first time, and keeps it in its cache.
    go = ensure_go()
    actionlint = (go.program, "-C", REPOSITORY / "tools/actionlint", "tool", "actionlint", "-shellcheck", SHELLCHECK)
    commands: tuple[tuple[str | Path, ...], ...] = (
        (SHELLCHECK, "--shell", "bash", REPOSITORY / ".ci/run", *REPOSITORY.glob("examples/**/*.sh")),
        (*actionlint, *sorted(REPOSITORY.glob(".github/workflows/*.yml"))),
    )
    return max(subprocess.run(each, env=go.environment, check=False).returncode for each in commands)


if __name__ == "__main__":
    show_messages()
    sys.exit(main())
