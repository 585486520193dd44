"""Errors whose messages the engine shows to the user as they are."""

from pulumi.provider.experimental.property_value import PropertyValue


class ProviderError(Exception):
    """Ends a request of the engine's with this message."""


class NoMatchError(ProviderError):
    """The API server doesn't know the kind."""


class RefusedError(ProviderError):
    """The API server refused a request, with this HTTP status."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class NotReadyError(ProviderError):
    """The object has been written, but has not become ready in time."""

    def __init__(self, message: str, resource_id: str, state: dict[str, PropertyValue]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.state = state
