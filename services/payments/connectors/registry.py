"""The available PSPs: one line each. A factory's KeyError names the missing credential."""

from collections.abc import Mapping
from typing import Final

from services.payments.connectors.base import Factory
from services.payments.connectors.sandbox.connector import SandboxConnector
from services.payments.connectors.stripe.connector import StripeConnector

CONNECTORS: Final[Mapping[str, Factory]] = {
    "sandbox": SandboxConnector,
    "stripe": StripeConnector,
}
