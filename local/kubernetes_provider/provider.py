"""Answers what the engine asks of a provider, as the official one does in server-side apply mode."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from local.kubernetes_provider.diff import diff, with_live_values
from local.kubernetes_provider.errors import NoMatchError, NotReadyError, ProviderError, RefusedError
from local.kubernetes_provider.values import (
    FIELD_MANAGER,
    INPUTS,
    Object,
    Properties,
    as_properties,
    checkpoint,
    plain,
    with_data_only,
    without_data,
)
from local.kubernetes_provider.waiting import is_ready

if TYPE_CHECKING:
    from local.kubernetes_provider.objects import Objects

_TIMEOUT_SECONDS = 600.0
_NOT_LIVE = "was written, but the Kubernetes API server reported that it failed to fully initialize or become live"

Address = tuple[str, str, str, str]


class KubernetesProvider(protocol.Provider):
    def __init__(self) -> None:
        self._objects: Objects
        self._secret_mutable = False
        self._cancelled = False

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        settings = {name.rpartition(":")[2]: value for name, value in request.variables.items()}
        self._secret_mutable = settings.get("enableSecretMutable") == "true"
        kubeconfig = settings.get("kubeconfig") or os.environ.get("KUBECONFIG")
        if not kubeconfig:
            raise ProviderError("the Kubernetes stand-in never takes the home folder's kubeconfig: set KUBECONFIG")
        self._objects = await asyncio.to_thread(_connect, kubeconfig)
        return protocol.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        return protocol.CheckResponse(as_properties(plain(request.new_inputs), request.new_inputs))

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        state, new = plain(request.old_state), plain(request.new_inputs)
        return diff(state[INPUTS], new, live=state, secret_mutable=self._secret_mutable)

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        inputs = request.properties
        if request.preview:
            return protocol.CreateResponse(None, dict(inputs))
        obj = with_data_only(plain(inputs))
        failed = f'resource "{_id(obj)}" was not successfully created by the Kubernetes API server'
        upsert = os.environ.get("PULUMI_K8S_UPSERT_EXISTING_OBJECTS") == "true"
        if not upsert and await self._live(_address(obj)):
            raise ProviderError(
                f"{failed}: {obj['kind']} {_id(obj)} already exists. Delete it or choose another name; or to take it "
                "over, set PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true."
            )
        manager = f"pulumi-kubernetes-{secrets.token_hex(4)}"
        return protocol.CreateResponse(_id(obj), await self._write(obj, inputs, manager, request.timeout, failed))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        if request.preview:
            return protocol.UpdateResponse(dict(request.news))
        obj, manager = with_data_only(plain(request.news)), plain(request.olds)[FIELD_MANAGER]
        failed = f'resource "{_id(obj)}" {_NOT_LIVE}'
        return protocol.UpdateResponse(await self._write(obj, request.news, manager, request.timeout, failed))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        inputs, state = plain(request.inputs), plain(request.properties)
        live = await self._live(_address(inputs))
        if live is None:
            return protocol.ReadResponse()
        seen = as_properties(with_live_values(inputs, live), request.inputs)
        return protocol.ReadResponse(request.resource_id, checkpoint(live, seen, state[FIELD_MANAGER]), seen)

    async def delete(self, request: protocol.DeleteRequest) -> None:
        address = _address(plain(request.properties))
        try:
            await asyncio.to_thread(self._objects.delete, *address)
        except NoMatchError:
            return
        except RefusedError as refused:
            if refused.code != HTTPStatus.NOT_FOUND:
                raise
        live, ended = await self._wait(address, lambda live: live is None, request.timeout)
        if live:
            finalizers = ", ".join(live["metadata"].get("finalizers", []))
            raise ProviderError(f"{ended}: finalizers might be preventing deletion ({finalizers})")

    async def cancel(self) -> None:
        self._cancelled = True

    async def _write(
        self, obj: Object, inputs: Properties, manager: str, timeout: float, failed: str
    ) -> dict[str, PropertyValue]:
        try:
            written = await asyncio.to_thread(self._objects.apply, obj, manager)
        except RefusedError as refused:
            raise ProviderError(without_data(f"{failed}: {refused}", obj)) from None
        live, ended = await self._wait(_address(obj), lambda live: live is not None and is_ready(live), timeout)
        state = checkpoint(live or written, inputs, manager)
        if ended:
            raise NotReadyError(f'resource "{_id(obj)}" {_NOT_LIVE}: {ended}', _id(obj), state)
        return state

    async def _wait(
        self, address: Address, done: Callable[[Object | None], bool], timeout: float
    ) -> tuple[Object | None, str]:
        """Returns the object as it was last seen, and what ended the waiting before it was done."""
        deadline = time.monotonic() + (timeout or _TIMEOUT_SECONDS)
        while not done(live := await self._live(address)):
            if self._cancelled or time.monotonic() > deadline:
                return live, "context canceled" if self._cancelled else "timed out waiting for the condition"
            await asyncio.sleep(0.1)
        return live, ""

    async def _live(self, address: Address) -> Object | None:
        try:
            return await asyncio.to_thread(self._objects.get, *address)
        except NoMatchError:
            return None
        except RefusedError as refused:
            if refused.code == HTTPStatus.NOT_FOUND:
                return None
            raise


def _connect(kubeconfig: str) -> "Objects":
    """Imports the Kubernetes client only now: the engine waits for the process to start, but not for this."""
    from local.kubernetes_provider.objects import Objects

    return Objects(kubeconfig)


def _address(obj: Object) -> Address:
    return obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _id(obj: Object) -> str:
    return "/".join(filter(None, _address(obj)[2:]))
