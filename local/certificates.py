"""The keys by which the parts of a control plane know each other. The authorities' own keys are never written down."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
SERVICE_IP = IPv4Address("10.0.0.1")


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
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
    def service_accounts(self) -> Path:
        """The key that signs their tokens."""
        return self.folder / "service-accounts.key"

    @property
    def etcd_authority(self) -> Path:
        """Its own, so that nobody known to the API server alone reads etcd."""
        return self.folder / "etcd-ca.crt"

    @property
    def etcd_server(self) -> Pair:
        return self._pair("etcd")

    @property
    def etcd_client(self) -> Pair:
        return self._pair("etcd-client")

    @property
    def fingerprint(self) -> str:
        """Differs between one making and the next."""
        return hashlib.sha256(self.authority.read_bytes()).hexdigest()

    def _pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")


def have_certificates(folder: Path, now: datetime | None = None) -> Certificates:
    """Those in the folder, all made anew together when one is missing or damaged, or has less than 30 days left."""
    now = now or datetime.now(UTC)
    certificates = Certificates(folder)
    if not _usable(certificates, now):
        # Made beside the folder and then put in its place: there are all of them or none.
        being_made = folder.with_name(f"{folder.name}.new")
        for stale in (being_made, folder):
            shutil.rmtree(stale, ignore_errors=True)
        being_made.mkdir(mode=0o700, parents=True)
        _make(Certificates(being_made), now)
        being_made.rename(folder)
    return certificates


def _usable(certificates: Certificates, now: datetime) -> bool:
    pairs = (
        certificates.server,
        certificates.admin,
        certificates.controller_manager,
        certificates.etcd_server,
        certificates.etcd_client,
    )
    try:
        for file in (certificates.etcd_authority, *(pair.certificate for pair in pairs)):
            x509.load_pem_x509_certificate(file.read_bytes())
        for file in (certificates.service_accounts, *(pair.key for pair in pairs)):
            serialization.load_pem_private_key(file.read_bytes(), password=None)
        authority = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    except (OSError, ValueError):
        return False
    return authority.not_valid_before_utc <= now < authority.not_valid_after_utc - RENEWED_BEFORE


def _make(certificates: Certificates, now: datetime) -> None:
    kubernetes = _Authority("kubernetes", now)
    kubernetes.write(certificates.authority)
    service_names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    kubernetes.issue(certificates.server, "kube-apiserver", names=service_names, addresses=(SERVICE_IP,))
    kubernetes.issue(certificates.admin, "admin", group="system:masters")
    kubernetes.issue(certificates.controller_manager, "system:kube-controller-manager")
    _write_key(certificates.service_accounts, ec.generate_private_key(ec.SECP256R1()))

    etcd = _Authority("etcd", now)
    etcd.write(certificates.etcd_authority)
    etcd.issue(certificates.etcd_server, "etcd", names=("localhost",))
    etcd.issue(certificates.etcd_client, "kube-apiserver")


class _Authority:
    def __init__(self, name: str, now: datetime) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"{name} of openai-compatible-llm on this machine")
        self._now = now
        usage = partial(x509.KeyUsage, content_commitment=False, key_encipherment=False, data_encipherment=False)
        usage = partial(usage, key_agreement=False, encipher_only=False, decipher_only=False)
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(digital_signature=True, key_cert_sign=True, crl_sign=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def write(self, file: Path) -> None:
        file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        pair: Pair,
        name: str,
        *,
        group: str | None = None,
        names: tuple[str, ...] = (),
        addresses: tuple[IPv4Address, ...] = (),
    ) -> None:
        """For a client or, where it has names, for a server on loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = self._builder(_name(name, group), key)
        if names:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            hosts: list[x509.GeneralName] = [x509.DNSName(host) for host in names]
            hosts += [x509.IPAddress(address) for address in (IPv4Address("127.0.0.1"), *addresses)]
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        certificate = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False).sign(
            self._key, hashes.SHA256()
        )
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(pair.key, key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(hours=1))
            .not_valid_after(self._now + VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def _name(common_name: str, group: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(pem)
