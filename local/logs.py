from collections import deque
from pathlib import Path


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of the log for an error message, with the name of the file."""
    try:
        with log.open(errors="replace") as text:
            lines = "".join(deque(text, maxlen=count)).rstrip()
    except OSError as error:
        lines = str(error)
    return f"The last lines of {log}:\n{lines}"
