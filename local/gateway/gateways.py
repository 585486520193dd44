"""Starts and stops controllers and proxies."""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from local.control_plane import KUBE_APISERVER
from local.control_plane.api_server import ApiServer
from local.control_plane.objects import missing_from, namespace_objects
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.api import Gateway, GatewayApi
from local.gateway.assets import Assets
from local.gateway.objects import gateway_path
from local.ports import Ports
from local.processes import DetachedProcesses, ProcessEndedError

logger = logging.getLogger(__name__)

# Controllers and proxies listen on it, and have no setting for another.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104
SECONDS_TO_BE_PROGRAMMED = 60.0
SECONDS_TO_LISTEN = 30.0

_PORT_TAKEN = re.compile(r"listen tcp \S*:(\d+): bind: address already in use")
# Without this, the proxy reads or writes a configuration file in the user's home.
_NO_CONFIGURATION = ("--config", "{}")


class GatewayStartError(LocalError):
    """A gateway could not be started. Stacks can be deployed without it."""


class Gateways:
    """Runs controllers and proxies as detached processes.

    Args:
        state: State folder of the control plane. To start gateways, it must run, and have the Gateways and the
            definitions of `assets`.
        assets: The programs, by the name of the gateway API.
        proxy_environment: Further environment variables of the proxies. `SSL_CERT_FILE` names the file of certificate
            authorities that `System` means in a BackendTLSPolicy.
    """

    def __init__(
        self,
        state: StateFolder,
        assets: Mapping[str, Assets],
        proxy_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._state = state
        self._assets = assets
        self._proxy_environment = dict(proxy_environment or {})
        self._processes = DetachedProcesses(state)
        self._ports = Ports(state.gateway_ports, EVERY_ADDRESS)

    def with_port(self, api: GatewayApi, namespace: str, name: str) -> Gateway:
        """Return the Gateway with a free port for its proxy: the same as last time, if possible."""
        proxy = Gateway(api, namespace, name, 0).proxy
        in_use = [proxy] if self._processes.find(proxy) else []
        return Gateway(api, namespace, name, self._ports.choose([proxy], in_use)[proxy])

    def start(self, gateways: Iterable[Gateway]) -> None:
        """Start the programs that don't run, and wait until the proxy of each Gateway listens.

        Raises:
            GatewayStartError: A gateway could not be started. Those of other gateway APIs are started anyway.
        """
        wanted: dict[GatewayApi, list[Gateway]] = {}
        for gateway in gateways:
            wanted.setdefault(gateway.api, []).append(gateway)
        with ApiServer.of(self._state) as api_server:
            for missing in missing_from(api_server, namespace_objects(api.namespace for api in wanted)):
                api_server.apply(missing)
            failures = []
            for api, its_gateways in wanted.items():
                self._ensure_controller(api_server, api, its_gateways)
            for api, its_gateways in wanted.items():
                try:
                    self._start_proxies(api_server, api, its_gateways)
                except GatewayStartError as error:
                    self._processes.stop(*(gateway.proxy for gateway in its_gateways), api.controller)
                    failures.append(str(error))
        if failures:
            raise GatewayStartError("\n".join(failures))

    def running(self, api: GatewayApi, namespace: str, name: str) -> Gateway | None:
        """Return the Gateway if its controller runs and its proxy listens."""
        gateway = Gateway(api, namespace, name, self._ports.read().get(Gateway(api, namespace, name, 0).proxy, 0))
        runs = self._processes.find(api.controller) and self._processes.listens(gateway.proxy, gateway.port)
        return gateway if runs else None

    def _ensure_controller(self, api_server: ApiServer, api: GatewayApi, gateways: Sequence[Gateway]) -> None:
        command = [str(self._assets[api.name].controller)]
        environment = api.controller_environment(self._state, self._xds_port(api))
        # A controller does not notice that the API server is another one, or has lost its data.
        process = self._processes.find(KUBE_APISERVER)
        seen = [self._state.kubeconfig.read_text(), str(process.pid if process else 0)]
        revision = _revision(environment, *seen)
        if self._processes.runs(api.controller, command, revision):
            return
        self._processes.stop(api.controller)
        for gateway in gateways:
            # Conditions that an earlier controller wrote say nothing about this one.
            api_server.clear_conditions(gateway_path(gateway))
        logger.info(f"Starting {api.controller}")
        self._processes.start(api.controller, command, revision, environment)

    def _ensure_proxy(self, gateway: Gateway) -> None:
        command = [str(self._assets[gateway.api.name].proxy), *_NO_CONFIGURATION]
        environment = gateway.proxy_environment(self._xds_port(gateway.api)) | self._proxy_environment
        revision = _revision(environment)
        if self._processes.runs(gateway.proxy, command, revision):
            return
        self._processes.stop(gateway.proxy)
        logger.info(f"Starting {gateway.proxy}")
        self._processes.start(gateway.proxy, command, revision, environment)

    def _start_proxies(self, api_server: ApiServer, api: GatewayApi, gateways: Sequence[Gateway]) -> None:
        for gateway in gateways:
            is_programmed = partial(_is_programmed, api_server, gateway)
            problem = f"The Gateway {gateway} was not programmed"
            self._wait(is_programmed, [api.controller], SECONDS_TO_BE_PROGRAMMED, problem)
            self._ensure_proxy(gateway)
        for gateway in gateways:
            listens = partial(self._processes.listens, gateway.proxy, gateway.port)
            problem = f"The proxy of the Gateway {gateway} did not listen on port {gateway.port}"
            self._wait(listens, [api.controller, gateway.proxy], SECONDS_TO_LISTEN, problem)

    def _wait(self, happened: Callable[[], bool], names: Sequence[str], seconds: float, problem: str) -> None:
        """Wait while all of these programs run. If it doesn't happen, show the log of the last one."""
        try:
            if self._processes.wait_for(happened, names, seconds):
                return
        except ProcessEndedError as ended:
            # A controller can do without some of its ports; the last one in the log is the one that it can't.
            if taken := _PORT_TAKEN.findall(ended.lines):
                raise GatewayStartError(
                    f"Port {taken[-1]} is taken, and {ended.name} can't use another. End the program that has the port "
                    "(if it is the gateway of another clone, run `make down` there). Then run `make up` again."
                ) from None
            raise GatewayStartError(str(ended)) from None
        raise GatewayStartError(f"{problem} within {seconds:.0f} seconds. {self._processes.last_lines(names[-1])}")

    def _xds_port(self, api: GatewayApi) -> int:
        in_use = [api.controller] if self._processes.find(api.controller) else []
        return self._ports.choose([api.controller], in_use)[api.controller]


def _revision(environment: Mapping[str, str], *seen: str) -> str:
    return hashlib.sha256(json.dumps([sorted(environment.items()), *seen]).encode()).hexdigest()


def _is_programmed(api_server: ApiServer, gateway: Gateway) -> bool:
    found = api_server.get(gateway_path(gateway)) or {}
    generation = found.get("metadata", {}).get("generation")
    return any(
        condition["type"] == "Programmed"
        and condition["status"] == "True"
        and condition.get("observedGeneration") == generation
        for condition in found.get("status", {}).get("conditions", [])
    )
