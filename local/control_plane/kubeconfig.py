"""Writes kubeconfig files."""

from base64 import b64encode
from pathlib import Path

import yaml

from local.control_plane.certificates import Certificates, Pair

CONTEXT = "openai-compatible-llm-local"


def kubeconfig(certificates: Certificates, identity: Pair, port: int) -> str:
    """Return a kubeconfig that embeds the certificates and the identity's key."""
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": _embedded(certificates.authority),
    }
    user = {
        "client-certificate-data": _embedded(identity.certificate),
        "client-key-data": _embedded(identity.key),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(content, sort_keys=False)


def _embedded(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()
