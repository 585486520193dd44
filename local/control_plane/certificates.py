"""Issues the certificates with which the control plane's programs and clients identify themselves."""

import hashlib
import shutil
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import trustme
from cryptography import x509

VALIDITY = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
SERVICE_IP = IPv4Address("10.0.0.1")
ORGANIZATION = "openai-compatible-llm"


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """Names the files in a folder of certificates."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "kubernetes-ca.crt"

    @property
    def server(self) -> Pair:
        return self._pair("kube-apiserver")

    @property
    def admin(self) -> Pair:
        return self._pair("admin")

    @property
    def controller_manager(self) -> Pair:
        return self._pair("kube-controller-manager")

    @property
    def service_accounts(self) -> Pair:
        """The key that signs service accounts' tokens."""
        return self._pair("service-accounts")

    @property
    def etcd_authority(self) -> Path:
        """Another authority than the API server's, so that its clients can't read etcd."""
        return self.folder / "etcd-ca.crt"

    @property
    def etcd_server(self) -> Pair:
        return self._pair("etcd")

    @property
    def etcd_client(self) -> Pair:
        return self._pair("etcd-client")

    @property
    def fingerprint(self) -> str:
        """Changes whenever the certificates are issued anew."""
        return hashlib.sha256(self.authority.read_bytes()).hexdigest()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return (
            self.server,
            self.admin,
            self.controller_manager,
            self.service_accounts,
            self.etcd_server,
            self.etcd_client,
        )

    def _pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")


def ensure_certificates(folder: Path, now: datetime | None = None) -> Certificates:
    """Return the folder's certificates. Reissue all if one is missing or damaged, or if they expire within 30 days."""
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


def _usable(certificates: Certificates, now: datetime) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for authority in (certificates.authority, certificates.etcd_authority):
            context.load_verify_locations(authority)
        for pair in certificates.pairs:
            context.load_cert_chain(pair.certificate, pair.key)
    except OSError:
        return False
    issued = x509.load_pem_x509_certificate(certificates.server.certificate.read_bytes())
    return issued.not_valid_before_utc <= now < issued.not_valid_after_utc - RENEWED_BEFORE


def _issue_all(certificates: Certificates, now: datetime) -> None:
    """Issue all certificates. The authorities' keys are not written to disk, so nobody can issue another later."""
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
