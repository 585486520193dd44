from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from local.control_plane.certificates import Certificates, Pair, ensure_certificates

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return ensure_certificates(tmp_path / "certificates", NOW)


def load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_private_keys_are_readable_by_the_owner_alone(certificates: Certificates) -> None:
    keys = list(certificates.folder.glob("*.key"))
    assert len(keys) == 6
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert certificates.folder.stat().st_mode & 0o777 == 0o700


def test_no_authority_can_sign_again(certificates: Certificates) -> None:
    assert not [key for key in certificates.folder.glob("*.key") if "ca" in key.stem.split("-")]


def test_they_are_made_once(certificates: Certificates) -> None:
    fingerprint = certificates.fingerprint
    later = ensure_certificates(certificates.folder, NOW + timedelta(days=300))
    assert later.fingerprint == fingerprint


@pytest.mark.parametrize("days", [-1, 336, 1000])
def test_they_are_made_anew_when_not_valid_or_soon_not_any_more(certificates: Certificates, days: int) -> None:
    fingerprint, now = certificates.fingerprint, NOW + timedelta(days=days)
    later = ensure_certificates(certificates.folder, now)
    assert later.fingerprint != fingerprint
    for pair in later.pairs:
        assert load(pair.certificate).not_valid_after_utc == now + timedelta(days=365)


def test_half_a_making_is_no_making(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    (tmp_path / "certificates.new").mkdir()
    (tmp_path / "certificates.new" / "admin.key").touch()
    folder.mkdir()
    (folder / "kubernetes-ca.crt").write_text("-----BEGIN")
    assert ensure_certificates(folder, NOW).admin.key.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["certificates"]


def test_the_api_server_is_known_by_its_loopback_and_service_names(certificates: Certificates) -> None:
    names = load(certificates.server.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = names.get_values_for_type(x509.IPAddress)
    assert addresses == [IPv4Address("127.0.0.1"), IPv4Address("10.0.0.1")]
    assert {"localhost", "kubernetes.default.svc"} <= set(names.get_values_for_type(x509.DNSName))


@pytest.mark.parametrize(
    ("pair", "group", "name"),
    [
        ("admin", ["system:masters"], "admin"),
        ("controller_manager", ["openai-compatible-llm"], "system:kube-controller-manager"),
    ],
)
def test_clients_have_the_names_that_rbac_knows(
    certificates: Certificates, pair: str, group: list[str], name: str
) -> None:
    identity: Pair = getattr(certificates, pair)
    subject = load(identity.certificate).subject
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == group
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [name]


def test_etcd_trusts_an_authority_of_its_own(certificates: Certificates) -> None:
    etcd, kubernetes = load(certificates.etcd_authority), load(certificates.authority)
    for pair in (certificates.etcd_server, certificates.etcd_client):
        load(pair.certificate).verify_directly_issued_by(etcd)
    for pair in (certificates.server, certificates.admin, certificates.controller_manager):
        load(pair.certificate).verify_directly_issued_by(kubernetes)
        with pytest.raises(ValueError, match="issuer"):
            load(pair.certificate).verify_directly_issued_by(etcd)


@pytest.mark.parametrize("name", ["admin.crt", "admin.key", "etcd-ca.crt", "kubernetes-ca.crt", "service-accounts.key"])
def test_they_are_made_anew_when_one_is_damaged(certificates: Certificates, name: str) -> None:
    before = certificates.fingerprint
    (certificates.folder / name).write_text("damaged")
    assert ensure_certificates(certificates.folder).fingerprint != before
