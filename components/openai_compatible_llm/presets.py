"""Reads the catalogue of providers, `presets.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
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
    """Says which endpoints a provider serves, which page says so, and when the two were last compared."""

    kinds: tuple[EndpointKind, ...]
    source: str
    confirmed: date


@dataclass(frozen=True)
class Preset:
    """What doesn't change about a provider. The top of `presets.toml` says what each fact means.

    A kind of endpoint without a claim may be served nevertheless.
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
        return tuple(kind for kind in EndpointKind if any(kind in claim.kinds for claim in self.endpoint_claims))


def _preset(sources: list[str], endpoints: Sequence[Mapping[str, Any]] = (), **facts: Any) -> Preset:
    claims = (EndpointClaim(**{**each, "kinds": tuple(map(EndpointKind, each["kinds"]))}) for each in endpoints)
    return Preset(sources=tuple(sources), endpoint_claims=tuple(claims), **facts)


_CATALOGUE = tomllib.loads(Path(__file__).with_name("presets.toml").read_text())
PRESETS: Mapping[str, Preset] = {name: _preset(**facts) for name, facts in _CATALOGUE.items()}


def endpoint_kinds_at(host: str | None) -> tuple[EndpointKind, ...]:
    """Returns what a source says that the provider at this host serves; nothing for a host without a preset."""
    return next((preset.endpoint_kinds for preset in PRESETS.values() if preset.host == host), ())
