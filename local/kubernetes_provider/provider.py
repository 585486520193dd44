"""What the engine asks of a provider, answered as the official one does in server-side apply mode."""

import asyncio
import os
import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from local.kubernetes_provider import waiting
from local.kubernetes_provider.diff import diff, imported_inputs, property_path, with_data_only, with_live_values
from local.kubernetes_provider.refusals import (
    NoMatchError,
    NotReadyError,
    ProviderError,
    RefusedError,
    UnreachableError,
)
from local.kubernetes_provider.values import (
    FIELD_MANAGER,
    INPUTS,
    Object,
    Properties,
    as_properties,
    checkpoint,
    has_unknown,
    plain,
    without_secrets,
)

if TYPE_CHECKING:
    from local.kubernetes_provider.objects import Objects

_SETTINGS = ("enablePatchForce", "enableSecretMutable", "kubeconfig", "upsertExistingObjects")
_TIMEOUT_SECONDS = 600.0
_GIVES_WAY = re.compile("kubectl|before-first-apply|pulumi-kubernetes$|pulumi-resource-kubernetes")
_MADE_UP_IN_PREVIEW = ("creationTimestamp", "resourceVersion", "uid")

Address = tuple[str, str, str, str]
Write = protocol.CreateRequest | protocol.UpdateRequest


class KubernetesProvider(protocol.Provider):
    def __init__(self) -> None:
        self._objects: Objects
        self._settings: dict[str, str] = {}
        self._cancelled = False

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        self._settings = {name.rpartition(":")[2]: value for name, value in request.variables.items() if value}
        if unknown := sorted(self._settings.keys() - set(_SETTINGS)):
            known = ", ".join(f"kubernetes:{name}" for name in _SETTINGS)
            raise ProviderError(f"the Kubernetes stand-in doesn't know kubernetes:{unknown[0]}, only {known}")
        kubeconfig = self._settings.get("kubeconfig") or os.environ.get("KUBECONFIG")
        if not kubeconfig:
            raise ProviderError(
                "the Kubernetes stand-in needs a kubeconfig: set kubernetes:kubeconfig in the stack's configuration, "
                "or KUBECONFIG in the environment. It never takes the one in the home folder."
            )
        self._objects = await asyncio.to_thread(_connect, kubeconfig)
        return protocol.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        inputs = plain(request.new_inputs)
        return protocol.CheckResponse(as_properties(inputs, request.new_inputs), _failures(inputs.get("metadata", {})))

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        state, new = plain(request.old_state), plain(request.new_inputs)
        return diff(state.get(INPUTS, {}), new, live=state, secret_mutable=self._is_on("enableSecretMutable"))

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        state = await self._write(request, request.properties, _new_field_manager())
        return protocol.CreateResponse(None if request.preview else _id(plain(state)), state)

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        old = plain(request.inputs)
        from_type = _api_version_and_kind(request.type)
        namespace, _, name = request.resource_id.rpartition("/")
        live = await self._live((old.get("apiVersion", from_type[0]), old.get("kind", from_type[1]), namespace, name))
        if not live:
            return protocol.ReadResponse()
        inputs = as_properties(with_live_values(old, live) if old else imported_inputs(live), request.inputs)
        manager = plain(request.properties).get(FIELD_MANAGER) or _new_field_manager()
        return protocol.ReadResponse(request.resource_id, checkpoint(live, inputs, manager), inputs)

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        manager = plain(request.olds)[FIELD_MANAGER]
        return protocol.UpdateResponse(await self._write(request, request.news, manager))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        state = plain(request.properties)
        namespace, _, name = request.resource_id.rpartition("/")
        address = state["apiVersion"], state["kind"], namespace, name
        await asyncio.to_thread(self._objects.delete, *address)
        live, ended = await self._wait(address, lambda live: live is None, request.timeout)
        if live:
            what = f"{state['apiVersion']}/{state['kind']} {request.resource_id}"
            finalizers = ", ".join(live["metadata"].get("finalizers", [])) or "none"
            raise ProviderError(
                f"{ended} waiting for the deletion of {what}: finalizers might be preventing it ({finalizers})"
            )

    async def cancel(self) -> None:
        self._cancelled = True

    async def _write(self, request: Write, inputs: Properties, manager: str) -> dict[str, PropertyValue]:
        """In a preview, what the API server says it would make of it; the inputs where it can't tell yet."""
        preview, new = request.preview, isinstance(request, protocol.CreateRequest)
        obj = with_data_only(plain(inputs))
        if preview and has_unknown(obj):
            return dict(inputs)
        try:
            if not preview:
                await self._expect(obj, new=new)
            live = await self._apply(obj, manager, force=preview and new, dry_run=preview)
        except ProviderError as error:
            if preview and _tells_nothing(error):
                return dict(inputs)
            raise ProviderError(without_secrets(_explained(error, obj, new=new), inputs)) from None
        if preview:
            live.pop("status", None)
            live["metadata"] = {k: v for k, v in live["metadata"].items() if k not in _MADE_UP_IN_PREVIEW}
        elif checks := waiting.checks(obj["metadata"]):
            live, trouble = await self._become_ready(live, checks, request.timeout)
            if trouble:
                message = f"{_not_live(obj, written=new)}: {trouble}"
                raise NotReadyError(message, _id(obj), checkpoint(live, inputs, manager))
        return checkpoint(live, inputs, manager)

    async def _become_ready(self, obj: Object, checks: list[waiting.Check], seconds: float) -> tuple[Object, str]:
        """The object as it was last seen, and what it lacks."""

        def ready(live: Object | None) -> bool:
            return live is not None and all(check(live) for check in checks)

        try:
            live, ended = await self._wait(_address(obj), ready, seconds)
        except ProviderError as error:
            return obj, str(error)
        return live or obj, ended and f"{ended} waiting for the condition"

    async def _wait(
        self, address: Address, done: Callable[[Object | None], bool], seconds: float
    ) -> tuple[Object | None, str]:
        """The object as it was last seen, and what ended the waiting before it was done."""
        deadline = time.monotonic() + (seconds or _TIMEOUT_SECONDS)
        pause = 0.05
        while not done(live := await self._live(address)):
            if self._cancelled or time.monotonic() > deadline:
                return live, "cancelled" if self._cancelled else "timed out"
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.4)
        return live, ""

    async def _expect(self, obj: Object, *, new: bool) -> None:
        if new and self._is_on("upsertExistingObjects"):
            return
        exists = await self._live(_address(obj))
        if exists and new:
            raise RefusedError(
                f"{obj['kind']} {_id(obj)} already exists. If it belongs to this stack, import it; if the resource was "
                "renamed in the program, give it an alias; to take the object over as it is, set "
                "PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true."
            )
        if not exists and not new:
            raise RefusedError(f"{obj['kind']} {_id(obj)} not found. `pulumi refresh` takes note of that.")

    async def _apply(self, obj: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        annotations = obj["metadata"].get("annotations", {})
        force = force or self._is_on("enablePatchForce") or annotations.get("pulumi.com/patchForce") == "true"
        try:
            return await asyncio.to_thread(self._objects.apply, obj, manager, force=force, dry_run=dry_run)
        except RefusedError as error:
            others = re.findall('conflicts? with "([^"]+)"', str(error)) if error.code == 409 else []
            if not others or not all(map(_GIVES_WAY.match, others)):
                raise
        return await asyncio.to_thread(self._objects.apply, obj, manager, force=True, dry_run=dry_run)

    async def _live(self, address: Address) -> Object | None:
        try:
            return await asyncio.to_thread(self._objects.get, *address)
        except NoMatchError:
            return None
        except RefusedError as error:
            if error.code == 404:
                return None
            raise

    def _is_on(self, setting: str) -> bool:
        variable = "PULUMI_K8S_" + re.sub("(?<=[a-z])(?=[A-Z])", "_", setting).upper()
        return self._settings.get(setting, os.environ.get(variable)) == "true"


def _connect(kubeconfig: str) -> "Objects":
    """Imports the Kubernetes client only now: the engine waits for the process to start, but not for this."""
    from local.kubernetes_provider.objects import Objects

    return Objects(kubeconfig)


def _failures(metadata: Object) -> list[protocol.CheckFailure]:
    if has_unknown(metadata):
        return []
    if not metadata.get("name"):
        reason = "a name is needed: the Kubernetes stand-in does no auto-naming"
        return [protocol.CheckFailure("metadata.name", reason)]
    try:
        waiting.checks(metadata)
    except ProviderError as error:
        place = property_path(("metadata", "annotations", waiting.ANNOTATION))
        return [protocol.CheckFailure(place, str(error))]
    return []


def _tells_nothing(error: ProviderError) -> bool:
    """Whether a dry run failed for what may be otherwise by the time it is for real."""
    if not isinstance(error, RefusedError):
        return True
    made_anew = error.code == 422 and "field is immutable" in str(error)
    return made_anew or error.code == 403 or (error.code == 404 and error.about == "namespaces")


def _explained(error: ProviderError, obj: Object, *, new: bool) -> str:
    if isinstance(error, UnreachableError):
        return str(error)
    if isinstance(error, NoMatchError):
        return (
            f"{'creation' if new else 'update'} of resource {_id(obj)} failed because the Kubernetes API server "
            "reported that the apiVersion for this resource does not exist. "
            f"Verify that any required CRDs have been created: {error}"
        )
    if new:
        return f"resource {_id(obj)} was not successfully created by the Kubernetes API server: {error}"
    return f"{_not_live(obj, written=False)}: {error}"


def _not_live(obj: Object, *, written: bool) -> str:
    failed = "failed to fully initialize or become live"
    if written:
        made = f"resource {_id(obj)} was successfully created"
        return f"{made}, but the Kubernetes API server reported that it {failed}"
    return f'the Kubernetes API server reported that "{_id(obj)}" {failed}'


def _new_field_manager() -> str:
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def _address(obj: Object) -> Address:
    return obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _id(obj: Object) -> str:
    return "/".join(filter(None, _address(obj)[2:]))


def _api_version_and_kind(resource_type: str) -> tuple[str, str]:
    """From a type such as `kubernetes:core/v1:Secret`."""
    _, api_version, kind = resource_type.rpartition("$")[2].split(":")
    return api_version.removeprefix("core/"), kind
