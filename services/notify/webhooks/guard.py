"""Where webhooks may go: public hosts over https, and never into our own networks (SSRF).

Checked when an endpoint is created, for a clear answer, and again for every socket, which is the
real protection: by then a name may resolve elsewhere. Networks that the operator allows (the
embedded stack's loopback) may be private and without TLS.
"""

import asyncio
import errno
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from libs.errors import FieldViolation
from services.notify.errors import WebhookUrlRefused

Address: TypeAlias = IPv4Address | IPv6Address
Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]

RESOLVE_SECONDS: Final = 3.0
_THREADS: Final = 64  # names resolved at once: a slow one must not block the others
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
# Not global according to IANA, although some versions of Python say so.
_SPECIAL: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("::/32"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("100::/64"),
    IPv6Network("2001::/23"),
    IPv6Network("5f00::/16"),
    IPv6Network("fec0::/10"),
)


def networks_of(text: str) -> Networks:
    """From comma-separated CIDRs. Raises ValueError for an invalid one."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


class AddressRefusedError(PermissionError):
    """The socket would lead into a network that webhooks may not reach."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address refused")


def is_allowed(text: str, networks: Networks, *, secure: bool) -> bool:
    """Whether a webhook may be sent to this IP address; `secure`: over TLS."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id:
        return False
    if any(_within(inner, networks) for inner in _targets(address)):
        return True
    return secure and all(_is_public(inner) for inner in (address, *_embedded(address)))


def _targets(address: Address) -> tuple[Address, ...]:
    """The address itself, and the IPv4 one that the kernel would connect to instead."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped,) if mapped is not None else (address,)


def _within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """IPv4 addresses that a gateway on the way may extract from an IPv6 one."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(inner for inner in found if inner is not None)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return True  # the address inside decides
    return address.is_global and not address.is_multicast and not _within(address, _SPECIAL)


class Resolver(AbstractResolver):
    """The system's resolver on its own threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads,
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM),
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Guard:
    """`networks` are allowed. Pass another `resolver` in tests only."""

    def __init__(self, networks: Networks = (), resolver: AbstractResolver | None = None) -> None:
        self._networks = networks
        self._resolver = resolver or Resolver()

    async def check(self, text: str) -> None:
        """Raises WebhookUrlRefused. An https name that does not resolve (yet) is allowed."""
        try:
            url = URL(text)
            host, port = url.raw_host, url.port
        except ValueError:
            raise _refused("is not an address") from None
        if url.scheme not in {"http", "https"} or not host or not port:
            raise _refused("must be an absolute https address")
        if url.raw_user is not None or url.raw_password is not None:
            raise _refused("must not carry a user name or password")
        secure = url.scheme == "https"
        addresses = await self._addresses(host, port)
        if not secure and not (
            addresses and all(is_allowed(a, self._networks, secure=False) for a in addresses)
        ):
            raise _refused("must be https")
        if not all(is_allowed(a, self._networks, secure=secure) for a in addresses):
            raise _refused("leads to an address that is not public")

    async def _addresses(self, host: str, port: int) -> list[str]:
        """All addresses of the host; none if it does not resolve in time."""
        if ":" in host:
            return [host]
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            return []
        return [result["host"] for result in found]

    def connector(self, *, secure: bool) -> aiohttp.TCPConnector:
        """Connections to https (`secure`) or http addresses; each socket is checked."""

        def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
            family, kind, proto, _, address = info
            if not is_allowed(str(address[0]), self._networks, secure=secure):
                raise AddressRefusedError
            return socket.socket(family, kind, proto)

        return aiohttp.TCPConnector(
            limit=0, use_dns_cache=False, resolver=self._resolver, socket_factory=open_socket
        )


def _refused(description: str) -> WebhookUrlRefused:
    return WebhookUrlRefused(violations=(FieldViolation("url", description),))
