"""What the flows need, provided by __main__ and by tests."""

from dataclasses import dataclass

from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.proofs import Proofs
from libs.seal import Seal
from services.cod.paylink_client import Links
from services.cod.payments_client import Payments
from services.cod.rules.merchants import Merchant


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    merchants: Merchants[Merchant]
    links: Links
    payments: Payments
    seal: Seal
    codes: Proofs  # of one-time codes
    marks: Proofs  # to recognise recipients
    public_url: str  # without a trailing slash
