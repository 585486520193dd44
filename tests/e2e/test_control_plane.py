import logging
import shutil
import socket
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import kubernetes
import psutil
import pytest
import urllib3

from local.control_plane import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER
from local.control_plane import control_plane as module
from local.control_plane.api_server import ApiServer
from local.control_plane.certificates import Certificates
from local.control_plane.control_plane import ControlPlane
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.api import DEFAULT_GATEWAY, gateway_objects
from local.ports import Ports
from local.processes import DetachedProcesses, is_alive
from local.toolchain.binaries import Binaries
from local.waiting import wait_until
from tests.support.cluster import ROUTE, Cluster

pytestmark = pytest.mark.slow

NAMES = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER)
NAMESPACE = "gloo-system"


class Plane:
    """A control plane that its test may harm."""

    def __init__(self, root: Path, binaries: Binaries) -> None:
        self.state = StateFolder(root)
        self.control = ControlPlane(self.state, binaries)

    def start(self) -> list[str]:
        """Returns what it logged."""
        logged = BufferingHandler(capacity=100)
        logging.getLogger("local").addHandler(logged)
        try:
            self.control.start(gateway_objects(DEFAULT_GATEWAY))
        finally:
            logging.getLogger("local").removeHandler(logged)
        assert self.control.running
        return [record.getMessage() for record in logged.buffer]

    def processes(self) -> dict[str, psutil.Process]:
        found = {name: DetachedProcesses(self.state).find(name) for name in NAMES}
        return {name: process for name, process in found.items() if process}

    def kill(self, name: str) -> None:
        self.processes()[name].kill()
        assert wait_until(lambda: name not in self.processes(), 10)

    @property
    def certificates(self) -> Certificates:
        return Certificates(self.state.certificates)

    @property
    def ports(self) -> dict[str, int]:
        return Ports(self.state.ports).read()

    def put(self, key: str) -> None:
        with closing(Cluster(self.state.kubeconfig)) as cluster:
            metadata = kubernetes.client.V1ObjectMeta(name="kept")
            secret = kubernetes.client.V1Secret(metadata=metadata, string_data={"key": key})
            cluster.core.create_namespaced_secret(NAMESPACE, secret)

    def take(self) -> str:
        """The value put before, which is gone then."""
        with closing(Cluster(self.state.kubeconfig)) as cluster:
            secret = cluster.core.read_namespaced_secret("kept", NAMESPACE)
            cluster.core.delete_namespaced_secret("kept", NAMESPACE)
        assert secret.data
        return b64decode(secret.data["key"]).decode()


@pytest.fixture(scope="module")
def plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    plane = Plane(tmp_path_factory.mktemp("harmed"), binaries)
    try:
        yield plane
    finally:
        plane.control.stop()


@pytest.fixture
def started(plane: Plane) -> Plane:
    plane.start()
    return plane


@pytest.fixture(scope="module")
def second(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    second = Plane(tmp_path_factory.mktemp("second"), binaries)
    try:
        second.start()
        yield second
    finally:
        second.control.stop()


def test_a_second_start_changes_nothing_and_waits_for_nothing(started: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    request = urllib3.PoolManager.request

    def recorded(pool: urllib3.PoolManager, method: str, *arguments: Any, **options: Any) -> Any:
        events.append(method)
        return request(pool, method, *arguments, **options)

    monkeypatch.setattr(urllib3.PoolManager, "request", recorded)
    monkeypatch.setattr(time, "sleep", lambda _: events.append("sleep"))
    kubeconfig = started.state.kubeconfig.read_text()
    pids = {name: process.pid for name, process in started.processes().items()}
    assert started.start() == []
    assert set(events) == {"GET"}
    assert started.state.kubeconfig.read_text() == kubeconfig
    assert {name: process.pid for name, process in started.processes().items()} == pids
    assert sorted(pids) == sorted(NAMES)


def test_what_stacks_rely_on_is_in_place(started: Plane) -> None:
    with closing(Cluster(started.state.kubeconfig)) as cluster:
        gateway: Any = cluster.custom.get_namespaced_custom_object(
            "gateway.networking.k8s.io", "v1", NAMESPACE, "gateways", "agentgateway"
        )
        listed = cluster.extensions.list_custom_resource_definition().items
        definitions = {each.metadata.name for each in listed if each.metadata}
    assert gateway["spec"]["gatewayClassName"] == "agentgateway"
    assert gateway["spec"]["listeners"][0]["port"] == 8080
    assert gateway["spec"]["listeners"][0]["allowedRoutes"]["namespaces"]["from"] == "All"
    assert definitions >= {
        "backends.gateway.kgateway.dev",
        "backendtlspolicies.gateway.networking.k8s.io",
        "gatewayclasses.gateway.networking.k8s.io",
        "gateways.gateway.networking.k8s.io",
        "httproutes.gateway.networking.k8s.io",
        "referencegrants.gateway.networking.k8s.io",
    }


def test_what_was_taken_away_is_put_in_place_again(started: Plane) -> None:
    with closing(Cluster(started.state.kubeconfig)) as cluster:
        cluster.core.delete_namespace(NAMESPACE)
        started.start()
        gateways: Any = cluster.custom.list_namespaced_custom_object(
            "gateway.networking.k8s.io", "v1", NAMESPACE, "gateways"
        )
    assert [each["metadata"]["name"] for each in gateways["items"]] == ["agentgateway"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("v1", "Namespace", NAMESPACE), True),
        (("gateway.networking.k8s.io/v1", "Gateway", f"{NAMESPACE}/agentgateway"), True),
        (("gateway.networking.k8s.io/v1", "Gateway", "default/agentgateway"), False),
        (("gateway.networking.k8s.io/v1", "Unknown", f"{NAMESPACE}/agentgateway"), False),
        (("example.com/v1", "Gateway", f"{NAMESPACE}/agentgateway"), False),
    ],
)
def test_the_api_server_tells_whether_it_has_an_object(
    started: Plane, wanted: tuple[str, str, str], *, found: bool
) -> None:
    with ApiServer(started.state) as api_server:
        assert api_server.has(*wanted) is found


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_is_started_again_with_its_data_kept(started: Plane, name: str) -> None:
    started.put("value")
    started.kill(name)
    assert not started.control.running
    assert f"Starting {name}" in started.start()
    assert started.take() == "value"


def test_data_outlives_a_stop(started: Plane) -> None:
    started.put("value")
    ports = started.ports
    started.control.stop()
    started.start()
    assert started.take() == "value"
    assert started.ports == ports


def test_stop_leaves_no_process(started: Plane) -> None:
    processes = started.processes()
    assert len(processes) == 3
    started.control.stop()
    assert not started.control.running
    assert not [name for name, process in processes.items() if is_alive(process)]
    assert started.processes() == {}


def test_an_api_server_that_hangs_is_started_anew(started: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_TO_RECOVER", 0.5)
    monkeypatch.setattr("local.processes.SECONDS_TO_TERMINATE", 0.5)
    started.processes()[KUBE_APISERVER].suspend()
    assert "The local API server runs but does not answer." in started.start()


def test_a_custom_resource_deleted_in_the_foreground_goes_within_seconds_of_the_first_start(
    second: Plane,
) -> None:
    group, version, plural = ROUTE
    name = "short-lived"
    route = {"apiVersion": f"{group}/{version}", "kind": "HTTPRoute", "metadata": {"name": name}, "spec": {}}
    with closing(Cluster(second.state.kubeconfig)) as cluster:
        cluster.custom.create_namespaced_custom_object(group, version, NAMESPACE, plural, route)
        place = (group, version, NAMESPACE, plural, name)
        cluster.custom.delete_namespaced_custom_object(*place, propagation_policy="Foreground")
        with pytest.raises(kubernetes.client.ApiException, match="404"):
            wait_until(lambda: not cluster.custom.get_namespaced_custom_object(*place), 20)


def test_a_second_plane_lives_beside_the_first_and_shares_nothing_with_it(second: Plane, started: Plane) -> None:
    assert not set(second.ports.values()) & set(started.ports.values())
    started.put("value")
    with closing(Cluster(second.state.kubeconfig)) as cluster:
        assert cluster.core.list_namespaced_secret(NAMESPACE).items == []
    second.control.stop()
    assert started.start() == []
    assert started.take() == "value"


def test_a_port_taken_between_the_choice_and_the_start_is_told_and_the_next_start_takes_another(
    started: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = started.ports[KUBE_APISERVER]
    started.control.stop()
    with socket.create_server(("127.0.0.1", before)):
        with monkeypatch.context() as patch:
            patch.setattr("local.ports._free_port", lambda *_: before)
            with pytest.raises(LocalError, match=r"(?s)^kube-apiserver ended unexpectedly.*address already in use"):
                started.start()
        started.start()
        assert started.ports[KUBE_APISERVER] != before


def test_lost_certificates_are_made_anew(started: Plane) -> None:
    started.put("value")
    kubeconfig = started.state.kubeconfig.read_text()
    shutil.rmtree(started.state.certificates)
    assert started.start() == [f"Starting {name}" for name in NAMES]
    assert started.state.kubeconfig.read_text() != kubeconfig
    assert started.take() == "value"


def test_a_state_folder_removed_under_it_is_a_new_plane(started: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.processes.SECONDS_TO_TERMINATE", 2)
    orphans = started.processes()
    shutil.rmtree(started.state.root)
    assert started.start() == [f"Starting {name}" for name in NAMES]
    assert not [process for process in orphans.values() if is_alive(process)]


def test_a_program_that_ends_by_itself_is_one_message_with_the_end_of_its_log(
    started: Plane, binaries: Binaries, tmp_path: Path
) -> None:
    broken = tmp_path / "etcd"
    broken.write_text("#!/bin/sh\necho no such thing as $1 >&2; exit 3\n")
    broken.chmod(0o755)
    programs = replace(binaries, etcd=broken)
    log = started.state.logs / "etcd.log"
    started.control.stop()
    with pytest.raises(LocalError) as failure:
        ControlPlane(started.state, programs).start()
    lines = str(failure.value).splitlines()
    assert lines[0] == f"etcd ended unexpectedly. The last lines of {log}:"
    assert lines[1].startswith("no such thing as --data-dir=")


def test_credentials_are_readable_by_the_owner_alone(started: Plane) -> None:
    modes = {file.stat().st_mode & 0o777 for file in started.state.root.glob("*kubeconfig")}
    assert modes == {0o600}
    assert started.state.root.stat().st_mode & 0o777 == 0o700
    assert started.state.etcd.stat().st_mode & 0o777 == 0o700


def test_the_api_server_alone_listens_and_on_loopback_only(started: Plane) -> None:
    listening = [
        (name, connection.laddr.ip)
        for name, process in started.processes().items()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [(KUBE_APISERVER, "127.0.0.1")]


def test_etcd_has_sockets_that_its_owner_alone_may_open(started: Plane) -> None:
    sockets = [file for file in started.state.root.iterdir() if file.is_socket()]
    assert len(sockets) == 2
    assert {file.stat().st_mode & 0o777 for file in sockets} == {0o700}


def test_the_api_server_refuses_who_has_no_certificate(started: Plane) -> None:
    configuration = kubernetes.client.Configuration(
        host=f"https://127.0.0.1:{started.ports[KUBE_APISERVER]}", ssl_ca_cert=str(started.certificates.authority)
    )
    with (
        kubernetes.client.ApiClient(configuration) as client,
        pytest.raises(kubernetes.client.ApiException) as refusal,
    ):
        kubernetes.client.CoreV1Api(client).list_namespaced_secret(NAMESPACE)
    assert refusal.value.status == 401


def test_the_users_own_kubeconfig_and_proxy_are_left_alone(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "config"
    own.write_text("not to be read")
    monkeypatch.setenv("KUBECONFIG", str(own))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    plane.start()
    assert own.read_text() == "not to be read"
