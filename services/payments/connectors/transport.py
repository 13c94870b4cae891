"""Common to the HTTP of all PSPs: time limits, and the meaning of exceptions."""

from typing import Final

import aiohttp

from libs import deadlines

CONNECT_SECONDS: Final = 3.0
# Includes waiting for a free connection: a request without one by then was certainly not sent.
WAIT_SECONDS: Final = 5.0
TIMEOUT: Final = aiohttp.ClientTimeout(
    total=deadlines.PSP, connect=WAIT_SECONDS, sock_connect=CONNECT_SECONDS
)
# Raised before anything was sent: a certain no.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Raised by reading JSON that is not as the PSP documents it.
UNREADABLE: Final = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
