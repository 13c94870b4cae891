"""The PSPs that can be used: one line each. KeyError of a factory names what the credentials lack."""

from collections.abc import Mapping
from typing import Final

from services.payments.connectors.base import Factory
from services.payments.connectors.sandbox.connector import SandboxConnector
from services.payments.connectors.stripe.connector import StripeConnector

CONNECTORS: Final[Mapping[str, Factory]] = {
    "sandbox": SandboxConnector,
    "stripe": StripeConnector,
}
