"""Reads the manifests of images and charts."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.errors import LocalError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SIZES = range(2**63)


@dataclass(frozen=True)
class Descriptor:
    """Names a manifest or a blob.

    Attributes:
        digest: Digest of its bytes.
        size: Number of its bytes.
        media_type: What it is.
        platform: For an image of several machines, such as `linux/amd64`.
    """

    digest: str
    size: int
    media_type: str
    platform: str


@dataclass(frozen=True)
class Manifest:
    """The manifest of an image or chart, which has layers, or an index of the images for several machines.

    Attributes:
        digest: Digest of its bytes.
        manifests: The images in an index.
        layers: The layers of an image or chart, the lowest first.
        config: Configuration of an image.
    """

    digest: str
    manifests: tuple[Descriptor, ...]
    layers: tuple[Descriptor, ...]
    config: Descriptor | None


def read_manifest(reference: str, body: bytes) -> Manifest:
    """Returns the manifest that a registry gave for a reference.

    Raises:
        LocalError: It is something else.
    """
    digest = digest_of(body)
    try:
        content = json.loads(body)
        found = {name: tuple(map(_descriptor, content.get(name, []))) for name in ("manifests", "layers")}
        config = _descriptor(content["config"]) if "config" in content else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found, config = {}, None
    if not any(found.values()):
        raise LocalError(f"What the registry gives as manifest of {reference} is none: it has the digest {digest}.")
    return Manifest(digest, **found, config=config)


def read_platform(reference: str, config: bytes) -> str:
    """Returns the platform that an image's configuration says.

    Raises:
        LocalError: It is no configuration.
    """
    try:
        return _platform(json.loads(config))
    except (ValueError, AttributeError, RecursionError):
        raise LocalError(f"The configuration of {reference} can't be read.") from None


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _descriptor(content: Mapping[str, Any]) -> Descriptor:
    digest, size = content["digest"], content["size"]
    if not (_DIGEST.fullmatch(digest) and isinstance(size, int) and size in _SIZES):
        raise ValueError(digest)
    return Descriptor(digest, size, content.get("mediaType", ""), _platform(content.get("platform") or {}))


def _platform(content: Mapping[str, Any]) -> str:
    return f"{content.get('os', 'unknown')}/{content.get('architecture', 'unknown')}"
