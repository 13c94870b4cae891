"""PSPs' own lists of their settlements, with the same lines as their reports. Pure."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from typing import Final

from libs.statements import identity, stripe
from libs.statements.model import Entry, References
from services.reporting.rules.imports import CurrencyTotal, Import, ImportState, Source

EVERY: Final = timedelta(hours=1)
MOST_PAGES: Final = 100  # per turn, so that other accounts get theirs


@dataclass(frozen=True, slots=True)
class Feed:
    """The feed of a PSP account. `cursor`: the place up to which it was pulled."""

    merchant_id: str
    id: str
    party: str
    cursor: str


@dataclass(frozen=True, slots=True)
class FeedLine:
    """Net is gross less fee; unknown references are ""."""

    line_reference: str
    kind: str
    psp_reference: str
    operation_reference: str
    order_reference: str
    payment_id: str
    gross_minor: int
    fee_minor: int
    currency: str
    happened_on: date
    available_on: date
    payout_reference: str
    payout_on: date | None
    text: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    psp: str
    lines: Sequence[FeedLine]
    cursor: str
    has_more: bool

    @property
    def format(self) -> str:
        return f"{self.psp}.feed"


def entry(line: FeedLine, number: int) -> Entry:
    """The entry as in the PSP's report, with the same id."""
    return Entry(
        line=number,
        booked_on=line.happened_on,
        value_on=line.available_on,
        amount_minor=line.gross_minor - line.fee_minor,
        currency=line.currency,
        references=References(
            bank=line.line_reference,
            transaction=line.operation_reference,
            batch=line.payout_reference,
            customer=line.payment_id,
            order=line.order_reference,
            payment=line.psp_reference,
        ),
        kind=line.kind,
        text=line.text,
        gross_minor=line.gross_minor,
        fee_minor=-line.fee_minor,
        batch_on=line.payout_on,
        is_named=True,
        id=identity.of_transaction(stripe.ACCOUNT, line.line_reference),
    )


def content_hash(feed: Feed, page: FeedPage) -> str:
    """Identifies a page that is pulled again."""
    content = repr((feed.party, page.cursor, [astuple(line) for line in page.lines]))
    return hashlib.sha256(content.encode()).hexdigest()


def imported(
    feed: Feed, page: FeedPage, *, import_id: str, taken: int, trace_id: str, now: datetime
) -> Import:
    return Import(
        merchant_id=feed.merchant_id,
        id=import_id,
        state=ImportState.IMPORTED,
        source=Source.PSP,
        psp_account=feed.party,
        format=page.format,
        version=None,
        name=None,
        content_hash=content_hash(feed, page),
        size_bytes=0,
        statements=1,
        lines=taken,
        known_lines=len(page.lines) - taken,
        not_booked=0,
        totals=_totals(page.lines),
        refused_line=None,
        refused_reason=None,
        created_by="reporting",
        trace_id=trace_id,
        created_at=now,
    )


def _totals(lines: Sequence[FeedLine]) -> tuple[CurrencyTotal, ...]:
    entries: Counter[str] = Counter()
    received: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for line in lines:
        net_minor = line.gross_minor - line.fee_minor
        entries[line.currency] += 1
        (received if net_minor >= 0 else paid)[line.currency] += abs(net_minor)
    return tuple(
        CurrencyTotal(each, entries[each], received[each], paid[each]) for each in sorted(entries)
    )
