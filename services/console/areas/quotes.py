"""Quotes: written line by line, previewed as the shopper will see them, then sent as a link to accept and pay."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import paylink_pb2
from libs.display import LANGUAGES
from libs.errors import FieldViolation, InvalidArgument, invalid
from libs.money import Money
from services.console import texts
from services.console.areas.links import MOST_DAYS, addressed
from services.console.page import Html, Page, See, get, post
from services.console.rules import quotes
from services.console.rules.amounts import amount_of
from services.console.rules.fields import basis_points_of
from services.console.rules.quotes import Line
from services.console.visit import Visit

AREA: Final = "links_quotes"
NEW: Final = "/links/quotes/new"
FIRST_LINES: Final = 3
MORE_LINES: Final = 3
MOST_LINES: Final = 60
DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Draft:
    """A quote that can be sent."""

    lines: list[Line]
    days: int
    quote: paylink_pb2.Quote
    deposit: Money | None


async def form(visit: Visit) -> Html:
    return _form(visit, None)


async def create(visit: Visit) -> Html | See:
    """Sends the quote; or shows a preview, or a form with more lines, if that was asked for."""
    do = visit.typed("do")
    if do == "more":
        return _form(visit, None)
    draft = _draft(visit)
    if do != "send":
        return _form(visit, draft)
    request = paylink_pb2.CreatePaymentLinkRequest(
        amount=_pb(quotes.total(draft.lines)),
        description=draft.quote.title,
        order_reference=visit.typed("order_reference"),
        line_items=[
            paylink_pb2.LineItem(
                name=line.name, quantity=line.quantity, unit_amount_minor=line.unit.amount_minor
            )
            for line in draft.lines
        ],
        expires_in_days=draft.days,
        quote=draft.quote,
        locale=_locale(visit),
        **addressed(visit),
    )
    if draft.deposit is not None:
        request.deposit.CopyFrom(_pb(draft.deposit))
    answer = await visit.change(request)
    notice = "quote_sent" if request.channels else "created"
    return See(f"/links/{answer.payment_link.id}", notice=notice)


def _form(visit: Visit, draft: Draft | None) -> Html:
    locale = _locale(visit)
    values: dict[str, Any] = {
        "rows": range(_rows(visit)),
        "more": _rows(visit) < MOST_LINES,
        "languages": LANGUAGES,
        "locale": locale,
        "reference": f"Q-{secrets.token_hex(3).upper()}",
        "days": DAYS,
        "draft": draft,
    }
    if draft is not None:
        total = quotes.total(draft.lines)
        values |= {"total": total, "due": draft.deposit or total, "shopper": _words(locale)}
    return Html("quote.html", values)


def _rows(visit: Visit) -> int:
    asked = visit.number("rows") or FIRST_LINES
    more = MORE_LINES if visit.typed("do") == "more" else 0
    return min(max(asked, FIRST_LINES) + more, MOST_LINES)


def _draft(visit: Visit) -> Draft:
    """The quote as typed. Raises InvalidArgument."""
    lines = _lines(visit)
    if not quotes.total(lines).amount_minor > 0:
        raise invalid("price_0", visit.word("total_missing"))
    days = visit.number("days")
    if not 1 <= days <= MOST_DAYS:
        raise invalid("days", visit.word("days_unreadable").format(most=MOST_DAYS))
    title = visit.typed("title")
    if not title:
        raise invalid("title", visit.word("title_missing"))
    deposit = None
    if visit.typed("deposit"):
        deposit = amount_of(visit.typed("deposit"), visit.currency)
        if deposit is None:
            raise invalid("deposit", visit.word("amount_unreadable"))
    locale = _locale(visit)
    today = visit.now().astimezone(ZoneInfo(visit.time_zone)).date()
    text = quotes.text(
        visit.typed("text"),
        lines,
        today + timedelta(days=days),
        words=_words(locale),
        language=locale,
    )
    version = visit.typed("version") or "1"
    return Draft(lines, days, paylink_pb2.Quote(title=title, text=text, version=version), deposit)


def _lines(visit: Visit) -> list[Line]:
    """The lines that are filled in. Raises InvalidArgument with all that is wrong in them."""
    found: list[Line] = []
    wrong: list[FieldViolation] = []
    for row in range(_rows(visit)):
        if not (visit.typed(f"name_{row}") or visit.typed(f"price_{row}")):
            continue
        line, faults = _line(visit, row)
        wrong += faults
        found += [line] if line is not None else []
    if wrong:
        raise InvalidArgument(violations=wrong)
    if not found:
        raise invalid("name_0", visit.word("lines_missing"))
    return found


def _line(visit: Visit, row: int) -> tuple[Line | None, list[FieldViolation]]:
    name, quantity = visit.typed(f"name_{row}"), visit.number(f"quantity_{row}")
    typed = visit.typed(f"price_{row}").replace("\N{MINUS SIGN}", "-")
    price = amount_of(typed.removeprefix("-"), visit.currency)
    rate = basis_points_of(visit.typed(f"vat_{row}"))
    faults = {
        "name": "" if name else "name_missing",
        "quantity": "" if quantity else "quantity_unreadable",
        "price": "" if price else "amount_unreadable",
        "vat": "" if rate is not None else "percent_unreadable",
    }
    wrong = [
        FieldViolation(f"{part}_{row}", visit.word(fault))
        for part, fault in faults.items()
        if fault
    ]
    if price is None or rate is None or wrong:
        return None, wrong
    sign = -1 if typed.startswith("-") else 1
    unit = Money(sign * price.amount_minor, price.currency)
    return Line(name, quantity, unit, rate), []


def _locale(visit: Visit) -> str:
    """The shopper's language, in which the quote is written."""
    chosen = visit.typed("locale", visit.language)
    return chosen if chosen in LANGUAGES else visit.language


def _words(locale: str) -> Mapping[str, str]:
    return texts.words(AREA, locale)


def _pb(amount: Money) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency)


PAGES: Final[tuple[Page, ...]] = (
    get(NEW, form, AREA, "paylink.CreatePaymentLink"),
    post(NEW, create, AREA, "paylink.CreatePaymentLink", again=form),
)
