class UsageError(Exception):
    """Reports in one line why no request can be sent, and what to do."""
