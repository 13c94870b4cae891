"""Mistakes planted in an otherwise clean month: what the events say, what the files say, and the exceptions that must be found.

Each has its own amount, which identifies its exception.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bench.month_files import Line, line_of
from bench.month_shop import COURIERS, FIRST, ROME, Collected, Month, Moved, Payment, Payout

ACCOUNT: Final = "sandbox-b"
PAID_ON: Final = FIRST + timedelta(days=26)
TWINS: Final = 2


@dataclass(slots=True)
class Planted:
    """`month`: the month as events report it. `expected`: exceptions by type and amount."""

    month: Month = field(default_factory=Month)
    lines: list[Moved] = field(default_factory=list)
    francs: list[Moved] = field(default_factory=list)
    alone: list[Moved] = field(default_factory=list)  # lines of a payout that never arrives
    at_bank: list[Line] = field(default_factory=list)
    expected: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def payouts(self) -> list[Payout]:
        of = (
            ("planted", "EUR", self.lines),
            ("francs", "CHF", self.francs),
            ("alone", "EUR", self.alone),
        )
        return [
            Payout(f"po_{name}", ACCOUNT, currency, PAID_ON, tuple(lines))
            for name, currency, lines in of
        ]

    @property
    def bank_lines(self) -> list[Line]:
        arrived = [each for each in self.payouts if each.name != "po_alone"]
        return [*self.at_bank, *(line_of(each, is_named=True) for each in arrived)]


def planted(first: int) -> Planted:
    """One of each mistake; payments are numbered from `first`."""
    found = Planted()
    for number, plant in enumerate(PLANTS, first):
        plant(found, number, 10_000 + number - first)
    return found


def _moved(number: int, minor: int, *, day: int = 20, what: str = "charge", txn: str = "") -> Moved:
    payment = Payment(number, ACCOUNT, "EUR", abs(minor), f"P-{number}")
    fee = round(minor * 0.014) + 25 if what == "charge" else 0
    at = datetime(FIRST.year, FIRST.month, day, 12, tzinfo=ROME)
    return Moved(what, payment, minor, fee, at, f"pl_{number}{txn}")


def missing_at_psp(found: Planted, number: int, minor: int) -> None:
    found.month.moved.append(_moved(number, minor))
    found.expected["missing_at_psp", minor] += 1


def unknown_charge(found: Planted, number: int, minor: int) -> None:
    found.lines.append(_moved(number, minor))
    found.expected["unknown_charge", minor] += 1


def unknown_refund(found: Planted, number: int, minor: int) -> None:
    found.lines.append(_moved(number, -minor, what="refund"))
    found.expected["unknown_refund", -minor] += 1


def unknown_dispute(found: Planted, number: int, minor: int) -> None:
    found.lines.append(_moved(number, -minor, what="dispute"))
    found.expected["unknown_dispute", -minor] += 1


def unexplained_adjustment(found: Planted, number: int, minor: int) -> None:
    found.lines.append(_moved(number, -minor, what="adjustment"))
    found.expected["unexplained_adjustment", -minor] += 1


def amount_differs(found: Planted, number: int, minor: int) -> None:
    made = _moved(number, minor)
    found.month.moved.append(made)
    found.lines.append(replace(made, minor=minor - 100))
    found.expected["amount_differs", minor - 100] += 1


def currency_differs(found: Planted, number: int, minor: int) -> None:
    made = _moved(number, minor)
    found.month.moved.append(made)
    found.francs.append(replace(made, payment=replace(made.payment, currency="CHF", order="")))
    found.expected["currency_differs", minor] += 1


def duplicate(found: Planted, number: int, minor: int) -> None:
    found.month.moved.append(_moved(number, minor))
    found.lines += [_moved(number, minor, txn=txn) for txn in ("a", "b")]
    found.expected["duplicate", minor] += 1


def late(found: Planted, number: int, minor: int) -> None:
    found.month.moved.append(_moved(number, minor, day=2))
    found.lines.append(_moved(number, minor, day=20))
    found.expected["late", minor] += 1


def fee_differs(found: Planted, number: int, minor: int) -> None:
    made = _moved(number, minor)
    found.month.moved.append(made)
    found.lines.append(replace(made, fee=600))
    found.expected["fee_differs", 600] += 1


def missing_at_bank(found: Planted, number: int, minor: int) -> None:
    made = _moved(number, minor)
    found.month.moved.append(made)
    found.alone.append(made)
    found.expected["missing_at_bank", minor - made.fee] += 1


def unknown_credit(found: Planted, _: int, minor: int) -> None:
    found.at_bank.append(Line(PAID_ON, minor, "EUR", "BNOBODY", "from nobody", "NOBODY"))
    found.expected["unknown_credit", minor] += 1


def unknown_debit(found: Planted, _: int, minor: int) -> None:
    found.at_bank.append(Line(PAID_ON, -minor, "EUR", "BCHARGES", "charges"))
    found.expected["unknown_debit", -minor] += 1


def ambiguous(found: Planted, number: int, minor: int) -> None:
    """Twins that can be matched by their amount only."""
    for twin in range(TWINS):
        made = _moved(number + twin, minor, txn=f"t{twin}")
        found.month.moved.append(made)
        found.lines.append(replace(made, payment=replace(made.payment, is_named=False)))
    found.expected["ambiguous", minor] += TWINS


PLANTS: Final = (
    missing_at_psp, unknown_charge, unknown_refund, unknown_dispute, unexplained_adjustment, amount_differs,
    currency_differs, duplicate, late, fee_differs, missing_at_bank, unknown_credit, unknown_debit, ambiguous,
)  # fmt: skip  # a list, not a call


def before() -> Planted:
    """The month before, in which Stripe and the couriers pay for the first time, so that their payers become known."""
    found, day = Planted(), FIRST - timedelta(days=10)
    at = datetime(day.year, day.month, day.day, 12, tzinfo=ROME)
    payment = Payment(10**9, "stripe-it", "EUR", 5990, "B-1")
    found.month.moved.append(Moved("charge", payment, 5990, 109, at, "pl_before"))
    found.month.collected += [
        Collected(f"B-{courier}", courier, 7000 + number, 220, at, day + timedelta(days=4))
        for number, courier in enumerate(COURIERS)
    ]
    return found
