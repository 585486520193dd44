"""Issues the certificates with which the control plane's programs and clients identify themselves."""

import hashlib
import shutil
import ssl
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

import trustme
import yaml
from cryptography import x509

VALIDITY = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
SERVICE_IP = IPv4Address("10.0.0.1")
ORGANIZATION = "openai-compatible-llm"
CONTEXT = "openai-compatible-llm-local"


class Pair(NamedTuple):
    """A certificate and its private key."""

    certificate: Path
    key: Path


class Certificates:
    """Names the files in a folder of certificates."""

    def __init__(self, folder: Path) -> None:
        def pair(name: str) -> Pair:
            return Pair(folder / f"{name}.crt", folder / f"{name}.key")

        self.folder = folder
        self.authority = folder / "kubernetes-ca.crt"
        self.server = pair("kube-apiserver")
        self.admin = pair("admin")
        self.controller_manager = pair("kube-controller-manager")
        # Its key signs service accounts' tokens.
        self.service_accounts = pair("service-accounts")
        # Another authority than the API server's, so that its clients can't read etcd.
        self.etcd_authority = folder / "etcd-ca.crt"
        self.etcd_server = pair("etcd")
        self.etcd_client = pair("etcd-client")
        self.pairs = tuple(each for each in vars(self).values() if isinstance(each, Pair))

    @property
    def fingerprint(self) -> str:
        """Changes whenever the certificates are issued anew."""
        return hashlib.sha256(self.authority.read_bytes()).hexdigest()


def ensure_certificates(folder: Path, now: datetime | None = None) -> Certificates:
    """Returns the folder's certificates. Reissues all if one is missing or damaged, or if they expire in 30 days."""
    now = now or datetime.now(UTC)
    certificates = Certificates(folder)
    if not _usable(certificates, now):
        # Written beside the folder and then renamed, so that the folder never holds only some of them.
        partial = folder.with_name(f"{folder.name}.new")
        for stale in (partial, folder):
            shutil.rmtree(stale, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        _issue_all(Certificates(partial), now)
        partial.rename(folder)
    return certificates


def kubeconfig(certificates: Certificates, identity: Pair, port: int) -> str:
    """Returns a kubeconfig that embeds the certificates and the identity's key."""

    def embedded(file: Path) -> str:
        return b64encode(file.read_bytes()).decode()

    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": embedded(certificates.authority)}
    user = {"client-certificate-data": embedded(identity.certificate), "client-key-data": embedded(identity.key)}
    parts = {"cluster": server, "user": user, "context": {"cluster": CONTEXT, "user": CONTEXT}}
    lists = {f"{kind}s": [{"name": CONTEXT, kind: part}] for kind, part in parts.items()}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **lists, "current-context": CONTEXT}, sort_keys=False)


def _usable(certificates: Certificates, now: datetime) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for authority in (certificates.authority, certificates.etcd_authority):
            context.load_verify_locations(authority)
        for pair in certificates.pairs:
            context.load_cert_chain(*pair)
    except OSError:
        return False
    issued = x509.load_pem_x509_certificate(certificates.server.certificate.read_bytes())
    return issued.not_valid_before_utc <= now < issued.not_valid_after_utc - RENEWED_BEFORE


def _issue_all(certificates: Certificates, now: datetime) -> None:
    """Issues all certificates. The authorities' keys are not written to disk, so nobody can issue another later."""
    kubernetes, etcd = (
        trustme.CA(path_length=0, organization_name=ORGANIZATION, organization_unit_name=name)
        for name in ("Kubernetes CA", "etcd CA")
    )
    kubernetes.cert_pem.write_to_path(certificates.authority)
    etcd.cert_pem.write_to_path(certificates.etcd_authority)

    def issue(pair: Pair, authority: trustme.CA, user: str, *hosts: str, group: str = ORGANIZATION) -> None:
        # trustme marks the host names as critical, and Go refuses a critical extension that is empty.
        issued = authority.issue_cert(
            *(hosts or ("client",)),
            common_name=user,
            organization_name=group,
            not_before=now - timedelta(hours=1),
            not_after=now + VALIDITY,
        )
        issued.cert_chain_pems[0].write_to_path(pair.certificate)
        pair.key.touch(mode=0o600, exist_ok=False)
        issued.private_key_pem.write_to_path(pair.key)

    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", str(SERVICE_IP))
    issue(certificates.server, kubernetes, "kube-apiserver", "localhost", "127.0.0.1", *service_names)
    issue(certificates.admin, kubernetes, "admin", group="system:masters")
    issue(certificates.controller_manager, kubernetes, "system:kube-controller-manager")
    issue(certificates.service_accounts, kubernetes, "service-accounts")
    issue(certificates.etcd_server, etcd, "etcd", "localhost", "127.0.0.1")
    issue(certificates.etcd_client, etcd, "kube-apiserver")
