"""The provider as objects of a cluster: a pod, a Service, its certificate, and the authority that signed it."""

import time
from pathlib import Path
from typing import Any

import kubernetes
import trustme

from tests.support.cluster import Cluster

NAME = "provider"
PORT = 8443
AUTHORITY = "provider-ca"
IMAGE = "python:3.13-alpine"
TIMEOUT_SECONDS = 180


def host(namespace: str) -> str:
    return f"{NAME}.{namespace}.svc.cluster.local"


def create(cluster: Cluster, namespace: str, key: str) -> None:
    """Creates the provider, and waits until its pod is ready."""
    objects = {"apiVersion": "v1", "kind": "List", "items": _manifests(namespace, key)}
    kubernetes.utils.create_from_dict(cluster.core.api_client, objects, namespace=namespace)
    _wait_until_ready(cluster.core, namespace)


def _manifests(namespace: str, key: str) -> list[dict[str, Any]]:
    authority = trustme.CA()
    certificate = authority.issue_cert(host(namespace))
    pem = {
        "tls.crt": "".join(each.bytes().decode() for each in certificate.cert_chain_pems),
        "tls.key": certificate.private_key_pem.bytes().decode(),
    }
    program = Path(__file__).with_name("provider.py").read_text()
    return [
        _manifest("ConfigMap", AUTHORITY, data={"ca.crt": authority.cert_pem.bytes().decode()}),
        _manifest("ConfigMap", NAME, data={"provider.py": program}),
        _manifest("Secret", NAME, type="kubernetes.io/tls", stringData=pem),
        _manifest("Service", NAME, spec={"selector": {"app": NAME}, "ports": [{"port": PORT}]}),
        _manifest("Pod", NAME, spec=_pod(key)),
    ]


def _manifest(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": {"app": NAME}}, **fields}


def _pod(key: str) -> dict[str, Any]:
    variables = {"PORT": str(PORT), "CERTIFICATE": "/certificate", "KEY": key}
    container = {
        "name": NAME,
        "image": IMAGE,
        "command": ["python", "/program/provider.py"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "program", "mountPath": "/program"},
            {"name": "certificate", "mountPath": "/certificate"},
        ],
    }
    volumes = [
        {"name": "program", "configMap": {"name": NAME}},
        {"name": "certificate", "secret": {"secretName": NAME}},
    ]
    return {"containers": [container], "volumes": volumes}


def _wait_until_ready(core: kubernetes.client.CoreV1Api, namespace: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = core.read_namespaced_pod(NAME, namespace).status
        if status and any((each.type, each.status) == ("Ready", "True") for each in status.conditions or ()):
            return
        time.sleep(1)
    raise AssertionError(f"The provider's pod is not ready after {TIMEOUT_SECONDS} s: {status}")
