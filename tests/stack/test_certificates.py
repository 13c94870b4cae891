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


def test_each_has_a_certificate_of_the_same_authority_whose_key_is_gone(made: Certificates):
    assert set(contents(made)) == {
        "ca.crt",
        *(f"{service}.{kind}" for service in SERVICES for kind in ("crt", "key")),
    }
    assert all(signed_by_ca(made, service) for service in SERVICES)


def test_only_the_owner_reads_them(made: Certificates):
    assert {file.stat().st_mode & 0o777 for file in made.folder.iterdir()} == {0o600}
    assert made.folder.stat().st_mode & 0o777 == 0o700


def test_a_second_start_takes_those_of_the_first(made: Certificates):
    before = contents(made)
    made.ensure(SERVICES)
    assert contents(made) == before


@pytest.mark.parametrize("missing", ["ca.crt", "payments.crt", "gateway.key"])
def test_one_that_is_missing_makes_all_anew(made: Certificates, missing: str):
    """The authority that signed the others is gone; an interrupted start leaves such a folder."""
    before = contents(made)
    (made.folder / missing).unlink()
    made.ensure(SERVICES)
    assert not set(before.values()) & set(contents(made).values())
    assert all(signed_by_ca(made, service) for service in SERVICES)


def test_a_service_that_came_later_gets_one(made: Certificates):
    made.ensure([*SERVICES, "cod"])
    assert all(signed_by_ca(made, service) for service in [*SERVICES, "cod"])


def test_those_that_end_soon_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = Certificates(tmp_path / "certificates")
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "VALID", certificates.RENEWED_BEFORE - timedelta(days=1))
        made.ensure(SERVICES)
    before = contents(made)
    made.ensure(SERVICES)
    assert not set(before.values()) & set(contents(made).values())
