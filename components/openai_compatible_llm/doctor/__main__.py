"""Runs what `openai-compatible-llm-chat`, `python -m openai_compatible_llm.doctor` and `make chat` run."""

import importlib.util
import sys
from collections.abc import Sequence

from .errors import CannotAsk
from .options import CANNOT_ASK, options_from
from .printing import note

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks, prints the answer or the broken link, and returns the exit status.

    Args:
        arguments: The command line without the program's name; by default the process's own.
    """
    try:
        options = options_from(arguments)
        if missing := [name for name in ("kubernetes", "openai") if importlib.util.find_spec(name) is None]:
            raise CannotAsk(f"Not installed: {', '.join(missing)}. Do: pip install 'openai-compatible-llm[chat]'")
        from .asking import Conversation

        with Conversation(options) as conversation:
            return conversation.run()
    except CannotAsk as error:
        note(str(error))
        return CANNOT_ASK
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
