class CannotAsk(Exception):  # noqa: N818 (it reads as what it says)
    """There is nothing to ask: one line that says why and what to do."""
