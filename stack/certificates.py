"""Certificates of the stack's processes: mutual TLS on every call between services.

An authority signs one for each and is discarded: its key is never written. In other installations they
are mounted secrets, issued there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from libs.tls import Tls
from stack.private import private_folder, write_private

VALID: Final = timedelta(days=365)
RENEWED_BEFORE: Final = timedelta(days=60)
_SKEW: Final = timedelta(hours=1)


class Authority:
    """Signs certificates for 127.0.0.1, where every process of a stack listens, or for names."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Incasso embedded stack")
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = self._sign(self._name, self._key.public_key(), basic)

    def issue(self, name: str, hosts: Sequence[str] = ()) -> tuple[x509.Certificate, str]:
        """A certificate, and its private key (PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        local = [x509.IPAddress(ip_address("127.0.0.1"))]
        subjects = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts] or local)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._sign(_named(name), key.public_key(), subjects), pem.decode()

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + VALID)
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@dataclass(frozen=True)
class Certificates:
    """`folder` contains ca.crt, and a <service>.crt and <service>.key for each service."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def chain(self, service: str) -> Path:
        return self.folder / f"{service}.crt"

    def key(self, service: str) -> Path:
        return self.folder / f"{service}.key"

    def tls(self, service: str) -> Tls:
        return Tls(self.chain(service), self.key(service), self.ca)

    def ensure(self, services: Iterable[str]) -> None:
        """Recreates all of them if one is missing or expires soon."""
        names = list(services)
        if not self._last(names):
            self._make(names)

    def _last(self, services: Sequence[str]) -> bool:
        files = [self.ca, *map(self.chain, services), *map(self.key, services)]
        until = datetime.now(UTC) + RENEWED_BEFORE
        return all(file.exists() for file in files) and all(
            x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc > until
            for file in (self.ca, *map(self.chain, services))
        )

    def _make(self, services: Sequence[str]) -> None:
        private_folder(self.folder)
        self.ca.unlink(missing_ok=True)  # written last: until then the set is incomplete
        authority = Authority()
        for service in services:
            chain, key = authority.issue(service)
            write_private(self.chain(service), pem_of(chain))
            write_private(self.key(service), key)
        write_private(self.ca, pem_of(authority.certificate))


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
