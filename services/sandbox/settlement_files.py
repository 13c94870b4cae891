"""The PSP's settlement report as a file, in the dialects of Stripe and PayPal. Pure."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.sandbox.bank.statements import PLACES, decimal

_STRIPE = (
    "automatic_payout_id", "automatic_payout_effective_at_utc", "balance_transaction_id", "created_utc",
    "available_on_utc", "currency", "gross", "fee", "net", "reporting_category", "source_id", "description",
    "charge_id", "order_id", "destination_payment_id", "regulatory_tag",
)  # fmt: skip  # a table, not a call
_PAYPAL = (
    "CH", "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type",
    "Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency",
    "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field",
)  # fmt: skip  # a table, not a call
_EVENT_CODES = {
    "charge": "T0006", "refund": "T1107", "dispute": "T1201", "adjustment": "T1200",
    "payout": "T0400",
}  # fmt: skip  # a table
_VERSION = "009"


@dataclass(frozen=True, slots=True)
class Line:
    """`order` is the shop's reference of the charge, `key` our key of the operation."""

    id: str
    charge_id: str
    key: str
    kind: str
    order: str
    gross_minor: int
    fee_minor: int
    currency: str
    payout_id: str
    available_on: str
    created_at: float

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor


def stripe(lines: Iterable[Line], *, account: str) -> str:
    rows: list[Sequence[object]] = [_STRIPE]
    for line in lines:
        gross, fee, net = (
            _signed(minor, line.currency)
            for minor in (line.gross_minor, line.fee_minor, line.net_minor)
        )
        rows.append((
            line.payout_id, f"{line.available_on} 00:00:00", f"txn_{line.id}", f"{_at(line):%Y-%m-%d %H:%M:%S}",
            f"{line.available_on} 00:00:00", line.currency.lower(), gross, fee, net, line.kind,
            line.key or line.charge_id, "", line.charge_id, line.order, "", "",
        ))  # fmt: skip  # in the order of the columns
    return _csv(rows)


def paypal(lines: Iterable[Line], *, account: str) -> str:
    """Each payout is a withdrawal, named by its payout."""
    lines = list(lines)
    entries = [*lines, *_withdrawals(lines)]
    made = [f"{_at(line):%Y/%m/%d %H:%M:%S} +0000" for line in entries]
    days = (min(made, default=""), max(made, default=""))
    rows: list[Sequence[object]] = [
        ("RH", days[1], "X", account, _VERSION),
        ("FH", "01"),
        ("SH", *days, account, ""),
        _PAYPAL,
    ]
    sums: dict[str, Counter[str]] = {}
    for line, at in zip(entries, made, strict=True):
        mark = "CR" if line.gross_minor >= 0 else "DR"
        fee_mark = "DR" if line.fee_minor >= 0 else "CR"
        rows.append((
            "SB", line.id, line.order, line.charge_id, "TXN", _EVENT_CODES.get(line.kind, "T0000"), at, at,
            mark, abs(line.gross_minor), line.currency, fee_mark, abs(line.fee_minor), line.currency,
            line.key,
        ))  # fmt: skip  # in the order of the columns
        of = sums.setdefault(line.currency, Counter())
        of[mark] += abs(line.gross_minor)
        of[f"fee {fee_mark}"] += abs(line.fee_minor)
    totals = [
        (currency, of["CR"], of["DR"], of["fee CR"], of["fee DR"]) for currency, of in sums.items()
    ]
    rows += [("SF", *total) for total in totals]
    rows.append(("SC", len(entries)))
    rows += [("RF", *total) for total in totals]
    rows += [("RC", len(entries)), ("FF", len(entries))]
    return _csv(rows)


def _withdrawals(lines: Sequence[Line]) -> list[Line]:
    paid = Counter[tuple[str, str, str]]()
    for line in lines:
        paid[line.payout_id, line.currency, line.available_on] += line.net_minor
    return [
        Line(
            payout_id,
            "",
            "",
            "payout",
            "",
            -net_minor,
            0,
            currency,
            payout_id,
            day,
            datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp(),
        )
        for (payout_id, currency, day), net_minor in paid.items()
    ]


def _at(line: Line) -> datetime:
    return datetime.fromtimestamp(line.created_at, UTC)


def _signed(amount_minor: int, currency: str) -> str:
    return f"{'-' if amount_minor < 0 else ''}{decimal(amount_minor, PLACES.get(currency, 2))}"


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


DIALECTS: dict[str, Callable[..., str]] = {"stripe": stripe, "paypal": paypal}
