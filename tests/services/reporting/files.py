"""Files of banks and PSPs with the lines that a test needs. All data are synthetic."""

import itertools
from collections.abc import Iterable, Sequence

from tests.libs.statements.files import balance, camt, detail, entry, statement

__all__ = ["balance", "bank_file", "camt", "detail", "entry", "statement", "stripe_file"]

_HEADER = (
    "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,"
    "available_on_utc,currency,gross,fee,net,reporting_category,source_id,description,charge_id,order_id"
)
_NUMBERS = itertools.count(1)


def amount(minor: int) -> str:
    return f"{abs(minor) // 100}.{abs(minor) % 100:02}"


def bank_entry(minor: int, *, reference: str = "", text: str = "", day: str = "2026-04-07") -> str:
    sign = "CRDT" if minor >= 0 else "DBIT"
    details = detail(amount(minor), text=text) if text else ""
    return entry(amount(minor), sign, day=day, reference=reference, details=details)


def bank_file(
    minors: Sequence[int], entries: Iterable[str], *, name: str = "S1", opening: int = 0
) -> bytes:
    """A CAMT.053 file with these entries, whose amounts are `minors`."""
    closing = opening + sum(minors)
    ends = [
        balance(code, amount(minor), sign="CRDT" if minor >= 0 else "DBIT")
        for code, minor in (("OPBD", opening), ("CLBD", closing))
    ]
    return camt(statement(ends[0], *entries, ends[1], name=name))


def simple(*minors: int, name: str = "S1", day: str = "2026-04-07") -> bytes:
    """A bank file whose entries have no references: only their content tells them apart."""
    return bank_file(minors, [bank_entry(minor, day=day) for minor in minors], name=name)


def stripe_file(*rows: str) -> bytes:
    return "\n".join((_HEADER, *rows, "")).encode()


def stripe_row(
    gross_minor: int,
    fee_minor: int = 0,
    *,
    kind: str = "charge",
    name: str = "",
    order: str = "A-1001",
    payout: str = "po_1",
    charge: str = "ch_1",
    currency: str = "eur",
    day: str = "2026-04-07",
) -> str:
    """Amounts have Stripe's signs: a positive fee is a cost."""
    net = gross_minor - fee_minor
    gross, fee, net_text = (
        ("-" if minor < 0 else "") + amount(minor) for minor in (gross_minor, fee_minor, net)
    )
    return (
        f"{payout},2026-04-10 00:00:00,{name or f'txn_{next(_NUMBERS)}'},{day} 10:00:00,"
        f"2026-04-09 00:00:00,{currency},{gross},{fee},{net_text},{kind},{charge},,{charge},{order}"
    )
