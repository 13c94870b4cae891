"""Balance transactions of a payout as settlement lines. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from services.payments.connectors.base import SettlementLine
from services.payments.connectors.stripe.amounts import from_stripe
from services.payments.connectors.stripe.mapping import Json

# Our names for reporting categories; others (Stripe's own fees, adjustments) keep Stripe's.
KINDS: Final = {
    "charge": "charge",
    "refund": "refund",
    "partial_capture_reversal": "refund",
    "refund_failure": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
}
PAYOUTS: Final = frozenset({"payout", "payout_reversal"})


def lines(payout: str, transactions: Iterable[Json]) -> Iterator[SettlementLine]:
    """The payout's own transaction is the sum of the lines, not one of them."""
    for transaction in transactions:
        if transaction["reporting_category"] not in PAYOUTS:
            yield _line(payout, transaction)


def _line(payout: str, transaction: Json) -> SettlementLine:
    currency = str(transaction["currency"]).upper()
    source = transaction.get("source")
    expanded = source if isinstance(source, dict) else {"id": source}
    category = str(transaction["reporting_category"])
    return SettlementLine(
        line_reference=str(transaction["id"]),
        psp_reference=str(expanded.get("payment_intent") or expanded.get("id") or ""),
        kind=KINDS.get(category, category),
        gross_minor=from_stripe(int(transaction["amount"]), currency),
        fee_minor=from_stripe(int(transaction["fee"]), currency),
        net_minor=from_stripe(int(transaction["net"]), currency),
        currency=currency,
        payout_reference=payout,
        available_on=datetime.fromtimestamp(int(transaction["available_on"]), UTC).date(),
    )
