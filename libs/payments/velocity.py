"""Names who is paying, for payments' count of declined cards. Pure.

A shopper's address never leaves the service that saw it: payments gets a keyed hash.
"""

from typing import Final

from libs import networks
from libs.proofs import Proofs

LABEL: Final = "incasso shopper's address v1"  # of the keyed hashes
_HASH_BYTES: Final = 16


def of_customer(customer_id: str) -> str:
    return f"customer:{customer_id}"


def of_session(session_id: str) -> str:
    return f"session:{session_id}"


def of_address(proofs: Proofs, ip: str) -> str:
    """The address, for new cards. Raises ValueError if `ip` is not an address."""
    return f"address:{_hash(proofs, ip)}"


def of_clicking_address(proofs: Proofs, ip: str) -> str:
    """The address, for clicks with saved cards: these are counted apart from strangers at the
    same address. Raises ValueError as above.
    """
    return f"clicking_address:{_hash(proofs, ip)}"


def _hash(proofs: Proofs, ip: str) -> str:
    return proofs.of(networks.of(ip))[:_HASH_BYTES].hex()
