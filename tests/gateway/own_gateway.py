"""A Gateway for one test alone, with its own proxy: a policy of a whole Gateway would reach every other test."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import urllib3

from components.openai_compatible_llm.inputs.placement import DEFAULT_GATEWAY
from local.folders import StateFolder
from local.gateway.api import AGENTGATEWAY, Gateway, gateway_manifest
from local.gateway.assets import VARIABLE, find_assets
from local.gateway.gateways import CERTIFICATE_AUTHORITIES, EVERY_ADDRESS
from local.ports import Ports
from local.processes import DetachedProcesses
from tests.gateway.installation import Installation, authority_file
from tests.support.cluster import GATEWAY, Cluster

OTHER_LISTENER = "other"
# Below the ports that the system gives to connections: one of those could take a port before the proxy listens.
PORTS = range(20_000, 32_000)
SECONDS = 60.0


@dataclass(frozen=True)
class OwnGateway:
    """A Gateway with two listeners that admit the same routes.

    Attributes:
        gateway: With the port of the listener `http`.
        other_port: The port of the second listener.
        stats_port: Where the proxy serves its metrics.
        log_file: What the proxy prints.
    """

    gateway: Gateway
    other_port: int
    stats_port: int
    log_file: Path

    @property
    def other_url(self) -> str:
        return f"http://127.0.0.1:{self.other_port}"

    def metrics(self) -> str:
        with urllib3.PoolManager(retries=False, timeout=20) as pool:
            response = pool.request("GET", f"http://127.0.0.1:{self.stats_port}/metrics")
        assert response.status == 200, response.data
        return response.data.decode()

    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def own_gateway(installation: Installation, cluster: Cluster, namespace: str) -> Iterator[OwnGateway]:
    """Creates the Gateway in the test's namespace, which takes it away, and runs its proxy."""
    port, other_port, stats_port = _free_ports(3)
    gateway = Gateway(AGENTGATEWAY, namespace, DEFAULT_GATEWAY, port)
    manifest = gateway_manifest(gateway)
    (listener,) = manifest["spec"]["listeners"]
    manifest["spec"]["listeners"].append({**listener, "name": OTHER_LISTENER, "port": other_port})
    cluster.create(manifest)

    state = StateFolder(installation.folder / "state")
    processes = DetachedProcesses(state)
    assert processes.wait_for(lambda: _is_programmed(cluster, gateway), [AGENTGATEWAY.controller], SECONDS)
    environment = {
        **gateway.proxy_environment(Ports(state.ports).read()[AGENTGATEWAY.controller]),
        "STATS_ADDR": f"127.0.0.1:{stats_port}",
        CERTIFICATE_AUTHORITIES: str(authority_file(installation.folder)),
    }
    proxy = find_assets(os.environ[VARIABLE])[AGENTGATEWAY.name].proxy
    processes.start(gateway.proxy, [str(proxy), "--config", "{}"], environment=environment)
    try:
        for each in (port, other_port, stats_port):
            assert processes.wait_for(partial(processes.listens, gateway.proxy, each), [gateway.proxy], SECONDS)
        yield OwnGateway(gateway, other_port, stats_port, processes.log(gateway.proxy))
    finally:
        processes.stop(gateway.proxy)


def _is_programmed(cluster: Cluster, gateway: Gateway) -> bool:
    group, version, plural = GATEWAY
    found: Any = cluster.custom.get_namespaced_custom_object(group, version, gateway.namespace, plural, gateway.name)
    conditions = found.get("status", {}).get("conditions", [])
    return ("Programmed", "True") in {(each["type"], each["status"]) for each in conditions}


def _free_ports(count: int) -> set[int]:
    found: set[int] = set()
    while len(found) < count:
        with suppress(OSError), socket.create_server((EVERY_ADDRESS, secrets.choice(PORTS))) as listener:
            found.add(listener.getsockname()[1])
    return found
