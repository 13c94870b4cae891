"""The PSPs that can be used: one line each."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import aiohttp

from services.payments.connectors.base import Connector, Credentials
from services.payments.connectors.sandbox import connector as sandbox
from services.payments.connectors.stripe import connector as stripe

Factory: TypeAlias = Callable[[Credentials, aiohttp.ClientSession], Connector]

CONNECTORS: Final[Mapping[str, Factory]] = {
    "sandbox": sandbox.connect,
    "stripe": stripe.connect,
}
