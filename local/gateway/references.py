"""Lists the Gateways that stacks attach to, and chooses the API of each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from components.openai_compatible_llm.settings import Placement


@dataclass(frozen=True)
class GatewayReference:
    """The Gateway that a provider's route attaches to.

    Attributes:
        stack: The stack of the provider.
        provider: The provider's name.
        api: The gateway API of its backend, as the argument `api` has it.
        namespace: Namespace of the Gateway.
        name: Name of the Gateway.
    """

    stack: str
    provider: str
    api: str
    namespace: str
    name: str

    @property
    def gateway(self) -> str:
        return f"{self.namespace}/{self.name}"


def gateway_references(placements: Mapping[str, Mapping[str, Placement]]) -> list[GatewayReference]:
    """Return the Gateway of each provider, given the placements of each stack's providers."""
    return [
        GatewayReference(stack, provider, each.api.value, each.gateway.namespace, each.gateway.name)
        for stack, providers in placements.items()
        for provider, each in providers.items()
    ]


def one_api_each(references: Iterable[GatewayReference]) -> list[GatewayReference]:
    """Return the first reference to each Gateway."""
    chosen: dict[str, GatewayReference] = {}
    for reference in references:
        chosen.setdefault(reference.gateway, reference)
    return list(chosen.values())


def api_conflicts(references: Iterable[GatewayReference]) -> Iterator[str]:
    """Yield a line for each reference that has another gateway API than the first one to the same Gateway."""
    references = list(references)
    chosen = {first.gateway: first for first in one_api_each(references)}
    for reference in references:
        first = chosen[reference.gateway]
        if first.api != reference.api:
            yield (
                f"The Gateway {first.gateway} can serve only one API, and serves `{first.api}` for provider "
                f"{first.provider} of stack {first.stack}. Requests to provider {reference.provider} of stack "
                f"{reference.stack}, which has `api: {reference.api}`, get no answer. "
                "Give that provider a `gateway` of another name."
            )
