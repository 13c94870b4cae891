"""Certificates in a stack's folder: created once, private, all from one authority."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stack import certificates
from stack.certificates import Certificates

SERVICES = ("payments", "gateway")


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    found = Certificates(tmp_path / "certificates")
    found.ensure(SERVICES)
    return found


def contents(made: Certificates) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in made.folder.iterdir()}


def signed_by_ca(made: Certificates, service: str) -> bool:
    ca, chain = (
        x509.load_pem_x509_certificate(file.read_bytes()) for file in (made.ca, made.chain(service))
    )
    chain.verify_directly_issued_by(ca)
    return True


def test_one_authority_signs_every_certificate_and_its_key_is_not_kept(made: Certificates):
    assert set(contents(made)) == {
        "ca.crt",
        *(f"{service}.{kind}" for service in SERVICES for kind in ("crt", "key")),
    }
    assert all(signed_by_ca(made, service) for service in SERVICES)


def test_certificates_are_accessible_to_their_owner_only(made: Certificates):
    assert {file.stat().st_mode & 0o777 for file in made.folder.iterdir()} == {0o600}
    assert made.folder.stat().st_mode & 0o777 == 0o700


def test_a_second_start_reuses_the_certificates(made: Certificates):
    before = contents(made)
    made.ensure(SERVICES)
    assert contents(made) == before


@pytest.mark.parametrize("missing", ["ca.crt", "payments.crt", "gateway.key"])
def test_a_missing_file_renews_all_certificates(made: Certificates, missing: str):
    """The authority that signed the others is gone; an interrupted start leaves such a folder."""
    before = contents(made)
    (made.folder / missing).unlink()
    made.ensure(SERVICES)
    assert not set(before.values()) & set(contents(made).values())
    assert all(signed_by_ca(made, service) for service in SERVICES)


def test_a_service_added_later_gets_a_certificate(made: Certificates):
    made.ensure([*SERVICES, "cod"])
    assert all(signed_by_ca(made, service) for service in [*SERVICES, "cod"])


def test_certificates_close_to_expiry_are_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = Certificates(tmp_path / "certificates")
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "VALID", certificates.RENEWED_BEFORE - timedelta(days=1))
        made.ensure(SERVICES)
    before = contents(made)
    made.ensure(SERVICES)
    assert not set(before.values()) & set(contents(made).values())
