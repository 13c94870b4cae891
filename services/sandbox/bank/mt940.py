"""Writes statements as MT940, bare, with the structured text of SWIFT (`/EREF/…/REMI/…`). Pure.

It contains less than CAMT: a batch is one booking with the text of its first payment, pending
entries are left out, and unsupported characters are replaced.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from services.sandbox.bank.statements import Booking, Payment, Statement, decimal

LINE = 65  # characters per line of :86:
_LINES = 6


def written(statements: Iterable[Statement]) -> Iterator[str]:
    for statement in statements:
        booked = [each for each in statement.bookings if not each.is_pending]
        closing = statement.opening_minor + sum(each.amount_minor for each in booked)
        yield (
            f":20:{statement.id[:16]}\r\n:25:{statement.iban}\r\n:28C:{statement.number}\r\n"
            f":60F:{_balance(statement, statement.opening_minor, statement.opened_on)}\r\n"
        )
        for booking in booked:
            yield _booking(statement, booking)
        yield f":62F:{_balance(statement, closing, statement.closed_on)}\r\n-\r\n"


def _balance(statement: Statement, amount_minor: int, on: date) -> str:
    sign = "D" if amount_minor < 0 else "C"
    return f"{sign}{on:%y%m%d}{statement.currency}{_amount(statement, amount_minor)}"


def _booking(statement: Statement, booking: Booking) -> str:
    """A reversal is marked by the entry that it reverses: RD is money in."""
    is_debit = booking.amount_minor < 0
    mark = ("RC" if is_debit else "RD") if booking.is_reversal else ("D" if is_debit else "C")
    bank = f"//{booking.bank_reference}" if booking.bank_reference else ""
    text = _text(booking.payments[0]).encode("ascii", "replace").decode()
    pieces = [text[at : at + LINE] for at in range(0, len(text), LINE)][:_LINES]
    lines = "\r\n".join(pieces)
    return (
        f":61:{booking.value_on:%y%m%d}{booking.booked_on:%m%d}{mark}"
        f"{_amount(statement, booking.amount_minor)}NTRFNONREF{bank}\r\n"
        f":86:{lines}\r\n"
    )


def _text(payment: Payment) -> str:
    remittance = f"STRD/CUR/{payment.reference}" if payment.reference else f"USTD//{payment.text}"
    party = f"/IBAN/{payment.iban}/NAME/{payment.name}" if payment.iban else f"/NAME/{payment.name}"
    return f"/EREF/{payment.end_to_end or 'NOTPROVIDED'}{party}/REMI/{remittance}/"


def _amount(statement: Statement, amount_minor: int) -> str:
    figures = decimal(amount_minor, statement.places).replace(".", ",")
    return figures if "," in figures else f"{figures},"
