"""The dependencies of the flows, passed in by __main__ and by tests."""

from dataclasses import dataclass

from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.proofs import Proofs
from libs.seal import Seal
from services.paylink.instalments_client import Instalments
from services.paylink.link_listener import LinkListener
from services.paylink.oneclick_client import Customers
from services.paylink.payments_client import Payments
from services.paylink.rules.domain import Merchant


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    seal: Seal
    addresses: Proofs  # of shoppers: see libs/payments/velocity.py
    public_url: str  # without trailing slash
    merchants: Merchants[Merchant]
    payments: Payments
    instalments: Instalments
    saved_cards: Customers
    link_listener: LinkListener
