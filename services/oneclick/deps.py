"""The dependencies of the flows, passed in by __main__ and by tests."""

from dataclasses import dataclass

from libs.clock import Clock
from libs.db import Database
from libs.proofs import Proofs
from services.oneclick.payments_client import Payments


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    payments: Payments
    clock: Clock
    client_secrets: Proofs  # of sessions
    addresses: Proofs  # of shoppers: see libs/payments/velocity.py
