"""Stands in for the engine over gRPC: records the requests of programs and plugins, and creates nothing."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc
from pulumi.runtime.stack import run_in_stack

PROJECT = "their-platform"
STACK = "test"

# Where in the source a request comes from.
OF_THE_SOURCE = ("sourcePosition", "stackTrace")
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def urn(resource_type: str, name: str) -> str:
    return f"urn:pulumi:{STACK}::{PROJECT}::{resource_type}::{name}"


STACK_URN = urn("pulumi:pulumi:Stack", f"{PROJECT}-{STACK}")


class RecordingEngine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """Knows of a resource what it was registered with; in a preview no outputs of those that aren't components.

    Attributes:
        registrations: The requests to register a resource, as JSON has them.
        outputs: The outputs of components by their URN.
        messages: Everything that was logged, for debugging too.
        warnings: What was logged for the user.
    """

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview
        self.address = ""
        self.registrations: list[dict[str, Any]] = []
        self.outputs: dict[str, Any] = {}
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def of(self, component: str) -> list[dict[str, Any]]:
        """Returns what was registered for the component of this name, by type and name."""
        mine = [each for each in self.registrations if each["name"].split("-")[0] == component]
        return sorted(mine, key=lambda each: (str(each["type"]), str(each["name"])))

    def run(self, program: Callable[[], object], config: Mapping[str, str]) -> None:
        """Runs a program to its end, in this process."""

        def configured() -> None:
            set_all_config(dict(config))
            program()

        async def run() -> None:
            settings.configure(
                settings.Settings(
                    project=PROJECT, stack=STACK, monitor=self.address, engine=self.address, dry_run=self.preview
                )
            )
            await run_in_stack(configured)

        contextvars.copy_context().run(asyncio.run, run())

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 (the protocol's names)
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.registrations.append(_told(request))
        planned = self.preview and request.custom
        return resource_pb2.RegisterResourceResponse(
            urn=urn(request.type, request.name),
            id=self._id(request.name) if request.custom else "",
            object=struct_pb2.Struct() if planned else request.object,
        )

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Answers requests for existing resources, which the caller's options name."""
        assert request.tok == "pulumi:pulumi:getResource", request.tok
        response = provider_pb2.InvokeResponse()
        name = request.args["urn"].rpartition("::")[2]
        getattr(response, "return").update({"urn": request.args["urn"], "id": self._id(name), "state": {}})
        return response

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.messages.append(request.message)
        if request.severity >= engine_pb2.WARNING:
            self.warnings.append(request.message)
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.SetRootResourceResponse()

    def _id(self, name: str) -> str:
        return UNKNOWN if self.preview else f"{name}-id"


def _told(request: Any) -> dict[str, Any]:
    """Normalizes a registration: drops false values, and sorts sets."""
    told = json_format.MessageToDict(request)
    told["dependencies"] = sorted(told.get("dependencies", []))
    return {field: value for field, value in told.items() if value is not False and field not in OF_THE_SOURCE}


@contextmanager
def recording_engine(*, preview: bool = False) -> Iterator[RecordingEngine]:
    engine = RecordingEngine(preview=preview)
    server = grpc.server(ThreadPoolExecutor(8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    engine.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield engine
    finally:
        server.stop(grace=None).wait()
