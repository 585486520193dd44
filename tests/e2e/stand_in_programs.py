"""Programs that stand for a gateway's controller and proxy, as an image has them, in a registry on loopback."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import urllib3

from local.control_plane.custom_resource_definitions import OWN_FOLDER
from local.folders import cache_folder
from tests.support.cluster import AGENTGATEWAY_BACKEND, GATEWAY, ROUTE, Cluster
from tests.support.http_server import Handler, Request
from tests.support.registry import Registry
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import stand_in_gateway

SECONDS_BETWEEN_LOOKS = 0.1
LONG_AGO = "2026-01-01T00:00:00Z"


def publish_gateway(upstream: Registry, api: str, proxy: Callable[[], None]) -> None:
    """Publishes the controller, this proxy and our own definitions as what a gateway's project publishes."""
    definitions = {file.name: file.read_text() for file in OWN_FOLDER.glob("*.yaml")}
    upstream.publish_gateway(api, _program(controller), _program(proxy), definitions)


def cache_without_gateways(folder: Path) -> Path:
    """Makes a cache that has the control plane's programs, and no gateway."""
    cache = folder / cache_folder().name
    cache.mkdir()
    for entry in cache_folder().iterdir():
        if "gateway" not in entry.name:
            (cache / entry.name).symlink_to(entry)
    return cache


def controller() -> None:
    """Programs the Gateways of its class, and tells proxies their port and routes where real ones have xDS."""
    cluster = Cluster(Path(os.environ["KUBECONFIG"]))
    port = int(os.environ.get("KGW_AGENTGATEWAY_XDS_SERVICE_PORT") or os.environ["AGW_AGENTGATEWAY_XDS_SERVICE_PORT"])
    gateway_class = os.environ.get("AGW_AGENTGATEWAY_CLASS_NAME", "agentgateway")

    class Exchange(Handler):
        def respond(self, request: Request) -> None:
            _, namespace, name = request.path.split("/")
            gateways = [each for each in _listed(cluster, GATEWAY) if _key(each) == (namespace, name)]
            self.answer_json(HTTPStatus.OK, [_configuration(cluster, each) for each in gateways])

    Thread(target=ThreadingHTTPServer(("127.0.0.1", port), Exchange).serve_forever, daemon=True).start()
    while True:
        for each in _listed(cluster, GATEWAY):
            if each["spec"]["gatewayClassName"] == gateway_class:
                _set_programmed(cluster, each["metadata"])
        time.sleep(SECONDS_BETWEEN_LOOKS)


def answering_proxy() -> None:
    """Answers as a gateway with a provider behind it."""
    with stand_in_gateway(_told()["port"]):
        signal.pause()


def forwarding_proxy() -> None:
    """Sends requests to the providers of agentgateway's routes, and passes their answers on piece by piece."""
    pool = urllib3.PoolManager(retries=False, timeout=20)

    class Exchange(Handler):
        def respond(self, request: Request) -> None:
            found = [each for each in _told()["routes"] if request.path.startswith(f"{each[0]}/v1/")]
            if not found:
                self.answer(HTTPStatus.NOT_FOUND, b"route not found", "text/plain")
                return
            ((prefix, provider),) = found
            url = f"http://{provider['host']}:{provider['port']}{request.path.removeprefix(prefix)}"
            body = json.dumps({**request.json, **provider["openai"]}) if request.body else None
            try:
                answer = pool.request(request.method, url, body=body, preload_content=False)
            except urllib3.exceptions.HTTPError:
                self.answer(HTTPStatus.SERVICE_UNAVAILABLE, b"upstream call failed", "text/plain")
                return
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for chunk in answer.stream():
                self.chunk(chunk)
            self.end_stream()

    # Like the real one, it listens on all addresses.
    ThreadingHTTPServer(("0.0.0.0", _told()["port"]), Exchange).serve_forever()  # noqa: S104


def _program(function: Callable[[], None]) -> bytes:
    """Returns a program that runs the function of this module."""
    name = function.__name__
    lines = ("import sys", f"sys.path.insert(0, {str(REPOSITORY)!r})", f"from {__name__} import {name}", f"{name}()")
    return "\n".join([f"#!{sys.executable}", *lines, ""]).encode()


def _told() -> dict[str, Any]:
    """Asks the controller until it answers and knows the Gateway."""
    url = f"{os.environ['XDS_ADDRESS']}/{os.environ['NAMESPACE']}/{os.environ['GATEWAY']}"
    while True:
        try:
            for told in urllib3.request("GET", url, retries=False).json():
                return dict(told)
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _configuration(cluster: Cluster, gateway: dict[str, Any]) -> dict[str, Any]:
    """The port, and the path prefix and provider of each route whose backend is agentgateway's."""
    providers = {_key(each): each["spec"]["ai"]["provider"] for each in _listed(cluster, AGENTGATEWAY_BACKEND)}
    routes = []
    for route in _listed(cluster, ROUTE):
        rule = route["spec"]["rules"][0]
        (backend,) = (_key({"metadata": reference}) for reference in rule["backendRefs"])
        parents = [_key({"metadata": parent}) for parent in route["spec"]["parentRefs"]]
        if _key(gateway) in parents and backend in providers:
            routes.append((rule["matches"][0]["path"]["value"], providers[backend]))
    return {"port": gateway["spec"]["listeners"][0]["port"], "routes": routes}


def _set_programmed(cluster: Cluster, metadata: dict[str, Any]) -> None:
    """Writes what `make up` waits for."""
    reason = {"reason": "Programmed", "message": "", "lastTransitionTime": LONG_AGO}
    condition = {"type": "Programmed", "status": "True", "observedGeneration": metadata["generation"], **reason}
    group, version, plural = GATEWAY
    cluster.custom.patch_namespaced_custom_object_status(
        group, version, metadata["namespace"], plural, metadata["name"], {"status": {"conditions": [condition]}}
    )


def _listed(cluster: Cluster, kind: tuple[str, str, str]) -> list[dict[str, Any]]:
    found: Any = cluster.custom.list_cluster_custom_object(*kind)
    return list(found["items"])


def _key(manifest: dict[str, Any]) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]
