"""Answers a program's questions in a terminal, as a person does."""

import os
import re
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

TIMEOUT = 300
RETURN = b"\r"


def answer(
    command: list[str], answers: Mapping[str, str], folder: Path, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Runs a program in a terminal of its own, and returns its exit status and all that was on the screen.

    Args:
        command: The program.
        answers: What is typed when a text is on the screen, in this order.
        folder: Where it runs.
        environment: Its variables.
    """
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "TERM": "xterm", "COLUMNS": "200", "LINES": "50"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        screen, left = b"", list(answers.items())
        since = 0
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                read = os.read(ours, 65536)
            except OSError:
                # The program has closed the terminal.
                break
            if not read:
                break
            screen += read
            if left and (found := re.search(re.escape(left[0][0].encode()), screen[since:])):
                since += found.end()
                os.write(ours, left.pop(0)[1].encode() + RETURN)
        else:
            process.kill()
        os.close(ours)
        return process.wait(), screen.decode(errors="replace")
