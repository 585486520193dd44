"""What the engine asks of a provider, answered as the official one does in server-side apply mode."""

import asyncio
import os
import re
import secrets
import time
from typing import TYPE_CHECKING

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from local.kubernetes_provider.diff import Object, diff, imported_inputs, with_data_only, with_live_values
from local.kubernetes_provider.refusals import NoMatchError, ProviderError, RefusedError, UnreachableError
from local.kubernetes_provider.values import (
    FIELD_MANAGER,
    INPUTS,
    Properties,
    as_properties,
    checkpoint,
    has_unknown,
    plain,
    without_secrets,
)

if TYPE_CHECKING:
    from local.kubernetes_provider.objects import Objects


_DELETION_TIMEOUT_SECONDS = 600.0
_GIVES_WAY = re.compile("kubectl|before-first-apply|pulumi-kubernetes$|pulumi-resource-kubernetes")
_NOT_IN_PREVIEW = ("creationTimestamp", "managedFields", "resourceVersion", "uid")


class KubernetesProvider(Provider):
    def __init__(self) -> None:
        self._objects: Objects
        self._settings: dict[str, str] = {}
        self._cancelled = asyncio.Event()

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        prefix = "kubernetes:config:"
        self._settings = {k.removeprefix(prefix): v for k, v in request.variables.items() if k.startswith(prefix)}
        kubeconfig = self._settings.get("kubeconfig") or os.environ.get("KUBECONFIG")
        if not kubeconfig:
            raise ProviderError(
                "the Kubernetes stand-in needs a kubeconfig: set kubernetes:kubeconfig in the stack's configuration, "
                "or KUBECONFIG in the environment. It never takes the one in the home folder."
            )
        self._objects = await asyncio.to_thread(_connect, kubeconfig)
        return ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        inputs = plain(request.new_inputs)
        failures = []
        if not inputs.get("metadata", {}).get("name"):
            reason = "a name is needed: the Kubernetes stand-in does no auto-naming"
            failures.append(CheckFailure("metadata.name", reason))
        return CheckResponse(as_properties(inputs, request.new_inputs), failures)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        old = plain(request.old_state).get(INPUTS, {})
        return diff(old, plain(request.new_inputs), secret_mutable=self._is_on("enableSecretMutable"))

    async def create(self, request: CreateRequest) -> CreateResponse:
        obj = with_data_only(plain(request.properties))
        manager = f"pulumi-kubernetes-{secrets.token_hex(4)}"
        try:
            if request.preview:
                return CreateResponse(properties=await self._previewed(obj, request.properties, manager, force=True))
            if not self._is_on("upsertExistingObjects"):
                await self._refuse_existing(obj)
            live = await self._apply(obj, manager)
        except NoMatchError as error:
            raise _crd_missing("creation", obj, error) from None
        except RefusedError as error:
            message = f"resource {_id(obj)} was not successfully created by the Kubernetes API server: {error}"
            raise ProviderError(without_secrets(message, request.properties)) from None
        return CreateResponse(_id(live), checkpoint(live, request.properties, manager))

    async def read(self, request: ReadRequest) -> ReadResponse:
        inputs = plain(request.inputs)
        api_version, kind = inputs.get("apiVersion"), inputs.get("kind")
        if not (api_version and kind):
            api_version, kind = _api_version_and_kind(request.type)
        namespace, _, name = request.resource_id.rpartition("/")
        try:
            live = await asyncio.to_thread(self._objects.get, api_version, kind, namespace, name)
        except NoMatchError:
            return ReadResponse()
        except RefusedError as error:
            if error.not_found:
                return ReadResponse()
            raise
        found = with_live_values(inputs, live) if "metadata" in inputs else imported_inputs(live)
        properties = as_properties(found, request.inputs)
        manager = request.properties.get(FIELD_MANAGER) or PropertyValue(f"pulumi-kubernetes-{secrets.token_hex(4)}")
        return ReadResponse(request.resource_id, checkpoint(live, properties, str(manager.value)), properties)

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        obj = with_data_only(plain(request.news))
        manager = str(request.olds[FIELD_MANAGER].value)
        try:
            if request.preview:
                return UpdateResponse(await self._previewed(obj, request.news, manager, force=False))
            await asyncio.to_thread(self._objects.get, *_address(obj))
            live = await self._apply(obj, manager)
        except NoMatchError as error:
            raise _crd_missing("update", obj, error) from None
        except RefusedError as error:
            message = f'the Kubernetes API server reported that "{_id(obj)}" failed to fully initialize or become live'
            raise ProviderError(without_secrets(f"{message}: {error}", request.news)) from None
        return UpdateResponse(checkpoint(live, request.news, manager))

    async def delete(self, request: DeleteRequest) -> None:
        state = plain(request.properties)
        namespace, _, name = request.resource_id.rpartition("/")
        address = state["apiVersion"], state["kind"], namespace, name
        deadline = time.monotonic() + (request.timeout or _DELETION_TIMEOUT_SECONDS)
        pause = 0.02
        try:
            await asyncio.to_thread(self._objects.delete, *address)
            while time.monotonic() < deadline:
                live = await asyncio.to_thread(self._objects.get, *address)
                pause = min(pause * 2, 1)
                await self._pause(pause, f"deletion of {state['kind']} {request.resource_id}")
        except NoMatchError:
            return
        except RefusedError as error:
            if error.not_found:
                return
            raise
        finalizers = ", ".join(live["metadata"].get("finalizers", [])) or "none"
        raise ProviderError(
            f"timed out waiting for the deletion of {state['apiVersion']}/{state['kind']} {request.resource_id}: "
            f"finalizers might be preventing it ({finalizers})"
        )

    async def cancel(self) -> None:
        self._cancelled.set()

    async def _previewed(
        self, obj: Object, inputs: Properties, manager: str, *, force: bool
    ) -> dict[str, PropertyValue]:
        """What the API server says it would make of it, or the inputs where it can't tell yet."""
        if has_unknown(obj):
            return dict(inputs)
        try:
            live = await self._apply(obj, manager, force=force, dry_run=True)
        except (NoMatchError, UnreachableError):
            return dict(inputs)
        except RefusedError as error:
            replaced_first = error.code == 422 and "field is immutable" in str(error)
            if replaced_first or error.code == 403 or (error.not_found and error.details.get("kind") == "namespaces"):
                return dict(inputs)
            raise
        live.pop("status", None)
        live["metadata"] = {key: value for key, value in live["metadata"].items() if key not in _NOT_IN_PREVIEW}
        return checkpoint(live, inputs, manager)

    async def _apply(self, obj: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        annotations = obj["metadata"].get("annotations", {})
        force = force or self._is_on("enablePatchForce") or annotations.get("pulumi.com/patchForce") == "true"
        try:
            return await asyncio.to_thread(self._objects.apply, obj, manager, force=force, dry_run=dry_run)
        except RefusedError as error:
            others = error.conflicting_managers
            if others and all(map(_GIVES_WAY.match, others)):
                return await asyncio.to_thread(self._objects.apply, obj, manager, force=True, dry_run=dry_run)
            raise

    async def _refuse_existing(self, obj: Object) -> None:
        try:
            await asyncio.to_thread(self._objects.get, *_address(obj))
        except RefusedError as error:
            if error.not_found:
                return
            raise
        raise ProviderError(
            f"resource {_id(obj)} was not successfully created by the Kubernetes API server: "
            f"{obj['kind']} {_id(obj)} already exists. If it belongs to this stack, import it; if the resource was "
            "renamed in the program, give it an alias; to take the object over as it is, set "
            "PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true."
        )

    async def _pause(self, seconds: float, doing: str) -> None:
        try:
            await asyncio.wait_for(self._cancelled.wait(), seconds)
        except TimeoutError:
            return
        raise ProviderError(f"resource operation was cancelled: {doing}")

    def _is_on(self, setting: str) -> bool:
        variable = "PULUMI_K8S_" + re.sub("(?<=[a-z])(?=[A-Z])", "_", setting).upper()
        return self._settings.get(setting, os.environ.get(variable)) == "true"


def _connect(kubeconfig: str) -> "Objects":
    """Imports the Kubernetes client only now: the engine waits for the process to start, but not for this."""
    from local.kubernetes_provider.objects import Objects

    return Objects(kubeconfig)


def _crd_missing(operation: str, obj: Object, error: NoMatchError) -> ProviderError:
    return ProviderError(
        f"{operation} of resource {_id(obj)} failed because the Kubernetes API server reported that the apiVersion "
        f"for this resource does not exist. Verify that any required CRDs have been created: {error}"
    )


def _id(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _address(obj: Object) -> tuple[str, str, str, str]:
    return obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _api_version_and_kind(resource_type: str) -> tuple[str, str]:
    """From a type such as `kubernetes:core/v1:Secret`."""
    _, api_version, kind = resource_type.rpartition("$")[2].split(":")
    return api_version.removeprefix("core/"), kind
