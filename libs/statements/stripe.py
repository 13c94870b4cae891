"""Stripe's balance and payout reports, as CSV with amounts in major units. Pure.

Columns are found by name: those of a report (`gross`) or of the dashboard's export (`Amount`). Each
row is checked: gross less fee is net.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from libs.statements import amounts, csv_rows
from libs.statements.model import Ending, Entry, Event, Format, Heading, Party, References
from libs.statements.refusals import RefusedError

ACCOUNT: Final = "stripe"  # a report does not name its account
_ALSO: Final = {
    "id": "balance_transaction_id",
    "amount": "gross",
    "type": "reporting_category",
    "source": "source_id",
}
_NEEDED: Final = ("balance_transaction_id", "currency", "gross", "fee", "net")
_CREATED: Final = ("created_utc", "created")
_AVAILABLE: Final = ("available_on_utc", "available_on")
_NEWER: Final = frozenset({"regulatory_tag", "destination_payment_id"})  # of itemized.5
_PAYOUT: Final = "automatic_payout_id"
_EFFECTIVE: Final = ("automatic_payout_effective_at_utc", "automatic_payout_effective_at")

Cells = Mapping[str, str]


def is_header(cells: Sequence[str]) -> bool:
    return {*_NEEDED} <= {*_names(cells)}


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    rows = csv_rows.rows(chunks)
    first_line, header = next(rows, (1, []))
    names = _names(header)
    for name in (*_NEEDED, *names):
        if names.count(name) != 1:
            has = "more than one column" if name in names else "no column"
            raise RefusedError(f"the header has {has} {name}", line=first_line)
    if not {*_CREATED} & {*names}:
        raise RefusedError("the header has no column created_utc", line=first_line)
    yield Format(_format(names), "itemized.5" if {*_NEWER} & {*names} else "itemized")
    yield Heading(first_line, account=ACCOUNT, id="")
    line, count = first_line, 0
    for line, cells in rows:
        csv_rows.check_width(cells, header, line)
        count += 1
        yield _entry(dict(zip(names, cells, strict=True)), line)
    if not count:
        raise RefusedError("has a header, but no rows", line=first_line)
    yield Ending(line)


def _names(header: Sequence[str]) -> list[str]:
    """`Created (UTC)` becomes created_utc."""
    names = ["_".join(re.findall(r"[a-z0-9\[\]]+", cell.casefold())) for cell in header]
    return [_ALSO.get(name, name) for name in names]


def _format(names: Sequence[str]) -> str:
    is_of_payouts = _PAYOUT in names and bool({*_EFFECTIVE} & {*names})
    return "stripe.payout_reconciliation" if is_of_payouts else "stripe.balance"


def _entry(cells: Cells, line: int) -> Entry:
    name = cells["balance_transaction_id"]
    if not name:
        raise RefusedError("a row has no balance_transaction_id", line=line)
    currency = cells["currency"].upper()
    gross, fee, net = (
        amounts.minor(cells[column], currency, what=column, line=line)
        for column in ("gross", "fee", "net")
    )
    if gross - fee != net:
        raise RefusedError("gross minus fee is not net", line=line)
    created = _day(cells, _CREATED, line)
    if created is None:
        raise RefusedError("a row has no date of creation", line=line)
    return Entry(
        line=line,
        booked_on=created,
        value_on=_day(cells, _AVAILABLE, line),
        amount_minor=net,
        currency=currency,
        references=References(
            bank=name,
            transaction=cells.get("source_id", ""),
            payment=cells.get("payment_intent_id") or cells.get("charge_id", ""),
            batch=cells.get(_PAYOUT, ""),
            customer=cells.get("payment_metadata[payment_id]", ""),
            order=cells.get("order_id") or cells.get("payment_metadata[order_reference]", ""),
        ),
        kind=cells.get("reporting_category", ""),
        text=" ".join(cells.get("description", "").split()),
        counterparty=Party(cells.get("customer_name", "")),
        gross_minor=gross,
        fee_minor=-fee,
        batch_on=_day(cells, _EFFECTIVE, line),
        is_named=True,
    )


def _day(cells: Cells, columns: Sequence[str], line: int) -> date | None:
    column = next((each for each in columns if cells.get(each)), None)
    return amounts.day(cells[column], what=column, line=line) if column else None
