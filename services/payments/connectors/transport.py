"""What all PSPs' HTTP has in common: limits of time, and which exceptions mean what."""

from typing import Final

import aiohttp

from libs import deadlines

CONNECT_SECONDS: Final = 3.0
# Waiting for a free connection included: whoever got none by then has certainly sent nothing.
WAIT_SECONDS: Final = 5.0
TIMEOUT: Final = aiohttp.ClientTimeout(
    total=deadlines.PSP, connect=WAIT_SECONDS, sock_connect=CONNECT_SECONDS
)
# Raised before anything was sent: a certain no.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Raised by reading JSON that is not what the PSP documents.
UNREADABLE: Final = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
