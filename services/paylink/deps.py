"""The dependencies of the flows, passed in by __main__ and by tests."""

from dataclasses import dataclass

from libs.clock import Clock
from libs.db import Database
from libs.proofs import Proofs
from libs.seal import Seal
from services.paylink.instalments_client import Instalments
from services.paylink.link_listener import LinkListener
from services.paylink.merchants_client import Merchants
from services.paylink.oneclick_client import Customers
from services.paylink.payments_client import Payments


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    seal: Seal
    addresses: Proofs  # of shoppers: see libs/payments/velocity.py
    public_url: str  # without trailing slash
    merchants: Merchants
    payments: Payments
    instalments: Instalments
    saved_cards: Customers
    link_listener: LinkListener
