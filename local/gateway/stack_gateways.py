"""Runs the gateways that stacks attach to, and reports where they answer."""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from local.folders import StateFolder, write_private
from local.gateway.api import GATEWAY_APIS, Gateway
from local.gateway.assets import VARIABLE, Assets, assets_in
from local.gateway.gateways import Gateways, GatewayStartError
from local.gateway.references import GatewayReference, api_conflicts, one_api_each

logger = logging.getLogger(__name__)

PAGE = "docs/gateway.md"
# The file of certificate authorities that `System` means in a BackendTLSPolicy.
CERTIFICATE_AUTHORITIES = "SSL_CERT_FILE"


class StackGateways:
    """Runs a gateway for each Gateway that stacks attach to, if `$GATEWAY_ASSETS` has the programs.

    Where that variable is not set, the folder of the last `make up` is used again.

    Args:
        state: State folder of the control plane.
        environment: The caller's environment variables.
    """

    def __init__(self, state: StateFolder, environment: Mapping[str, str] = os.environ) -> None:
        self._state = state
        self._environment = environment

    def prepare(self, references: Iterable[GatewayReference]) -> tuple[list[Gateway], list[dict[str, Any]]]:
        """Return what the control plane must have before `start`: Gateways with free ports, and CRDs of their APIs."""
        references = self._current_api_first(references)
        for conflict in api_conflicts(references):
            logger.warning(conflict)
        served = [each for each in one_api_each(references) if each.api in self._usable]
        if self._folder:
            apis = {each.gateway: each.api for each in served}
            write_private(self._state.gateways, json.dumps({"assets": str(self._folder), "apis": apis}))
        gateways = [self._gateways.with_port(GATEWAY_APIS[each.api], each.namespace, each.name) for each in served]
        used = dict.fromkeys(each.api for each in served)
        return gateways, [definition for api in used for definition in self._usable[api].definitions]

    def start(self, gateways: Iterable[Gateway]) -> None:
        """Start the gateways. If one can't be started, report why and go on without it."""
        try:
            self._gateways.start(gateways)
        except GatewayStartError as error:
            logger.warning(str(error))

    def running(self, references: Iterable[GatewayReference]) -> list[Gateway]:
        """Return the Gateways that answer requests."""
        found = [self._gateways.running(GATEWAY_APIS[each.api], each.namespace, each.name) for each in references]
        return list(dict.fromkeys(filter(None, found)))

    def report(self, references: Iterable[GatewayReference]) -> Iterator[str]:
        """Yield a line for each Gateway: where it answers requests, or why it does not."""
        references = one_api_each(self._current_api_first(references))
        if references and not self._folder:
            yield f"No gateway runs here, so requests get no answer. {PAGE} says how to get one."
            return
        for api in dict.fromkeys(each.api for each in references if each.api not in self._usable):
            lacking = f"{self._assets[api].folder} has no {', '.join(self._assets[api].missing)}"
            yield f"No gateway runs here for `api: {api}`, so its requests get no answer: {lacking}. See {PAGE}."
        for each in references:
            if each.api in self._usable:
                running = self.running([each])
                answers = f"answers at {running[0].url}. Try it: `make chat STACK={each.stack}`." if running else ""
                yield f"The Gateway {each.gateway} ({each.api}) {answers or 'is not running. Start it with `make up`.'}"

    def _current_api_first(self, references: Iterable[GatewayReference]) -> list[GatewayReference]:
        """Sort the references so that a Gateway keeps the API it has while a provider uses it."""
        apis = self._record.get("apis", {})
        return sorted(references, key=lambda each: apis.get(each.gateway) != each.api)

    @cached_property
    def _record(self) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._state.gateways.read_text())
        except (OSError, ValueError):
            return {}
        return record

    @cached_property
    def _folder(self) -> Path | None:
        folder = self._environment.get(VARIABLE) or self._record.get("assets")
        return Path(folder).absolute() if folder else None

    @cached_property
    def _assets(self) -> dict[str, Assets]:
        return assets_in(self._folder) if self._folder else {}

    @cached_property
    def _usable(self) -> dict[str, Assets]:
        return {name: assets for name, assets in self._assets.items() if not assets.missing}

    @cached_property
    def _gateways(self) -> Gateways:
        authorities = self._environment.get(CERTIFICATE_AUTHORITIES)
        environment = {CERTIFICATE_AUTHORITIES: str(Path(authorities).absolute())} if authorities else {}
        return Gateways(self._state, self._usable, environment)
