"""Defines the error that every package here raises."""


class LocalError(Exception):
    """A problem that the user can act on. It is printed without a traceback, and the command ends with status 1."""
