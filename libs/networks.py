"""The network of one household or server: the unit for counting callers and shoppers. Pure."""

import ipaddress
from functools import lru_cache
from typing import Final

_HOUSEHOLD_BITS: Final = 64  # of an IPv6 address: one holder has the whole /64


@lru_cache(maxsize=4096)
def of(ip: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one. Raises ValueError if it is not an address."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _HOUSEHOLD_BITS), strict=False))
