"""The client address of a request, seen past the proxies in front of the gateway.

The number of proxies has to be configured (INCASSO_TRUSTED_PROXIES): without it, X-Forwarded-For is
whatever the caller likes, and with too few every caller looks like the proxy.
"""

import ipaddress
from typing import Final

from aiohttp import web
from prometheus_client import Counter

from libs import networks
from libs.logs import log

FORWARDED_WRONG = Counter(
    "incasso_http_forwarded_wrong_total",
    "Requests whose X-Forwarded-For does not match INCASSO_TRUSTED_PROXIES",
    ["reason"],
)
_UNTRUSTED: Final = (
    "X-Forwarded-For arrives but INCASSO_TRUSTED_PROXIES is 0: behind a proxy all callers look"
    " like one address"
)
_TOO_FEW: Final = "X-Forwarded-For names fewer hops than INCASSO_TRUSTED_PROXIES"


class Addresses:
    """`complaint` says, once detected, what is wrong with the number of trusted proxies."""

    def __init__(self, trusted_proxies: int) -> None:
        self._trusted = trusted_proxies
        self.complaint = ""

    def of(self, request: web.BaseRequest) -> str:
        """The caller's IP address, as seen by the outermost trusted proxy."""
        forwarded = request.headers.getall("X-Forwarded-For", [])
        if self._trusted:
            hops = ",".join(forwarded).split(",")
            if len(hops) >= self._trusted and (found := plain(hops[-self._trusted])):
                return found
            self._complain("too_few", _TOO_FEW)
        elif forwarded:
            self._complain("untrusted", _UNTRUSTED)
        return request.remote or "unknown"

    def bucket(self, request: web.BaseRequest) -> str:
        """The key under which the caller is counted."""
        return network(self.of(request))

    def _complain(self, reason: str, text: str) -> None:
        FORWARDED_WRONG.labels(reason).inc()
        if not self.complaint:
            self.complaint = text
            log.warning(text)


def plain(hop: str) -> str:
    """The IP address of a hop, which some proxies write with a port; "" if it is not one."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def network(address: str) -> str:
    """The network of one caller: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        return networks.of(address)
    except ValueError:
        return address
