"""The only file that calls merchants' receivers: one POST, and its outcome.

No redirects, cookies, proxies from the environment or decompression. Failures of the receiver are
never raised, and are described in our own words, since socket errors name addresses.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import aiohttp

from libs.clock import world_now
from services.notify.webhooks.guard import AddressRefusedError, Guard
from services.notify.webhooks.rules import schedule
from services.notify.webhooks.rules.domain import EXCERPT_CHARACTERS, Attempt

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
EXCERPT_SECONDS: Final = 2.0  # for the answer's body, once its status is known
READ_BYTES: Final = 4096  # of an answer, at most
USER_AGENT: Final = "Incasso-Webhooks/1"


class Receivers:
    """Sessions to all receivers. Create it in a running loop and close it at the end."""

    def __init__(self, guard: Guard, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._sessions = {
            scheme: aiohttp.ClientSession(
                connector=guard.connector(secure=scheme == "https"),
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
            )
            for scheme in ("https", "http")
        }

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """One attempt."""
        began_at, began = world_now(), time.monotonic()
        status, error, excerpt, retry_after = None, None, None, None
        try:
            session = self._sessions[url.partition(":")[0].lower()]
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                error = _error_of(status)
                if status in schedule.RETRY_AFTER_STATES:
                    text = response.headers.get("retry-after", "")
                    retry_after = schedule.retry_after_of(text, now=world_now())
                excerpt = await _excerpt(response)
        except (OSError, ValueError, aiohttp.ClientError) as trouble:
            error = _trouble(trouble) if status is None else error
        return Attempt(
            attempted_at=began_at,
            duration_ms=int((time.monotonic() - began) * 1000),
            status=status,
            error=error,
            excerpt=excerpt,
            retry_after=retry_after,
        )

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


def _error_of(status: int) -> str | None:
    if 200 <= status < 300:  # noqa: PLR2004 - 2xx
        return None
    if 300 <= status < 400:  # noqa: PLR2004 - 3xx
        return f"answered {status}; redirects are not followed"
    return f"answered {status}"


async def _excerpt(response: aiohttp.ClientResponse) -> str | None:
    """The beginning of the body, or as much of it as arrives in time."""
    found = b""
    try:
        async with asyncio.timeout(EXCERPT_SECONDS):
            while len(found) < READ_BYTES and not response.content.at_eof():
                found += await response.content.read(READ_BYTES - len(found))
    except (OSError, aiohttp.ClientError):
        pass  # the status is the answer
    text = found.decode(errors="replace").replace("\x00", "\ufffd")
    return text[:EXCERPT_CHARACTERS] or None


def _trouble(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorError() if _was_refused(error.os_error):
            return "address refused"
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientConnectorDNSError():
            return "the host's name was not found"
        case aiohttp.ClientSSLError():
            return "TLS failed"
        case aiohttp.ClientConnectorError():
            return "could not connect"
        case aiohttp.InvalidURL() | ValueError():
            return "the address is not valid"
        case _:
            return "the connection was lost before an answer"


def _was_refused(error: OSError) -> bool:
    """By our guard; also if it refused all of several addresses, whose errors are then one text."""
    return isinstance(error, AddressRefusedError) or str(AddressRefusedError()) in str(error)
