"""Programs that stand for a gateway's controller and proxy, as an image has them."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import stand_in_gateway

SECONDS_BETWEEN_LOOKS = 0.1
GATEWAYS = ("gateway.networking.k8s.io", "v1")


def program(name: str) -> bytes:
    """Returns a program that runs the function of this name."""
    lines = ("import sys", f"sys.path.insert(0, {str(REPOSITORY)!r})", f"from {__name__} import {name}", f"{name}()")
    return "\n".join([f"#!{sys.executable}", *lines, ""]).encode()


def controller() -> None:
    """Programs the Gateways of its class, and tells proxies their port at the port that real ones have for xDS."""
    from kubernetes import client, config

    config.load_kube_config(os.environ["KUBECONFIG"])
    objects = client.CustomObjectsApi()
    ports: dict[str, int] = {}
    port = int(os.environ.get("KGW_AGENTGATEWAY_XDS_SERVICE_PORT") or os.environ["AGW_AGENTGATEWAY_XDS_SERVICE_PORT"])
    gateway_class = os.environ.get("AGW_AGENTGATEWAY_CLASS_NAME", "agentgateway")

    class Ports(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(ports.get(self.path, 0)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    Thread(target=ThreadingHTTPServer(("127.0.0.1", port), Ports).serve_forever, daemon=True).start()
    while True:
        listed: Any = objects.list_cluster_custom_object(*GATEWAYS, "gateways")
        for each in listed["items"]:
            if each["spec"]["gatewayClassName"] == gateway_class:
                meta = each["metadata"]
                ports[f"/{meta['namespace']}/{meta['name']}"] = each["spec"]["listeners"][0]["port"]
                status = {"status": {"conditions": [_programmed(meta["generation"])]}}
                objects.patch_namespaced_custom_object_status(
                    *GATEWAYS, meta["namespace"], "gateways", meta["name"], status
                )
        time.sleep(SECONDS_BETWEEN_LOOKS)


def proxy() -> None:
    """Answers as a gateway with a provider behind it, at the port that the controller tells."""
    address = f"{os.environ['XDS_ADDRESS']}/{os.environ['NAMESPACE']}/{os.environ['GATEWAY']}"
    port = 0
    while not port:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        try:
            with urllib.request.urlopen(address) as answer:  # noqa: S310
                port = json.load(answer)
        except urllib.error.URLError:
            continue
    with stand_in_gateway(port):
        signal.pause()


def _programmed(generation: int) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    reason = {"reason": "Programmed", "message": "", "lastTransitionTime": now}
    return {"type": "Programmed", "status": "True", "observedGeneration": generation, **reason}
