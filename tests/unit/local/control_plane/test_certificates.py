from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from local.control_plane.certificates import Certificates, ensure_certificates

FILES = {"authority.pem", "kube-apiserver.pem", "admin.pem"}


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return ensure_certificates(tmp_path / "certificates")


def load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_private_keys_are_readable_by_the_owner_alone(certificates: Certificates) -> None:
    assert {file.name for file in certificates.folder.iterdir()} == FILES
    assert {file.stat().st_mode & 0o777 for file in certificates.folder.iterdir()} == {0o600}
    assert certificates.folder.stat().st_mode & 0o777 == 0o700


def test_no_authority_can_sign_again(certificates: Certificates) -> None:
    assert "PRIVATE KEY" not in certificates.authority.read_text()


def test_they_are_made_once(certificates: Certificates) -> None:
    before = certificates.fingerprint
    assert ensure_certificates(certificates.folder).fingerprint == before


def test_they_do_not_expire(certificates: Certificates) -> None:
    for file in certificates.folder.iterdir():
        assert load(file).not_valid_before_utc.year < 2026
        assert load(file).not_valid_after_utc.year > 2100


def test_half_a_making_is_no_making(certificates: Certificates) -> None:
    before = certificates.admin.read_text()
    certificates.authority.unlink()
    assert ensure_certificates(certificates.folder).admin.read_text() != before
    assert {file.name for file in certificates.folder.iterdir()} == FILES


def test_the_api_server_is_known_by_its_loopback_names(certificates: Certificates) -> None:
    names = load(certificates.server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_the_administrator_has_the_name_that_rbac_knows(certificates: Certificates) -> None:
    subject = load(certificates.admin).subject
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == [
        "system:masters"
    ]
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["admin"]


def test_both_are_issued_by_the_authority(certificates: Certificates) -> None:
    for file in (certificates.server, certificates.admin):
        load(file).verify_directly_issued_by(load(certificates.authority))


@pytest.mark.parametrize("name", sorted(FILES))
def test_they_are_made_anew_when_one_is_damaged(certificates: Certificates, name: str) -> None:
    before = certificates.fingerprint
    (certificates.folder / name).write_text("damaged")
    assert ensure_certificates(certificates.folder).fingerprint != before
