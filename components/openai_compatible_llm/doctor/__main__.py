"""Runs what `openai-compatible-llm-chat`, `python -m openai_compatible_llm.doctor` and `make chat` run."""

import importlib.util
import sys
from collections.abc import Sequence

from .options import UsageError, parse_options
from .printing import write_err

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Sends a request, prints the completion or the broken hop, and returns the exit status.

    Args:
        arguments: The command line without the program's name; by default the process's own.
    """
    try:
        options = parse_options(arguments)
        if missing := [name for name in ("kubernetes", "openai") if importlib.util.find_spec(name) is None]:
            raise UsageError(f"Not installed: {', '.join(missing)}. Run: pip install 'openai-compatible-llm[chat]'")
        from .session import run

        return run(options)
    except UsageError as error:
        write_err(str(error))
        return error.STATUS
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
