"""Defines the error of a command that sends no request."""


class UsageError(Exception):
    """Reports in one line why no request can be sent, and what to do.

    Attributes:
        STATUS: The command's exit status.
    """

    STATUS = 1
