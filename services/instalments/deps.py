"""The dependencies of the flows, passed in by __main__ and by tests."""

from dataclasses import dataclass, field

from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.seal import Seal
from services.instalments.oneclick_client import Cards
from services.instalments.paylink_client import Links
from services.instalments.payments_client import Payments
from services.instalments.rules.merchants import Merchant
from services.instalments.scorer_client import Everybody, Scorer


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    merchants: Merchants[Merchant]
    saved_cards: Cards
    payments: Payments
    links: Links
    seal: Seal
    public_url: str  # without trailing slash
    scorer: Scorer = field(default_factory=Everybody)
