"""Balance transactions of a payout as settlement lines, and where to continue. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.payments.connectors.base import SettlementLine, moment
from services.payments.connectors.stripe.amounts import from_stripe
from services.payments.connectors.stripe.mapping import Json

PAYOUTS: Final = frozenset({"payout", "payout_reversal"})


@dataclass(frozen=True, slots=True)
class Place:
    """A position: after this payout, or within it after this transaction."""

    payout: str = ""
    transaction: str = ""

    @staticmethod
    def read(cursor: str) -> "Place":
        payout, _, transaction = cursor.partition("/")
        return Place(payout, transaction)

    @property
    def cursor(self) -> str:
        return f"{self.payout}/{self.transaction}" if self.transaction else self.payout


def has_lines(payout: Json) -> bool:
    """Stripe lists the transactions of automatic payouts only."""
    return bool(payout.get("automatic", True))


def lines(payout: Json, transactions: Iterable[Json]) -> Iterator[SettlementLine]:
    """The payout's own transaction is the sum of the lines, not one of them."""
    for transaction in transactions:
        if transaction["reporting_category"] not in PAYOUTS:
            yield _line(payout, transaction)


def _line(payout: Json, transaction: Json) -> SettlementLine:
    currency = str(transaction["currency"]).upper()
    source = transaction.get("source")
    expanded = source if isinstance(source, dict) else {"id": source}
    metadata = expanded.get("metadata") or {}
    return SettlementLine(
        line_reference=str(transaction["id"]),
        kind=str(transaction["reporting_category"]),
        psp_reference=str(expanded.get("payment_intent") or expanded.get("id") or ""),
        operation_reference=str(expanded.get("id") or ""),
        order_reference=str(metadata.get("order_reference") or ""),
        payment_id=str(metadata.get("payment_id") or ""),
        gross_minor=from_stripe(int(transaction["amount"]), currency),
        fee_minor=from_stripe(int(transaction["fee"]), currency),
        net_minor=from_stripe(int(transaction["net"]), currency),
        currency=currency,
        happened_on=_day(transaction["created"]),
        available_on=_day(transaction["available_on"]),
        payout_reference=str(payout["id"]),
        payout_on=_day(payout["arrival_date"]),
        text=str(transaction.get("description") or ""),
    )


def _day(unix_seconds: int) -> date:
    return moment(int(unix_seconds)).date()
