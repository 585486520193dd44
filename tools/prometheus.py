"""Runs a Prometheus on loopback for a moment, which scrapes metrics that are served there."""

import json
import os
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local.waiting import wait_until

OPEN_METRICS = "application/openmetrics-text;charset=utf-8;version=1.0.0"
"""The content type of agentgateway's proxies, for a client that accepts it."""

JOB = "agentgateway"
SCRAPE_INTERVAL = "200ms"
TIMEOUT_SECONDS = 60.0

Labels = Mapping[str, str]


def prometheus_programs() -> dict[str, str | None]:
    """Returns the paths of Prometheus's programs on PATH, by their names."""
    return {name: shutil.which(name) for name in ("prometheus", "promtool")}


@dataclass
class ServedMetrics:
    """The text that the server answers with. Whoever changes it changes the next answer."""

    text: str = ""


@contextmanager
def serve_metrics(text: str = "") -> Iterator[tuple[ServedMetrics, str]]:
    """Serves the text at /metrics of a free port, as a proxy does. Yields it with the server's address."""
    served = ServedMetrics(text)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.text.encode()
            self.send_response(200)
            self.send_header("Content-Type", OPEN_METRICS)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield served, f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path = field(repr=False)

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Returns the labels and value of each series of the expression, at this time in seconds or now.

        Raises:
            ValueError: Prometheus refuses the expression.
        """
        result = self.get("query", query=expression, **({} if at is None else {"time": f"{at:.3f}"}))
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in result["result"]]

    def samples(self, selector: str) -> list[tuple[float, float]]:
        """Returns the times and values of the one series of a selector with a range."""
        (series,) = self.get("query", query=selector)["result"]
        return [(float(time), float(value)) for time, value in series["values"]]

    def wait_for(self, expression: str) -> None:
        """Waits until the expression has a result.

        Raises:
            TimeoutError: It has none for long.
        """
        if not wait_until(lambda: self.query(expression), TIMEOUT_SECONDS):
            raise TimeoutError(f"Prometheus has no result of {expression}\n{self.log.read_text()}")

    def get(self, path: str, **parameters: str) -> Any:
        """Returns the data of an answer of the HTTP API.

        Raises:
            ValueError: Prometheus refuses the request.
        """
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}") as response:  # noqa: S310
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {error.read().decode()}") from error

    def is_ready(self) -> bool:
        """Tells whether it answers queries."""
        if self.process.poll() is not None:
            raise ChildProcessError(f"Prometheus has ended:\n{self.log.read_text()}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready"):  # noqa: S310
                return True
        except OSError:
            return False


@contextmanager
def run_prometheus(folder: Path, target: str, rule_files: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """Runs a Prometheus that scrapes the target five times a second, and keeps everything in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL},
        "rule_files": [os.fspath(each) for each in rule_files],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
    }
    # JSON is YAML.
    (folder / "prometheus.json").write_text(json.dumps(config))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    log = folder / "log"
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.json'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        prometheus = Prometheus(f"http://{address}", process, log)
        try:
            if not wait_until(prometheus.is_ready, TIMEOUT_SECONDS):
                raise TimeoutError(f"Prometheus doesn't get ready:\n{log.read_text()}")
            yield prometheus
        finally:
            process.terminate()
