"""The error that ends a command of `python -m local` with one message."""


class LocalError(Exception):
    """A problem that the user can act on. It is printed without a traceback, and the command ends with status 1."""
