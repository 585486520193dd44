"""Starts, checks and stops the control plane."""

import logging
from collections.abc import Iterable
from functools import partial

from local.control_plane import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, PROGRAMS, command_lines
from local.control_plane.api_server import ApiServer, Manifest
from local.control_plane.certificates import Certificates, ensure_certificates, kubeconfig
from local.control_plane.custom_resource_definitions import custom_resource_definitions
from local.errors import LocalError
from local.folders import StateFolder, write_private
from local.ports import Ports
from local.processes import DetachedProcesses, ProcessEndedError
from local.toolchain.binaries import Binaries

logger = logging.getLogger(__name__)

SECONDS_TO_BECOME_READY = 120.0
SECONDS_FOR_ETCD_TO_LISTEN = 30.0
SECONDS_TO_FAIL_AT_START = 0.5
SECONDS_TO_RECOVER = 15.0
DAMAGED_DATA = "\nIf its data is damaged, as after a power cut, run `make down` to remove it, and then `make up`."


class ControlPlane:
    """etcd, kube-apiserver and kube-controller-manager on loopback, as detached processes."""

    def __init__(self, state: StateFolder, binaries: Binaries) -> None:
        self.state = state
        self._binaries = binaries
        self._processes = DetachedProcesses(state)
        self._ports = Ports(state.ports)

    @property
    def running(self) -> bool:
        """Whether all three programs run and the API server is ready."""
        if KUBE_APISERVER not in self._ports.read() or not all(map(self._processes.find, PROGRAMS)):
            return False
        with ApiServer(self.state) as api_server:
            return api_server.is_ready()

    def start(self, objects: Iterable[Manifest] = (), definitions: Iterable[Manifest] = ()) -> None:
        """Starts the programs that don't run, restarts those that don't answer, and applies what is missing.

        Args:
            objects: Objects to apply, in this order.
            definitions: CustomResourceDefinitions to install beside `custom_resource_definitions`. One of the same
                name replaces that one.

        Raises:
            LocalError: A program ended or did not become ready, or the API server refused an object.
        """
        self.state.create()
        certificates = ensure_certificates(self.state.certificates)
        port = self._ports.choose(KUBE_APISERVER, is_running=bool(self._processes.find(KUBE_APISERVER)))
        write_private(self.state.kubeconfig, kubeconfig(certificates, port))
        if not self._start_servers(certificates, port):
            logger.warning("The local API server runs but does not answer.")
            self.stop()
            self._start_servers(certificates, port)
        with ApiServer(self.state) as api_server:
            self._install_definitions(api_server, definitions)
            command = command_lines.kube_controller_manager(self._binaries, self.state)
            revision = f"{certificates.fingerprint} {port}"
            is_new = self._processes.ensure(KUBE_CONTROLLER_MANAGER, command, revision)
            api_server.apply_missing(objects)
            if is_new:
                # It has no port to ask. If it can't work, it ends right after its start.
                self._processes.wait_for(lambda: False, [KUBE_CONTROLLER_MANAGER], SECONDS_TO_FAIL_AT_START)

    def stop(self) -> None:
        """Stops all three programs. The objects stay in etcd's files."""
        self._processes.stop(*PROGRAMS)

    def _start_servers(self, certificates: Certificates, port: int) -> bool:
        """Starts the servers that don't run. Tells whether the API server answers, as a new one must."""
        revision = certificates.fingerprint
        etcd = command_lines.etcd(self._binaries, self.state)
        kube_apiserver = command_lines.kube_apiserver(self._binaries, certificates, port)
        runs = partial(self._processes.runs, revision=revision)
        if not runs(ETCD, etcd) and not runs(KUBE_APISERVER, kube_apiserver):
            # Both are slow to end once etcd has ended.
            self._processes.stop(KUBE_CONTROLLER_MANAGER, KUBE_APISERVER)
        socket = self.state.root / command_lines.ETCD_SOCKET
        if not self._processes.find(ETCD):
            # A killed one leaves it.
            socket.unlink(missing_ok=True)
        try:
            if self._processes.ensure(ETCD, etcd, revision):
                # An API server that can't reach etcd pauses for a second before it tries again.
                self._processes.wait_for(socket.exists, [ETCD], SECONDS_FOR_ETCD_TO_LISTEN)
            is_new = self._processes.ensure(KUBE_APISERVER, kube_apiserver, revision)
            with ApiServer(self.state) as api_server:
                timeout = SECONDS_TO_BECOME_READY if is_new else SECONDS_TO_RECOVER
                is_ready = self._processes.wait_for(api_server.is_ready, (ETCD, KUBE_APISERVER), timeout)
        except ProcessEndedError as ended:
            raise LocalError(f"{ended}{DAMAGED_DATA if ended.name == ETCD else ''}") from None
        if is_new and not is_ready:
            raise LocalError(
                f"The local API server was not ready {SECONDS_TO_BECOME_READY:.0f} seconds after its start. "
                + self._processes.last_lines(KUBE_APISERVER)
            )
        return is_ready

    def _install_definitions(self, api_server: ApiServer, further: Iterable[Manifest]) -> None:
        definitions = {each["metadata"]["name"]: each for each in (*custom_resource_definitions(), *further)}
        applied = api_server.apply_missing(definitions.values())
        if applied:
            # Garbage collection looks for new kinds every 30 seconds, and at once when it starts.
            self._processes.stop(KUBE_CONTROLLER_MANAGER)
        for definition in applied:
            api_server.wait_until_served(definition)
