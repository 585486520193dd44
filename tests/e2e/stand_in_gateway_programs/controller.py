"""Stands in for agentgateway's controller: programs Gateways, and tells proxies their port and routes as JSON."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.cluster import AGENTGATEWAY_BACKEND, GATEWAY, ROUTE, Cluster

PORT_VARIABLE = "AGW_AGENTGATEWAY_XDS_SERVICE_PORT"
SECONDS_BETWEEN_LOOKS = 0.1

cluster = Cluster(Path(os.environ["KUBECONFIG"]))


def listed(kind: tuple[str, str, str]) -> list[dict[str, Any]]:
    found: Any = cluster.custom.list_cluster_custom_object(*kind)
    return list(found["items"])


def program_gateways() -> None:
    """Writes what `make up` waits for."""
    for gateway in listed(GATEWAY):
        metadata = gateway["metadata"]
        if gateway["spec"]["gatewayClassName"] != os.environ["AGW_AGENTGATEWAY_CLASS_NAME"]:
            continue
        condition = {
            "type": "Programmed",
            "status": "True",
            "reason": "Programmed",
            "message": "",
            "observedGeneration": metadata["generation"],
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        patch = {"status": {"conditions": [condition]}}
        cluster.custom.patch_namespaced_custom_object_status(
            *GATEWAY[:2], metadata["namespace"], GATEWAY[2], metadata["name"], patch
        )


def configuration(namespace: str, name: str) -> dict[str, Any]:
    (gateway,) = (each for each in listed(GATEWAY) if key(each) == (namespace, name))
    backends = {key(each): each["spec"]["ai"]["provider"] for each in listed(AGENTGATEWAY_BACKEND)}
    routes = []
    for route in listed(ROUTE):
        if any(key({"metadata": parent}) == (namespace, name) for parent in route["spec"]["parentRefs"]):
            rule = route["spec"]["rules"][0]
            (reference,) = rule["backendRefs"]
            routes.append((rule["matches"][0]["path"]["value"], backends[key({"metadata": reference})]))
    return {"port": gateway["spec"]["listeners"][0]["port"], "routes": routes}


def key(manifest: dict[str, Any]) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


class Exchange(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        _, namespace, name = self.path.split("/")
        body = json.dumps(configuration(namespace, name)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ[PORT_VARIABLE])), Exchange)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        program_gateways()
        time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    main()
