"""The simulated bank's account statement as a file: incoming transfers and the requested PSPs'
payouts, day by day in UTC, with the requested mistakes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from aiohttp import web

from services.sandbox import errors, planting, wire
from services.sandbox.bank import camt, epc, mt940
from services.sandbox.bank.statements import Booking, Payment, Statement
from services.sandbox.books import clocks, settlements, transfers
from services.sandbox.books.transfers import Credit
from services.sandbox.deps import Deps

CURRENCY = "EUR"
MOST_BOOKINGS = 100_000
FORMATS = ("camt.053", "mt940")
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MARK = re.compile(r"[A-Z0-9]{0,6}")  # so that the reference fits MT940
_MOST_ACCOUNTS = 20

routes = web.RouteTableDef()


@routes.get("/bank/accounts/{iban}/statement")
async def get_statement(request: web.Request) -> web.Response:
    """`from` and `to` (days; default: today), `format`, `version` of CAMT, `payouts_of` (PSP
    accounts); mistakes, and a `mark` for the unknown rows.
    """
    try:
        iban = epc.checked_iban(request.match_info["iban"])
    except epc.WrongPayloadError as wrong:
        raise errors.InvalidRequestError(wrong.reason, field=wrong.field) from None
    deps, accounts = wire.deps_of(request), _accounts(request)
    now = clocks.moment(deps.conn, iban)
    first, last = _day(request, "from", now), _day(request, "to", now)
    form = wire.query_choice(request, "format", FORMATS)
    version = wire.query_choice(request, "version", (camt.VERSIONS[1], camt.VERSIONS[0]))
    mistakes, mark = planting.parse(wire.query_mistakes(request)), _mark(request)
    statement = _statement(_bookings(deps, iban, accounts), iban, first, last, now)
    with_mistakes = planting.planted(
        [*statement.bookings], mistakes, changed=_with_another_amount, unknown=_nobodys(last, mark)
    )
    statement = replace(statement, bookings=[*with_mistakes])
    if form == "mt940":
        return web.Response(text="".join(mt940.written([statement])), content_type="text/plain")
    name = f"{statement.id}-{now:%H%M%S}"
    pieces = camt.written([statement], message_id=name, version=version)
    return web.Response(text="".join(pieces), content_type="application/xml", charset="utf-8")


def _statement(
    bookings: list[Booking], iban: str, first: date, last: date, now: datetime
) -> Statement:
    return Statement(
        id=f"{iban[-9:]}{last:%y%m%d}",
        number=last.timetuple().tm_yday,
        iban=iban,
        currency=CURRENCY,
        opening_minor=sum(each.amount_minor for each in bookings if each.booked_on < first),
        opened_on=first,
        closed_on=last,
        made_at=now,
        bookings=[each for each in bookings if first <= each.booked_on <= last],
    )


def _bookings(deps: Deps, iban: str, accounts: list[str]) -> list[Booking]:
    """By day; within a day, transfers first."""
    found = [_of_transfer(each) for each in transfers.all_of(deps.conn, iban, most=MOST_BOOKINGS)]
    for account in accounts:
        found += _of_payouts(deps, account)
    return sorted(found, key=lambda each: each.booked_on)


def _of_transfer(credit: Credit) -> Booking:
    transfer = credit.transfer
    day = datetime.fromtimestamp(transfer.booked_at, UTC).date()
    payment = Payment(
        transfer.amount_minor,
        name=transfer.debtor_name,
        reference=transfer.reference or "",
        text=transfer.text or "",
    )
    return Booking((payment,), day, day, bank_reference=credit.bank_reference)


def _of_payouts(deps: Deps, account: str) -> Iterator[Booking]:
    for payout_id, available_on, net_minor in settlements.payouts(deps.conn, account, CURRENCY):
        day = date.fromisoformat(available_on)
        payment = Payment(net_minor, name=f"PSP {account}", end_to_end=payout_id, text=payout_id)
        yield Booking((payment,), day, day, bank_reference=f"PO{payout_id[-14:].upper()}")


def _with_another_amount(booking: Booking) -> Booking:
    first, *others = booking.payments
    changed = replace(first, amount_minor=first.amount_minor + 100)
    return replace(booking, payments=(changed, *others))


def _nobodys(day: date, mark: str) -> Callable[[int, int], Booking]:
    def booking(sign: int, number: int) -> Booking:
        text = f"unknown {'credit' if sign > 0 else 'debit'} {number}"
        payment = Payment(sign * 1234, name="Nobody", text=text)
        reference = f"NOBODY{mark}{'C' if sign > 0 else 'D'}{number}"
        return Booking((payment,), day, day, bank_reference=reference)

    return booking


def _mark(request: web.Request) -> str:
    mark = request.query.get("mark", "")
    if not _MARK.fullmatch(mark):
        raise errors.InvalidRequestError("at most 6 capital letters and digits", field="mark")
    return mark


def _day(request: web.Request, name: str, now: datetime) -> date:
    text = request.query.get(name)
    try:
        return date.fromisoformat(text) if text else now.date()
    except ValueError:
        raise errors.InvalidRequestError("a day like 2026-11-26", field=name) from None


def _accounts(request: web.Request) -> list[str]:
    names = [each for each in request.query.get("payouts_of", "").split(",") if each]
    if len(names) > _MOST_ACCOUNTS or not all(map(_ACCOUNT.fullmatch, names)):
        raise errors.InvalidRequestError("names of PSP accounts", field="payouts_of")
    return names
