"""Key pairs that identify services to each other, and the folder of trusted public keys.

In other installations they are mounted secrets; `openssl genpkey -algorithm ed25519` creates such a key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from stack.private import private_folder, write_private


@dataclass(frozen=True)
class Keys:
    """`folder` contains each <service>.key, and the trust folder with each <service>.pub."""

    folder: Path

    def private(self, service: str) -> Path:
        return self.folder / f"{service}.key"

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    def ensure(self, services: Iterable[str]) -> None:
        """Creates missing pairs."""
        private_folder(self.folder)
        private_folder(self.trust)
        for service in services:
            public = self.trust / f"{service}.pub"
            if not (self.private(service).exists() and public.exists()):
                write_pair(self.private(service), public)


def write_pair(private: Path, *public: Path) -> None:
    """A new key; its public half may be stored under several names."""
    key, half = pair()
    write_private(private, key)
    for file in public:
        write_private(file, half)


def pair() -> tuple[str, str]:
    """A new key and its public half (PEM)."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    half = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode(), half.decode()
