"""Which Gateways stacks attach to, and by which gateway API."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class GatewayReference:
    """The Gateway that a provider's route attaches to.

    Attributes:
        stack: The stack of the provider.
        provider: The provider's name.
        api: The gateway API of its backend, as the argument `api` has it.
        namespace: The Gateway's.
        name: The Gateway's.
    """

    stack: str
    provider: str
    api: str
    namespace: str
    name: str

    @property
    def gateway(self) -> str:
        return f"{self.namespace}/{self.name}"


def one_api_each(references: Iterable[GatewayReference], say: Callable[[str], None]) -> list[GatewayReference]:
    """Returns one reference to each Gateway, the first. Tells of those with another gateway API."""
    chosen: dict[str, GatewayReference] = {}
    for reference in references:
        first = chosen.setdefault(reference.gateway, reference)
        if first.api != reference.api:
            say(
                f"The Gateway {first.gateway} serves one API: `{first.api}`, for provider {first.provider} of stack "
                f"{first.stack}. Nobody answers requests to provider {reference.provider} of stack {reference.stack}, "
                f"which has `api: {reference.api}`. Give it a `gateway` of another name."
            )
    return list(chosen.values())
