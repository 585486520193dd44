"""Runs the plugin as the engine does: as a process of its own, over gRPC."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import errors_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from semver import VersionInfo

from tests.e2e.recording_engine import PROJECT, STACK, STACK_URN, RecordingEngine
from tests.support.repository import REPOSITORY

FOLDER = REPOSITORY / "components"
TOKEN = "openai-compatible-llm:index:OpenAICompatibleLLM"
GATEWAY_TOKEN = "openai-compatible-llm:index:OpenAICompatibleGateway"

# How values are marked in Pulumi's protocol.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def secret(value: object) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def output(*value: object, of: Sequence[str] = (), is_secret: bool = False) -> dict[str, Any]:
    """Makes an output that depends on these URNs; without a value it isn't known yet."""
    known = {"value": value[0]} if value else {}
    return {SIGNATURE: OUTPUT, **known, "secret": is_secret, "dependencies": list(of)}


class RefusedError(Exception):
    """The error that the engine gets instead of a component.

    Attributes:
        code: The gRPC status.
        problems: Properties and what is wrong with them.
    """

    def __init__(self, error: Any) -> None:
        super().__init__(error.details())
        self.code: grpc.StatusCode = error.code()
        self.problems: list[tuple[str, str]] = []
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                (detail,) = status_pb2.Status.FromString(value).details
                told = errors_pb2.InputPropertiesError()
                assert detail.Unpack(told)
                self.problems = [(each.property_path, each.reason) for each in told.errors]


class Plugin:
    """
    Attributes:
        printed: Standard output and error, once the process has ended.
    """

    def __init__(self, address: str, engine: RecordingEngine) -> None:
        self._engine = engine
        self._channel = grpc.insecure_channel(address)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.printed = ""

    def schema(self) -> dict[str, Any]:
        response = self._stub.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=30)
        schema: dict[str, Any] = json.loads(response.schema)
        return schema

    def version(self) -> str:
        return str(self._stub.GetPluginInfo(struct_pb2.Struct(), timeout=30).version)

    def construct(self, name: str, inputs: Mapping[str, Any], token: str = TOKEN, **request: Any) -> dict[str, Any]:
        """Constructs a component, and returns its state.

        Raises:
            RefusedError: Where none is.
        """
        properties = struct_pb2.Struct()
        properties.update(inputs)
        complete = provider_pb2.ConstructRequest(
            project=PROJECT,
            stack=STACK,
            monitorEndpoint=self._engine.address,
            dryRun=self._engine.preview,
            parent=STACK_URN,
            type=token,
            name=name,
            inputs=properties,
            **request,
        )
        try:
            response = self._stub.Construct(complete, timeout=30)
        except grpc.RpcError as error:
            raise RefusedError(error) from None
        state: dict[str, Any] = json_format.MessageToDict(response.state)
        return state

    def close(self, printed: str) -> None:
        self._channel.close()
        self.printed = printed


@cache
def plugin_version(program: Path) -> VersionInfo:
    """Asks a plugin, which needs no engine for that, for its version."""
    with subprocess.Popen([program, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            told = stub.GetPluginInfo(empty_pb2.Empty(), timeout=30, wait_for_ready=True).version
        process.kill()
    return VersionInfo.parse(told.removeprefix("v"))


@contextmanager
def running_plugin(engine: RecordingEngine) -> Iterator[Plugin]:
    with TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, str(FOLDER), engine.address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout
        # The first thing that it prints is its port; where it can't start, nothing.
        plugin = Plugin(f"127.0.0.1:{process.stdout.readline().strip() or 0}", engine)
        try:
            yield plugin
        finally:
            process.terminate()
            printed, _ = process.communicate(timeout=30)
            errors.seek(0)
            plugin.close(printed + errors.read())
