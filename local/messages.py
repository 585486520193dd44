"""Shows the messages of the modules here, each on a line of its own."""

import logging

from rich.console import Console


class _Lines(logging.Handler):
    """Prints messages as they are. rich's own handler would break long ones to the width of the terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.out(self.format(record), highlight=False)


def show_messages(console: Console | None = None) -> None:
    """Shows what the modules here log, on stdout unless told otherwise, and nothing of what libraries log."""
    logger = logging.getLogger("local")
    logger.setLevel(logging.INFO)
    logger.addHandler(_Lines(console or Console()))
