"""Checks the workflows with actionlint, and the scripts, theirs included, with shellcheck: part of `make lint`."""

import subprocess
import sys
from pathlib import Path

from local.messages import show_messages
from local.toolchain.go import ensure_go

REPOSITORY = Path(__file__).resolve().parent.parent
ACTIONLINT = REPOSITORY / "tools/actionlint"
SHELLCHECK = Path(sys.prefix, "bin/shellcheck")


def main() -> int:
    """Returns the exit status: 0 if nothing was found."""
    workflows = sorted(REPOSITORY.glob(".github/workflows/*.yml"))
    scripts = [REPOSITORY / ".ci/run", *sorted(REPOSITORY.glob("examples/**/*.sh"))]
    checked = [
        subprocess.run([SHELLCHECK, "--shell", "bash", *scripts], cwd=REPOSITORY, check=False),
        _actionlint("-shellcheck", str(SHELLCHECK), *map(str, workflows)),
    ]
    return max(each.returncode for each in checked)


def _actionlint(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs actionlint, which Go builds from its pinned modules, the first time, and keeps in its cache."""
    go = ensure_go()
    return subprocess.run(
        [go.program, "tool", "actionlint", *arguments], cwd=ACTIONLINT, env=go.environment, check=False
    )


if __name__ == "__main__":
    show_messages()
    sys.exit(main())
