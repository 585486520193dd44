"""Runs the gateways that stacks attach to, and reports where they answer."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from local.control_plane import KUBE_APISERVER
from local.control_plane.api_server import ApiServer, Manifest, namespace_objects
from local.errors import LocalError
from local.folders import StateFolder, read_json, write_private
from local.gateway.api import GATEWAY_APIS, Gateway, GatewayApi, gateway_manifest
from local.gateway.assets import VARIABLE, assets_in, find_assets
from local.gateway.attachments import Attachment, api_conflicts, download_command, one_api_each
from local.ports import Ports
from local.processes import DetachedProcesses, ProcessEndedError

logger = logging.getLogger(__name__)

# The file of certificate authorities that `System` means in a BackendTLSPolicy.
CERTIFICATE_AUTHORITIES = "SSL_CERT_FILE"
# Controllers and proxies listen on it, and have no setting for another.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104
SECONDS_TO_BE_PROGRAMMED = 60.0
SECONDS_TO_LISTEN = 30.0

_PORT_TAKEN = re.compile(r"listen tcp \S*:(\d+): bind: address already in use")
# Without this, the proxy reads or writes a configuration file in the user's home.
_NO_CONFIGURATION = ("--config", "{}")


class Gateways:
    """Runs a gateway for each Gateway that stacks attach to, if there are programs for its API.

    They are in the folder that `use` names, or in `$GATEWAY_ASSETS`, or in the folder of the last `make up`.

    Args:
        state: State folder of the control plane.
        environment: The user's environment variables.
    """

    def __init__(self, state: StateFolder, environment: Mapping[str, str]) -> None:
        self._state = state
        self._environment = environment
        self._processes = DetachedProcesses(state)
        self._ports = Ports(state.ports)
        # What the last `make up` has used.
        record = read_json(state.gateways)
        folder = environment.get(VARIABLE) or record.get("assets")
        self._folder = str(Path(folder).absolute()) if folder else None
        self._usable = find_assets(self._folder)
        self._apis: dict[str, str] = record.get("apis", {})

    def use(self, folder: Path) -> None:
        """Takes the programs in this folder from now on. Later commands do so too, once `prepare` was called."""
        self._folder = str(folder)
        self._usable = find_assets(self._folder)

    def prepare(self, attached: Sequence[Attachment]) -> tuple[list[Gateway], list[Manifest]]:
        """Returns what the control plane must have before `start`: Gateways with free ports, and CRDs of their APIs."""
        chosen = one_api_each(attached, self._apis, self._usable)
        for conflict in api_conflicts(attached, chosen):
            logger.warning(conflict)
        served = [each.gateway for each in chosen.values() if each.gateway.api.name in self._usable]
        if self._folder:
            apis = {str(gateway): gateway.api.name for gateway in served}
            write_private(self._state.gateways, json.dumps({"assets": self._folder, "apis": apis}))
        used = dict.fromkeys(gateway.api.name for gateway in served)
        definitions = [definition for api in used for definition in self._usable[api].definitions]
        return [replace(gateway, port=self._port(gateway.proxy)) for gateway in served], definitions

    def stop_unusable(self) -> None:
        """Stops the gateways of APIs whose programs aren't used any more. Released controllers use the same ports."""
        for name, api in GATEWAY_APIS.items():
            if name not in self._usable and self._processes.find(api.controller):
                logger.info(f"Stopping the gateway for `api: {name}`")
                served = [each.split("/") for each, its_api in self._apis.items() if its_api == name]
                proxies = [Gateway(api, namespace, gateway).proxy for namespace, gateway in served]
                self._processes.stop(*proxies, api.controller)

    def start(self, gateways: Iterable[Gateway]) -> None:
        """Starts the programs that don't run, and waits until the proxy of each Gateway listens.

        If the gateways of one API can't be started, reports why and goes on without them.
        """
        by_api: dict[GatewayApi, list[Gateway]] = {}
        for gateway in gateways:
            by_api.setdefault(gateway.api, []).append(gateway)
        with ApiServer(self._state) as api_server:
            api_server.apply_missing(namespace_objects(api.namespace for api in by_api))
            for api, its_gateways in by_api.items():
                self._ensure_controller(api_server, api, its_gateways)
            for api, its_gateways in by_api.items():
                try:
                    self._start_proxies(api_server, api, its_gateways)
                except LocalError as error:
                    self._processes.stop(*(gateway.proxy for gateway in its_gateways), api.controller)
                    logger.warning(str(error))

    def can_run(self, gateway: Gateway) -> bool:
        """Tells whether there are programs for the Gateway."""
        return gateway.api.name in self._usable

    def running(self, gateway: Gateway) -> Gateway | None:
        """Returns the Gateway with its port if it answers requests: its controller runs and its proxy listens."""
        port = self._ports.read().get(gateway.proxy, 0)
        runs = self._processes.find(gateway.api.controller) and self._processes.listens(gateway.proxy, port)
        return replace(gateway, port=port) if runs else None

    def report(self, attached: Sequence[Attachment]) -> list[str]:
        """Returns for each Gateway where it answers requests, or why it does not."""
        chosen = one_api_each(attached, self._apis, self._usable)
        return list(dict.fromkeys(self._report(each, attached) for each in chosen.values()))

    def _report(self, attachment: Attachment, attached: Sequence[Attachment]) -> str:
        gateway, api = attachment.gateway, attachment.gateway.api.name
        if api not in self._usable:
            return f"{self._missing(api)} Get one: `{self._unset}{download_command(attached, api)}`"
        if running := self.running(gateway):
            answers = f"answers at {running.url}. Try it: `make chat STACK={attachment.stack}`."
            return f"The Gateway {gateway} ({api}) {answers}"
        return f"The Gateway {gateway} ({api}) is not running. Start it with `make up`."

    def _missing(self, api: str) -> str:
        """Says that there is no gateway of this API, and what is missing if a part of it is there."""
        if not self._folder:
            return "No gateway runs here, so requests get no answer."
        assets = assets_in(self._folder)[api]
        # A folder may have the programs of another API only.
        is_lacking = assets.folder.exists() or not self._usable
        lacking = f": {assets.folder} has no {', '.join(assets.missing)}" if is_lacking else ""
        return f"No gateway runs here for `api: {api}`, so its requests get no answer{lacking}."

    @property
    def _unset(self) -> str:
        """What comes before a command with GATEWAY, which is refused beside the user's own programs."""
        return f"{VARIABLE}= " if self._environment.get(VARIABLE) else ""

    def _ensure_controller(self, api_server: ApiServer, api: GatewayApi, gateways: Sequence[Gateway]) -> None:
        command = [str(self._usable[api.name].controller)]
        environment = api.controller_environment(self._state, self._port(api.controller))
        # A controller does not notice that the API server is another one, or has lost its data.
        process = self._processes.find(KUBE_APISERVER)
        revision = str(process.pid) if process else ""
        if not self._processes.runs(api.controller, command, revision, environment):
            self._processes.stop(api.controller)
            for gateway in gateways:
                # Conditions that an earlier controller wrote say nothing about this one.
                api_server.clear_conditions(gateway_manifest(gateway))
            self._processes.ensure(api.controller, command, revision, environment)

    def _start_proxies(self, api_server: ApiServer, api: GatewayApi, gateways: Sequence[Gateway]) -> None:
        authorities = self._environment.get(CERTIFICATE_AUTHORITIES)
        trusted = {CERTIFICATE_AUTHORITIES: str(Path(authorities).absolute())} if authorities else {}
        for gateway in gateways:
            is_programmed = partial(_is_programmed, api_server, gateway)
            problem = f"The Gateway {gateway} was not programmed"
            self._wait(is_programmed, [api.controller], SECONDS_TO_BE_PROGRAMMED, problem)
            command = [str(self._usable[api.name].proxy), *_NO_CONFIGURATION]
            environment = gateway.proxy_environment(self._port(api.controller)) | trusted
            self._processes.ensure(gateway.proxy, command, environment=environment)
        for gateway in gateways:
            listens = partial(self._processes.listens, gateway.proxy, gateway.port)
            problem = f"The proxy of the Gateway {gateway} did not listen on port {gateway.port}"
            self._wait(listens, [api.controller, gateway.proxy], SECONDS_TO_LISTEN, problem)

    def _wait(self, happened: Callable[[], bool], names: Sequence[str], seconds: float, problem: str) -> None:
        """Waits while all of these programs run. If it doesn't happen, shows the log of the last one."""
        try:
            if self._processes.wait_for(happened, names, seconds):
                return
        except ProcessEndedError as ended:
            # A controller can do without some of its ports; the last one in the log is the one that it can't.
            if taken := _PORT_TAKEN.findall(ended.lines):
                raise LocalError(
                    f"Port {taken[-1]} is taken, and {ended.name} can't use another. End the program that has the port "
                    "(if it is the gateway of another clone, run `make down` there). Then run `make up` again."
                ) from None
            raise
        raise LocalError(f"{problem} within {seconds:.0f} seconds. {self._processes.last_lines(names[-1])}")

    def _port(self, program: str) -> int:
        """Returns the port of a proxy, or a controller's xDS port: the same as last time, if possible."""
        return self._ports.choose(program, EVERY_ADDRESS, is_running=bool(self._processes.find(program)))


def _is_programmed(api_server: ApiServer, gateway: Gateway) -> bool:
    found = api_server.get(gateway_manifest(gateway))
    wanted = {"type": "Programmed", "status": "True", "observedGeneration": found.get("metadata", {}).get("generation")}
    return any(wanted.items() <= condition.items() for condition in found.get("status", {}).get("conditions", []))
