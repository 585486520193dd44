"""Runs Envoy's rate limit service and Redis on loopback, otherwise as the Deployments of examples/rate-limits say.

The service is built from its Go module. Redis is the one on PATH.
"""

import json
import os
import runpy
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar

import grpc  # type: ignore[import-untyped]
import pytest
import urllib3
import yaml

from local.folders import cache_folder
from local.lock import exclusive
from local.ports import LOOPBACK, Ports
from local.processes import last_lines
from local.toolchain.build import build
from local.toolchain.tools import Tool
from local.waiting import wait_until
from tests.support.rate_limit_protocol import Descriptor, over_limit
from tests.support.recording import PROJECT, record
from tests.support.repository import REPOSITORY

EXAMPLE = REPOSITORY / "examples/rate-limits/service"
DOMAIN = "llm"
SECONDS_TO_START = 20.0
TRIES = 10

ConfigMaps = Mapping[str, Mapping[str, str]]
"""Their data, by their names."""

Result = TypeVar("Result")


class _Service(Tool):
    """Is built from a Go module beside this file, because only tests need it."""

    @property
    def module_folder(self) -> Path:
        return Path(__file__).parent / self.toolchain


SERVICE = _Service(
    "service_cmd", "ratelimit", "github.com/envoyproxy/ratelimit/src/service_cmd", "github.com/envoyproxy/ratelimit"
)


class Program:
    """A program that runs until its context ends.

    Attributes:
        command: Its command line.
        environment: Its variables.
        log: File with what it prints.
        is_ready: Tells whether it works.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, is_ready: Callable[[], bool]
    ) -> None:
        self.command = command
        self.environment = {"PATH": os.environ["PATH"], **environment}
        self.log = log
        self.is_ready = is_ready
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert wait_until(self.is_ready, SECONDS_TO_START), last_lines(self.log)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Redis(Program):
    def __init__(self, pod: Any, folder: Path, port: int) -> None:
        (container,) = pod["containers"]
        command = [*container["command"], "--bind", LOOPBACK, "--port", str(port), "--dir", str(folder)]
        super().__init__(command, {}, folder / "redis.log", lambda: self("PING") == "PONG")
        self.address = f"{LOOPBACK}:{port}"
        self._client = ["redis-cli", "-h", LOOPBACK, "-p", str(port)]

    def __call__(self, *command: str) -> str:
        """Runs a command of Redis, and returns the answer; an empty one if it doesn't run."""
        return subprocess.run([*self._client, *command], capture_output=True, text=True, check=False).stdout.rstrip()


class Volume:
    """The folder in which a Pod sees ConfigMaps.

    As the kubelet's, it has a link for each file, and all files change at once when the link `..data` does.
    """

    def __init__(self, folder: Path, sources: Sequence[Any]) -> None:
        self._folder = folder
        self._sources = sources
        self._version = 0

    def write(self, config_maps: ConfigMaps) -> None:
        """Replaces the content of all files."""
        old, self._version = self._version, self._version + 1
        new = self._folder / f"..version-{self._version}"
        new.mkdir(parents=True)
        for source in (each["configMap"] for each in self._sources):
            for item in source["items"]:
                (new / item["path"]).write_text(config_maps[source["name"]][item["key"]])
        temporary = self._folder / "..data_tmp"
        temporary.symlink_to(new.name)
        temporary.rename(self._folder / "..data")
        for file in new.iterdir():
            link = self._folder / file.name
            if not link.is_symlink():
                link.symlink_to(f"..data/{file.name}")
        shutil.rmtree(self._folder / f"..version-{old}", ignore_errors=True)


@dataclass
class RateLimitService:
    """The running service.

    Attributes:
        port: Where it listens for gRPC, on loopback.
        volume: Its limits.
        redis: What it counts with.
    """

    program: Program
    port: int
    channel: grpc.Channel
    volume: Volume
    redis: Redis

    def over_limit(
        self, descriptors: Sequence[Descriptor], hits: int | None = None, domain: str = DOMAIN
    ) -> list[Descriptor]:
        """Counts hits for each descriptor, one unless others are given, and returns those whose limit is exceeded."""
        return over_limit(self.channel, domain, descriptors, hits)

    def in_one_window(self, seconds: int, scenario: Callable[[], Result]) -> Result:
        """Runs a scenario from zero, and once more if a new second, minute, hour or day began meanwhile."""
        for _ in range(TRIES):
            self.redis("FLUSHALL")
            begun = int(time.time()) // seconds
            result = scenario()
            if int(time.time()) // seconds == begun:
                return result
        raise AssertionError(f"{TRIES} times, it didn't end within the {seconds} seconds in which it began")


@contextmanager
def rate_limit_service(folder: Path, config_maps: ConfigMaps) -> Iterator[RateLimitService]:
    """Starts the service with these limits, and Redis. Skips the test where there is no Redis."""
    if not shutil.which("redis-server"):
        pytest.skip("there is no redis-server on PATH; install it, for example with `apt-get install redis-server`")
    with exclusive(cache_folder() / "build.lock"):
        if not SERVICE.built.exists():
            build([SERVICE])
    pods = _example_pods(list(config_maps))
    pod = pods["rate-limits"]
    (container,), (mount,), (volume,) = pod["containers"], pod["containers"][0]["volumeMounts"], pod["volumes"]
    limits = Volume(Path(f"{folder}{mount['mountPath']}"), volume["projected"]["sources"])
    limits.write(config_maps)

    ports = Ports(folder / "ports.json")
    http, of_service, debug, of_redis = (
        ports.choose(each, is_running=False) for each in ("http", "grpc", "debug", "redis")
    )
    redis = Redis(pods["rate-limits-redis"], folder, of_redis)
    environment = {each["name"]: each["value"] for each in container["env"]}
    environment |= {
        "RUNTIME_ROOT": f"{folder}{environment['RUNTIME_ROOT']}",
        "REDIS_URL": redis.address,
        **dict.fromkeys(("HOST", "GRPC_HOST", "DEBUG_HOST"), LOOPBACK),
        "PORT": str(http),
        "GRPC_PORT": str(of_service),
        "DEBUG_PORT": str(debug),
    }
    probe = f"http://{LOOPBACK}:{http}{container['readinessProbe']['httpGet']['path']}"
    program = Program([str(SERVICE.built)], environment, folder / "service.log", lambda: _answers(probe))
    with redis, program, grpc.insecure_channel(f"{LOOPBACK}:{of_service}") as channel:
        yield RateLimitService(program, of_service, channel, limits, redis)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=1).status == HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False


def _example_pods(config_maps: Sequence[str]) -> dict[str, Any]:
    """Returns the specs of the Pods that the example makes for these ConfigMaps, by the names of its Deployments."""
    settings = yaml.safe_load((EXAMPLE / "Pulumi.dev.yaml").read_text())["config"]
    settings["rate-limits:configMaps"] = json.dumps(config_maps)
    config = {key.replace("rate-limits", PROJECT): value for key, value in settings.items()}
    recording = record(lambda: runpy.run_path(str(EXAMPLE / "__main__.py"), run_name="__main__"), config=config)
    return {each.name: each.inputs["spec"]["template"]["spec"] for each in recording.all(":Deployment")}
