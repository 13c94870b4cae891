"""Common to the HTTP of all PSPs: time limits, connecting again, and the meaning of exceptions."""

import asyncio
import socket
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from libs import deadlines
from libs.logs import log

# One try, with its look-up in DNS.
CONNECT_SECONDS: Final = 2.5
# All tries. What is left of the whole is for the answer: without one the outcome is unknown, and
# looked up.
WAIT_SECONDS: Final = 8.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=deadlines.PSP, connect=CONNECT_SECONDS)
# For an address that was found before.
RESOLVE_SECONDS: Final = 1.0
# Raised before anything was sent: a certain no.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Raised by reading JSON that is not as the PSP documents it.
UNREADABLE: Final = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
# Seconds before connecting again. With CONNECT_SECONDS each, the last try ends within WAIT_SECONDS.
_PAUSES: Final = (0.1, 0.3)


def new_session() -> aiohttp.ClientSession:
    """One for all PSPs: its pool keeps connections per host."""
    connector = aiohttp.TCPConnector(limit=0, resolver=LastKnown(DefaultResolver()))
    return aiohttp.ClientSession(connector=connector, middlewares=(connect_again,))


class LastKnown(AbstractResolver):
    """Addresses that were found last, while DNS does not answer: RFC 8767 for one process. That a name does not
    exist is an answer.

    A cluster that loses a node loses a part of its DNS until it notices, 40 s by default.
    """

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[str, int, int], list[ResolveResult]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        known = self._known.get((host, port, family))
        try:
            async with asyncio.timeout(RESOLVE_SECONDS if known else None):
                found = await self._resolver.resolve(host, port, family)
        except OSError as error:  # TimeoutError is one
            if known is None or error.errno == socket.EAI_NONAME:
                raise
            log.warning("no address of a PSP", address=host, error=str(error) or "timeout")
            return list(known)
        self._known[host, port, family] = found
        return list(found)

    async def close(self) -> None:
        await self._resolver.close()


async def connect_again(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Tries again to connect: nothing was sent, so nothing can be done twice.

    One lost packet, or a network that does not know a new pod yet, should not decline a payment.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    for pause in (*_PAUSES, None):
        try:
            return await handler(request)
        except aiohttp.ClientSSLError:  # whoever answers is not the PSP
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            seconds = loop.time() - began
            log.warning(
                "no connection to a PSP",
                address=request.url.host,
                error=f"{type(error).__name__}: {error}",
                seconds=round(seconds, 1),
            )
            if pause is None or seconds + pause > WAIT_SECONDS - CONNECT_SECONDS:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")
