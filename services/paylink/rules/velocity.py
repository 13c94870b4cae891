"""Who tries to pay a link, in the words by which payments counts declined cards. Pure."""

import ipaddress
from typing import Final

from services.paylink.rules.domain import Link

LABEL: Final = "incasso shopper's address v1"  # of the keyed hashes: no address leaves paylink
CLOSED: Final = "too_many_declines"  # payments' reason
_HOUSEHOLD_BITS: Final = 64  # of an IPv6 address: whoever has one has them all
_HASH_BYTES: Final = 16


def of_link(link: Link) -> str:
    return f"{'shared_link' if link.reusable else 'link'}:{link.id}"


def of_customer(customer_id: str) -> str:
    return f"customer:{customer_id}"


def of_address(proof: bytes) -> str:
    """Of the keyed hash of `network_of`."""
    return f"address:{proof[:_HASH_BYTES].hex()}"


def network_of(ip: str) -> str:
    """What one shopper has of the internet. ValueError when it is no address."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if address.version == 4:  # noqa: PLR2004 - the version's number
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _HOUSEHOLD_BITS), strict=False))
