"""Why something was not done. The messages are shown to the user as they are."""

from pulumi.provider.experimental.property_value import PropertyValue


class ProviderError(Exception):
    """Ends a request of the engine's with this message."""


class UnreachableError(ProviderError):
    """No answer from the API server."""


class NoMatchError(ProviderError):
    """The API server doesn't know the kind."""


class RefusedError(ProviderError):
    """The API server's answer was no."""

    def __init__(self, message: str, code: int = 0, about: str = "") -> None:
        """`about`: the plural of what the answer is about, such as `namespaces`."""
        super().__init__(message)
        self.code = code
        self.about = about


class NotReadyError(ProviderError):
    """The object has been written, but what was waited for has not come."""

    def __init__(self, message: str, resource_id: str, state: dict[str, PropertyValue]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.state = state
