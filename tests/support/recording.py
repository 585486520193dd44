"""Records what a program registers, with a Pulumi monitor in place of an engine."""

import asyncio
import contextvars
import json
import logging
import runpy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any, cast

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.stack import run_in_stack

from components import (
    OpenAICompatibleGateway,
    OpenAICompatibleGatewayArgs,
    OpenAICompatibleLLM,
    OpenAICompatibleLLMArgs,
)
from tests.support.repository import REPOSITORY

# Pulumi does the same for programs: a run that fails leaves tasks behind whose errors nobody reads.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


PROJECT = "openai-compatible-llm"
PROJECT_CONFIG = {
    name: json.dumps(given["value"]) if "value" in given else str(given["default"])
    for name, given in yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"].items()
}
"""What the project's file says, as Pulumi gives it to the program of each stack."""


@dataclass(frozen=True)
class Registration:
    """One request to register a resource."""

    type: str
    name: str
    urn: str
    parent: str
    provider: str
    dependencies: list[str]
    inputs: dict[str, Any]
    secret_inputs: set[str]
    timeouts: dict[str, str]


@dataclass
class Recording:
    """Everything that a program registered, in its order."""

    resources: list[Registration] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    secret_outputs: dict[str, set[str]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def one(self, type_suffix: str, name: str | None = None) -> Registration:
        """Returns the only resource whose type ends like this."""
        found = [r for r in self.all(type_suffix) if name in (None, r.name)]
        assert len(found) == 1, f"{len(found)} of {type_suffix} in {[(r.type, r.name) for r in self.resources]}"
        return found[0]

    def all(self, type_suffix: str) -> list[Registration]:
        """Returns the resources whose types end like this."""
        return [r for r in self.resources if r.type.endswith(type_suffix)]

    def outside_secrets(self) -> str:
        """Returns all that was registered and said, but for Secrets."""
        others = [r for r in self.resources if not r.type.endswith(":Secret")]
        return f"{others} {self.outputs} {self.messages}"

    def objects(self) -> list[dict[str, Any]]:
        """Returns the inputs of the Kubernetes objects, each after those on which it depends, then by kind and name.

        Pulumi registers objects that don't depend on each other in any order.
        """
        resources = {r.urn: r for r in self.resources if r.type.startswith("kubernetes:")}
        graph = TopologicalSorter(
            {urn: [each for each in r.dependencies if each in resources] for urn, r in resources.items()}
        )
        objects: list[dict[str, Any]] = []
        graph.prepare()
        while graph.is_active():
            ready = graph.get_ready()
            objects += sorted((resources[urn].inputs for urn in ready), key=_kind_and_name)
            graph.done(*ready)
        return objects

    def kinds(self) -> list[str]:
        return [manifest["kind"] for manifest in self.objects()]

    def spec(self, kind: str) -> Any:
        """Returns the spec of the only object of this kind."""
        return self.one(f":{kind}").inputs["spec"]

    def providers(self) -> list[Any]:
        """Returns the providers of a backend with fallbacks, in the order of use. Each is a group of its own."""
        return [
            provider for group in self.spec("AgentgatewayBackend")["ai"]["groups"] for provider in group["providers"]
        ]

    def component_outputs(self) -> dict[str, Any]:
        """Returns the outputs of the only component."""
        (component,) = (r for r in self.resources if not r.type.startswith("kubernetes:"))
        return self.outputs[component.urn]


class _Echo(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program calls {args.token}")


class _RecordingMonitor(mocks.MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(_Echo())
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the name is the protocol's)
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            values, secrets = _revealed(request.object)
            self.recording.resources.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    parent=request.parent,
                    provider=request.provider,
                    dependencies=list(request.dependencies),
                    inputs=values,
                    secret_inputs=secrets,
                    timeouts=_timeouts(request.customTimeouts),
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self.recording.outputs[request.urn], self.recording.secret_outputs[request.urn] = _revealed(request.outputs)
        return super().RegisterResourceOutputs(request)


class _RecordingEngine(mocks.MockEngine):
    def __init__(self, recording: Recording) -> None:
        super().__init__(None)
        self.recording = recording

    def Log(self, request: Any) -> None:  # noqa: N802
        self.recording.messages.append(request.message)
        if request.severity == engine_pb2.WARNING:
            self.recording.warnings.append(request.message)


def _kind_and_name(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _timeouts(timeouts: Any) -> dict[str, str]:
    return {name: value for name in ("create", "update", "delete") if (value := getattr(timeouts, name))}


def _revealed(properties: Any) -> tuple[dict[str, Any], set[str]]:
    """Returns the plain values, and the paths of those that were marked as secrets."""
    secrets: set[str] = set()

    def reveal(value: Any, path: str) -> Any:
        if rpc.is_rpc_secret(value):
            secrets.add(path)
            value = rpc.unwrap_rpc_secret(value)
        if isinstance(value, dict):
            return {key: reveal(each, f"{path}.{key}" if path else key) for key, each in value.items()}
        if isinstance(value, list):
            return [reveal(each, f"{path}[{index}]") for index, each in enumerate(value)]
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    return reveal(rpc.deserialize_properties(properties, keep_unknowns=True), ""), secrets


def _close_own_event_loop(of_program: asyncio.AbstractEventLoop) -> None:
    """Closes the event loop that Pulumi's mock monitor may have opened in its own thread."""
    with suppress(RuntimeError):
        own = asyncio.get_event_loop()
        if own is not of_program:
            own.close()


def record(
    program: Callable[[], object],
    *,
    preview: bool = False,
    stack: str = "test",
    config: Mapping[str, str] = PROJECT_CONFIG,
    secret_keys: Sequence[str] = (),
) -> Recording:
    """Runs a program to its end, and raises its error. All registrations are recorded when this returns."""
    recording = Recording()

    def run_program() -> None:
        set_all_config(dict(config), list(secret_keys))
        program()

    async def run() -> None:
        mocks.set_mocks(_Echo(), project=PROJECT, stack=stack, preview=preview, monitor=_RecordingMonitor(recording))
        settings.SETTINGS.engine = _RecordingEngine(recording)
        settings.set_root_resource(cast("Any", None))
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        try:
            await run_in_stack(run_program)
        finally:
            settings.SETTINGS.outputs.clear()
            await loop.run_in_executor(None, _close_own_event_loop, loop)

    contextvars.copy_context().run(asyncio.run, run())
    return recording


def record_component(
    args: Mapping[str, Any] | Callable[[], Mapping[str, Any]], name: str = "mistral", **options: Any
) -> Recording:
    """Runs a program with one component; arguments with Outputs must be made inside the program, by a function."""

    def program() -> None:
        OpenAICompatibleLLM(name, cast("OpenAICompatibleLLMArgs", args() if callable(args) else args))

    return record(program, **options)


def record_gateway(
    args: Mapping[str, Any] | Callable[[], Mapping[str, Any]], name: str = "llm", **options: Any
) -> Recording:
    """Runs a program with one OpenAICompatibleGateway."""

    def program() -> None:
        OpenAICompatibleGateway(name, cast("OpenAICompatibleGatewayArgs", args() if callable(args) else args))

    return record(program, **options)


def record_program(config: Mapping[str, Any], *, secret_keys: Sequence[str] = (), stack: str = "test") -> Recording:
    """Runs the project's `__main__.py` with this stack config."""
    values = {
        key if ":" in key else f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }
    return record(
        lambda: runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__"),
        stack=stack,
        config={**PROJECT_CONFIG, **values},
        secret_keys=[f"{PROJECT}:{key}" for key in secret_keys],
    )


def program_error(config: Mapping[str, Any], stack: str = "prod") -> str:
    """Returns the program's error, which shows no key: all keys of tests have `canary` in them."""
    with pytest.raises(pulumi.RunError) as caught:
        record_program(config, stack=stack)
    assert "canary" not in f"{caught.value!r}"
    return str(caught.value)
