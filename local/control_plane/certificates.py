"""Issues the certificates with which the API server and its administrator identify themselves."""

import hashlib
import json
import shutil
import ssl
from base64 import b64encode
from pathlib import Path

import trustme

from local.folders import write_private

CONTEXT = "openai-compatible-llm-local"


class Certificates:
    """Names the files in a folder of certificates. Those of the server and the administrator hold their keys too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "authority.pem"
        self.server = folder / "kube-apiserver.pem"
        self.admin = folder / "admin.pem"

    @property
    def fingerprint(self) -> str:
        """Changes whenever the certificates are issued anew."""
        return hashlib.sha256(self.authority.read_bytes()).hexdigest()


def ensure_certificates(folder: Path) -> Certificates:
    """Returns the folder's certificates, which don't expire. Reissues all if one is missing or damaged."""
    certificates = Certificates(folder)
    try:
        context = ssl.create_default_context(cafile=certificates.authority)
        for file in (certificates.server, certificates.admin):
            context.load_cert_chain(file)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        _issue(certificates)
    return certificates


def _issue(certificates: Certificates) -> None:
    """Issues the certificates. The authority's key is not written to disk, so nobody can issue another later."""
    authority = trustme.CA(path_length=0)
    server = authority.issue_cert("localhost", "127.0.0.1", common_name="kube-apiserver")
    # Go refuses a client's certificate without names too, as trustme issues it.
    admin = authority.issue_cert("client", common_name="admin", organization_name="system:masters")
    for file, issued in ((certificates.server, server), (certificates.admin, admin)):
        write_private(file, issued.private_key_and_cert_chain_pem.bytes().decode())
    # The last one: until it is there, all are issued again.
    write_private(certificates.authority, authority.cert_pem.bytes().decode())


def kubeconfig(certificates: Certificates, port: int) -> str:
    """Returns the text of a kubeconfig for the administrator of the API server on this port."""
    authority, admin = (b64encode(file.read_bytes()).decode() for file in (certificates.authority, certificates.admin))
    parts = {
        "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": authority},
        "user": {"client-certificate-data": admin, "client-key-data": admin},
        "context": {"cluster": CONTEXT, "user": CONTEXT},
    }
    lists = {f"{kind}s": [{"name": CONTEXT, kind: part}] for kind, part in parts.items()}
    return json.dumps({"apiVersion": "v1", "kind": "Config", **lists, "current-context": CONTEXT}, indent=2)
