"""One API server with the gateways of both APIs, shared by all the processes of a test run."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import trustme

from local.control_plane import PROGRAMS
from local.control_plane.control_plane import ControlPlane
from local.folders import StateFolder
from local.gateway.api import AGENTGATEWAY, KGATEWAY, Gateway, gateway_objects
from local.gateway.assets import VARIABLE
from local.gateway.attachments import Attachment
from local.gateway.gateways import Gateways
from local.lock import exclusive
from local.processes import DetachedProcesses
from local.toolchain.binaries import find_or_build

NAMESPACE = "gloo-system"
GATEWAYS = {"kgateway": (KGATEWAY, "agentgateway"), "agentgateway": (AGENTGATEWAY, "newer")}


@dataclass(frozen=True)
class Installation:
    """What runs.

    Attributes:
        pulumi: The CLI.
        gateways: By the name of their API.
        authority: Of the providers' certificates; the proxies take it for one of the system's.
    """

    folder: Path
    kubeconfig: Path
    pulumi: Path
    gateways: Mapping[str, Gateway]
    authority: trustme.CA


@contextmanager
def shared_installation(folder: Path) -> Iterator[Installation]:
    """Starts what does not run yet. Nobody stops it before the end of the run."""
    folder.mkdir(exist_ok=True)
    with exclusive(folder / "lock"):
        installation = _start(folder)
    yield installation


@contextmanager
def using(installation: Installation, api: str) -> Iterator[None]:
    """Holds off whoever wants to pause the controller of this API."""
    with _lock(installation, api, fcntl.LOCK_SH):
        yield


@contextmanager
def paused_controller(installation: Installation, api: str) -> Iterator[None]:
    """Has nobody serve this API for a while, as if its controller were not installed."""
    process = DetachedProcesses(StateFolder(installation.folder / "state")).find(GATEWAYS[api][0].controller)
    assert process is not None
    # Whoever waits for the second lock holds nothing that somebody else waits for.
    with _lock(installation, "pause", fcntl.LOCK_EX), _lock(installation, api, fcntl.LOCK_EX):
        process.suspend()
        try:
            yield
        finally:
            process.resume()


@contextmanager
def limit_to_oneself(installation: Installation) -> Iterator[None]:
    """Holds off whoever else wants to meet or change the limit for large requests: its policy is of a whole Gateway."""
    with _lock(installation, "limit", fcntl.LOCK_EX):
        yield


@contextmanager
def _lock(installation: Installation, name: str, operation: int) -> Iterator[None]:
    with (installation.folder / f"{name}.lock").open("a") as file:
        fcntl.flock(file, operation)
        yield


def stop_installation(folder: Path) -> None:
    """Ends everything, if it was ever started."""
    if folder.exists():
        DetachedProcesses(StateFolder(folder / "state")).stop_all(last=PROGRAMS)


def _start(folder: Path) -> Installation:
    authority = _authority(folder)
    plane = ControlPlane(StateFolder(folder / "state"), find_or_build())
    plane.state.create()
    gateways = Gateways(plane.state, {VARIABLE: os.environ[VARIABLE], "SSL_CERT_FILE": str(authority_file(folder))})
    attached = [Attachment("tests", api, Gateway(kind, NAMESPACE, name)) for api, (kind, name) in GATEWAYS.items()]
    wanted, definitions = gateways.prepare(attached)
    plane.start(chain(*map(gateway_objects, wanted)), definitions)
    gateways.start(wanted)
    assert all(map(gateways.running, wanted))
    by_api = {gateway.api.name: gateway for gateway in wanted}
    return Installation(folder, plane.state.kubeconfig, find_or_build().pulumi, by_api, authority)


def authority_file(folder: Path) -> Path:
    """Returns the certificate of the authority that the proxies take for one of the system's."""
    return folder / "authority.pem"


def _authority(folder: Path) -> trustme.CA:
    certificate, key = authority_file(folder), folder / "authority.key"
    if not certificate.exists():
        made = trustme.CA()
        made.private_key_pem.write_to_path(key)
        made.cert_pem.write_to_path(certificate)
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
