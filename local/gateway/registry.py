"""Reads manifests and blobs from OCI registries, without credentials, and checks each by its digest."""

import hashlib
import inspect
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import oras.container
import oras.defaults
import oras.logger
import oras.provider
import requests
import urllib3

from local.errors import LocalError
from local.gateway.assets import VARIABLE as ASSETS
from local.gateway.manifests import Descriptor, Manifest, digest_of, read_manifest

VARIABLE = "GATEWAY_REGISTRY"
SECONDS_TO_CONNECT = 10.0
SECONDS_OF_SILENCE = 30.0

# A host without a dot or a port would be read as a part of the path.
_MIRROR = re.compile(r"(?:(https?)://)?((?=[^/]*[.:])[\w.-]+(?::\d+)?(?:/[\w.-]+)*)")
_BYTES_AT_A_TIME = 2**16
_INVALID = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)
# oras' own method tries again for two minutes, and says nothing meanwhile.
_request = inspect.unwrap(oras.provider.Registry.do_request)


class Repository:
    """One image or chart in its registry.

    Args:
        reference: Registry, path and tag.
        mirror: Registry to ask instead, if not empty: `host[:port][/path]`. The reference is a path below it.

    Raises:
        LocalError: The mirror is not valid.
    """

    def __init__(self, reference: str, mirror: str = "") -> None:
        match = _MIRROR.fullmatch(mirror.rstrip("/"))
        if mirror and not match:
            value = "Its value" if "@" in mirror else f"`{mirror}`"
            raise LocalError(
                f"{VARIABLE} must name a registry. {value} is not valid; give `host[:port][/path]` without user and "
                "password, such as `registry.example.com/mirror`."
            )
        scheme, prefix = (match[1], f"{match[2]}/") if match else (None, "")
        self.reference = reference
        self._container = oras.container.Container(prefix + reference)
        self._registry = _Registry(scheme or "https")

    def manifest(self, descriptor: Descriptor | None = None) -> Manifest:
        """Returns the manifest that the tag names, or the one that the descriptor names.

        Raises:
            LocalError: The registry doesn't give it, or gives another one than its digest says.
        """
        url = f"{self._registry.prefix}://{self._container.manifest_url(descriptor and descriptor.digest)}"
        accepted = {"Accept": ", ".join(oras.defaults.default_manifest_accepted_media_types)}
        with self._failures_explained("manifest"):
            response = self._registry.do_request(url, headers=accepted)
            self._refuse_error("manifest", response)
            body = response.content
        expected = descriptor.digest if descriptor else response.headers.get("Docker-Content-Digest", "")
        if expected.startswith("sha256:"):
            self._refuse_other("manifest", digest_of(body), expected)
        return read_manifest(self.reference, body)

    def save(self, descriptor: Descriptor, file: Path, show: Callable[[int], None]) -> None:
        """Downloads a blob into a file.

        Args:
            descriptor: Names the blob.
            file: Is overwritten.
            show: Is called with the number of bytes that have come.

        Raises:
            LocalError: The registry doesn't give it, or gives another one than its digest says.
        """
        found, received = hashlib.sha256(), 0
        with (
            self._failures_explained("layer"),
            self._registry.get_blob(self._container, descriptor.digest, stream=True) as response,
            file.open("wb") as output,
        ):
            self._refuse_error(f"layer {descriptor.digest}", response)
            for part in response.iter_content(_BYTES_AT_A_TIME):
                received += len(part)
                if received > descriptor.size:
                    break
                found.update(part)
                output.write(part)
                show(received)
        self._refuse_other("layer", f"sha256:{found.hexdigest()}", descriptor.digest)

    @contextmanager
    def _failures_explained(self, what: str) -> Iterator[None]:
        asked = f"Can't get the {what} of {self.reference} from {self._container.registry}"
        try:
            yield
        except _INVALID:
            # The error may have the address of a proxy, with a password.
            raise LocalError(
                f"{asked}: an address isn't valid. Check {VARIABLE} and the variables of your proxy, such as "
                "HTTPS_PROXY."
            ) from None
        except (AttributeError, ValueError):
            # oras has no error of its own for a challenge that it can't answer.
            raise LocalError(f"{asked}: it wants credentials, and gives no token without them.") from None
        except requests.RequestException as error:
            cause = error.args[0] if error.args else error
            if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.ReadTimeoutError):
                seconds = SECONDS_TO_CONNECT if isinstance(error, requests.ConnectTimeout) else SECONDS_OF_SILENCE
                raise LocalError(f"{asked}: nothing came for {seconds:.0f} seconds. Try again.") from None
            reason = str(getattr(cause, "reason", cause)).rstrip(".")
            raise LocalError(
                f"{asked}: {reason}. If this machine can't reach the registry, name a mirror in {VARIABLE}, or the "
                f"folder of the programs in {ASSETS}: docs/gateway.md."
            ) from None

    def _refuse_error(self, what: str, response: requests.Response) -> None:
        if response.status_code != requests.codes.ok:
            raise LocalError(
                f"{self._container.registry} answers {response.status_code} for the {what} of {self.reference}."
            )

    def _refuse_other(self, what: str, found: str, expected: str) -> None:
        if found != expected:
            raise LocalError(
                f"{self._container.registry} gives another {what} for {self.reference} than it should, so it isn't "
                f"used: the digest is {found}, but must be {expected}. Try again; if it happens again, something on "
                "the way changes it."
            )


class _Session(requests.Session):
    """Ends when nothing comes for long, and sends no credentials from the user's files."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = lambda request: request
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # A digest is that of the bytes as they come.
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        return super().send(request, **{**options, "timeout": (SECONDS_TO_CONNECT, SECONDS_OF_SILENCE)})

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Removes the token when a redirect leads to another host. The base class adds what `~/.netrc` has for it."""
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop("Authorization", None)


class _Registry(oras.provider.Registry):
    """oras' client of a registry, which gets a token if the registry asks for one."""

    def __init__(self, scheme: str) -> None:
        super().__init__(insecure=scheme == "http")
        oras.logger.setup_logger(quiet=True)
        # It would advise to give a password.
        oras.logger.logger.set_level(logging.CRITICAL)
        self.session = self.auth.session = _Session()

    def do_request(self, url: str, *arguments: Any, **options: Any) -> requests.Response:
        response: requests.Response = _request(self, url, *arguments, **options)
        if response.status_code == requests.codes.unauthorized and response.url != url:
            # The host led to another registry. That wants a token, and the redirect passes none on.
            token, self.auth.token = self.auth.token, None
            try:
                response = _request(self, response.url, *arguments, **options)
            finally:
                self.auth.token = token
        return response
