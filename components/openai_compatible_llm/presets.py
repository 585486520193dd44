"""Reads the catalogue of known providers, `presets.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

CHAT_COMPLETIONS_PATH = "/v1/chat/completions"
HTTPS_PORT = 443


class EndpointKind(StrEnum):
    """What a provider may serve besides chat completions, by how the path goes on below its base URL."""

    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MODELS = "models"
    MESSAGES = "messages"
    RERANK = "rerank"
    AUDIO = "audio"
    """`audio/transcriptions`, `audio/translations` or `audio/speech`, not always all of them."""

    IMAGES = "images"
    """`images/generations`."""

    MODERATIONS = "moderations"


@dataclass(frozen=True)
class EndpointClaim:
    """Says that a provider serves endpoints, and where that is written.

    Attributes:
        kinds: The endpoints, below the base URL that its chat completions are below as well.
        source: URL of the page or file.
        confirmed: Day on which it was last compared with that.
    """

    kinds: tuple[EndpointKind, ...]
    source: str
    confirmed: date


@dataclass(frozen=True)
class Preset:
    """What doesn't change about a provider.

    Attributes:
        title: The provider's own name.
        host: Host name of its API.
        sources: Names of the pages and lists that say so.
        confirmed: Day on which it was last compared with them.
        path: Path of its chat completions.
        port: TCP port of its API.
        auth_header_confirmed: Whether a source says that it takes `Authorization: Bearer <key>`; otherwise that is
            an assumption.
        endpoint_claims: What it serves besides chat completions, where a source says so. A kind without a claim may be
            served nevertheless.
    """

    title: str
    host: str
    sources: tuple[str, ...]
    confirmed: date
    path: str = CHAT_COMPLETIONS_PATH
    port: int = HTTPS_PORT
    auth_header_confirmed: bool = True
    endpoint_claims: tuple[EndpointClaim, ...] = ()

    @property
    def endpoint_kinds(self) -> tuple[EndpointKind, ...]:
        """All kinds that a source claims, in the enum's order."""
        claimed = {kind for claim in self.endpoint_claims for kind in claim.kinds}
        return tuple(kind for kind in EndpointKind if kind in claimed)


def _preset(facts: Mapping[str, Any]) -> Preset:
    claims = (
        EndpointClaim(tuple(map(EndpointKind, each["kinds"])), each["source"], each["confirmed"])
        for each in facts.get("endpoints", ())
    )
    given = {name: value for name, value in facts.items() if name != "endpoints"}
    return Preset(**{**given, "sources": tuple(facts["sources"])}, endpoint_claims=tuple(claims))


PRESETS: Mapping[str, Preset] = {
    name: _preset(facts) for name, facts in tomllib.loads(Path(__file__).with_name("presets.toml").read_text()).items()
}
