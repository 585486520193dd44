"""Lists the Gateways that stacks attach to, and chooses the API of each."""

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from components.openai_compatible_llm.settings import Placement
from local.gateway.api import GATEWAY_APIS, Gateway


@dataclass(frozen=True)
class Attachment:
    """A stack's provider, or None for its shared URL, and the Gateway that the route attaches to."""

    stack: str
    provider: str | None
    gateway: Gateway

    def __str__(self) -> str:
        owner = "the shared URL" if self.provider is None else f"provider {self.provider}"
        return f"{owner} of stack {self.stack}"


def attachments(placements: Mapping[str, Mapping[str | None, Placement]]) -> list[Attachment]:
    """Returns the attachments of all stacks, given each stack's placements."""
    return [
        Attachment(stack, provider, Gateway(GATEWAY_APIS[each.api.value], each.gateway.namespace, each.gateway.name))
        for stack, providers in placements.items()
        for provider, each in providers.items()
    ]


def one_api_each(
    attached: Iterable[Attachment], current: Mapping[str, str], usable: Collection[str] = ()
) -> dict[str, Attachment]:
    """Returns by each Gateway's name the attachment that chooses its API.

    Args:
        attached: The attachments. The first one to a Gateway chooses, so that all agree on what it serves.
        current: The API that a Gateway has, and keeps while a provider uses it.
        usable: The APIs that can run here. They come before the others.
    """

    def order(each: Attachment) -> tuple[bool, bool]:
        api = each.gateway.api.name
        return api not in usable, current.get(str(each.gateway)) != api

    chosen: dict[str, Attachment] = {}
    for each in sorted(attached, key=order):
        chosen.setdefault(str(each.gateway), each)
    return chosen


def api_conflicts(attached: Iterable[Attachment], chosen: Mapping[str, Attachment]) -> Iterator[str]:
    """Yields a line for each attachment that has another API than its Gateway."""
    for each in attached:
        first = chosen[str(each.gateway)]
        if first.gateway.api != each.gateway.api:
            yield (
                f"The Gateway {first.gateway} can serve only one API, and serves `{first.gateway.api.name}` for "
                f"{first}. Requests to {each}, which has `api: {each.gateway.api.name}`, get no answer. "
                "Give it a `gateway` of another name."
            )


def download_command(attached: Iterable[Attachment], api: str) -> str:
    """Returns the command that downloads the gateway of an API, and runs it for those that have this API."""
    stacks = " ".join(dict.fromkeys(each.stack for each in attached if each.gateway.api.name == api))
    return f"make up STACK={shlex.quote(stacks)} GATEWAY={api}"
