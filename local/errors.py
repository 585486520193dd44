"""What ends a command of `python -m local` in one clear message."""


class LocalError(Exception):
    """Something the user can act on: printed as it is, without a traceback, and the command ends with status 1."""
