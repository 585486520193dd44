"""Runs Go with these arguments: `make lint` runs actionlint so. Go is installed first if it is missing or too old."""

import subprocess
import sys

from local.messages import show_messages
from local.toolchain.go import ensure_go

if __name__ == "__main__":
    show_messages()
    go = ensure_go()
    sys.exit(subprocess.run([go.program, *sys.argv[1:]], env=go.environment, check=False).returncode)
