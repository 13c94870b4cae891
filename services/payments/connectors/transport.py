"""HTTP for all PSPs: timeouts, connection retries, and the meaning of exceptions."""

import asyncio
import socket
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from libs import deadlines
from libs.logs import log

# Per connection attempt, including its DNS look-up.
CONNECT_SECONDS: Final = 2.5
# For all connection attempts. The rest of the total is for the answer: without one, the outcome is
# unknown and is looked up.
WAIT_SECONDS: Final = 8.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=deadlines.PSP, connect=CONNECT_SECONDS)
# DNS timeout if the address was resolved before.
RESOLVE_SECONDS: Final = 1.0
# Raised before anything was sent: a certain no.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Raised by reading JSON that is not as the PSP documents it.
UNREADABLE: Final = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
# Seconds before connecting again. At CONNECT_SECONDS each, all attempts end within WAIT_SECONDS.
_PAUSES: Final = (0.1, 0.3)


def new_session() -> aiohttp.ClientSession:
    """One for all PSPs: its pool keeps connections per host."""
    connector = aiohttp.TCPConnector(limit=0, resolver=LastKnown(DefaultResolver()))
    return aiohttp.ClientSession(connector=connector, middlewares=(connect_again,))


class LastKnown(AbstractResolver):
    """Serves the last known addresses while DNS does not answer: RFC 8767 within one process. "No such name" is
    an answer.

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
    """Retries connections: nothing was sent, so nothing can happen twice.

    One lost packet, or a network that does not know a new pod yet, should not decline a payment.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    for pause in (*_PAUSES, None):
        try:
            return await handler(request)
        except aiohttp.ClientSSLError:  # the server that answers is not the PSP's
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
