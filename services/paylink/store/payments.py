"""SQL of tries to pay. Who changes one holds the lock of its link (store.links.lock)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from libs.db import Conn, Row
from libs.errors import StoredRefusal
from libs.money import Money
from libs.pages import Page
from libs.payments.answer import Decline, Outcome
from libs.payments.due import CHECK_AFTER
from libs.payments.events import Told
from services.paylink.rules.domain import Link, LinkPayment, Method
from services.paylink.rules.states import PaymentState

_SELECT: Final = (
    "SELECT id, merchant_id, link_id, reusable, state, method, amount_minor, currency, request,"
    " payment_id, payment_state, next_action_type, next_action_url, instrument_id, brand, last4,"
    " payer_email, bank_transfer_id, decline, refusal, satisfaction, created_at, ended_at"
    " FROM link_payments"
)


def _payment(row: Row) -> LinkPayment:
    return LinkPayment(
        id=row["id"],
        merchant_id=row["merchant_id"],
        link_id=row["link_id"],
        reusable=row["reusable"],
        state=PaymentState(row["state"]),
        method=Method(row["method"]),
        amount=Money(row["amount_minor"], row["currency"]),
        request=row["request"].encode() if row["request"] else None,
        payment_id=row["payment_id"],
        payment_state=row["payment_state"],
        next_action_type=row["next_action_type"],
        next_action_url=row["next_action_url"],
        instrument_id=row["instrument_id"],
        brand=row["brand"],
        last4=row["last4"],
        payer_email=row["payer_email"],
        bank_transfer_id=row["bank_transfer_id"],
        decline=Decline(**row["decline"]) if row["decline"] else None,
        refusal=StoredRefusal(**row["refusal"]) if row["refusal"] else None,
        satisfaction=row["satisfaction"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def _text(request: bytes | None) -> str | None:
    return request.decode() if request is not None else None


async def insert(conn: Conn, payment: LinkPayment) -> None:
    """One by card is asked for again soon; a bank transfer waits for the bank's news."""
    await conn.execute(
        "INSERT INTO link_payments (merchant_id, id, link_id, reusable, state, method,"
        " amount_minor, currency, request, instrument_id, brand, last4, payer_email,"
        " bank_transfer_id, created_at, ended_at, due_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
        " CASE WHEN $9::text IS NULL THEN NULL ELSE now() + $17::interval END)",
        payment.merchant_id,
        payment.id,
        payment.link_id,
        payment.reusable,
        payment.state.value,
        payment.method.value,
        payment.amount.amount_minor,
        payment.amount.currency,
        _text(payment.request),
        payment.instrument_id,
        payment.brand,
        payment.last4,
        payment.payer_email,
        payment.bank_transfer_id,
        payment.created_at,
        payment.ended_at,
        CHECK_AFTER,
    )


async def save(conn: Conn, before: LinkPayment, after: LinkPayment) -> None:
    """Write what may change. One that came to its end, or has no request, is not due any more."""
    decline, refusal = after.decline, after.refusal
    await conn.execute(
        "UPDATE link_payments SET state = $4, request = $5, payment_id = $6, payment_state = $7,"
        " next_action_type = $8, next_action_url = $9, bank_transfer_id = $10, decline = $11,"
        " refusal = $12, satisfaction = $13, ended_at = $14, amount_minor = $15,"
        " due_at = CASE WHEN $4 = 'processing' THEN due_at END"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        after.merchant_id,
        after.id,
        before.state.value,
        after.state.value,
        _text(after.request),
        after.payment_id,
        after.payment_state,
        after.next_action_type,
        after.next_action_url,
        after.bank_transfer_id,
        asdict(decline) if decline else None,
        asdict(refusal) if refusal else None,
        after.satisfaction,
        after.ended_at,
        after.amount.amount_minor,
    )


async def get(conn: Conn, merchant_id: str, payment_id: str) -> LinkPayment | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, payment_id
    )
    return None if row is None else _payment(row)


async def of_payment(conn: Conn, merchant_id: str, payment_id: str, key: str) -> LinkPayment | None:
    """The try behind a payment, or the one of its key that does not know its payment yet."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND (payment_id = $2 OR id = $3 AND payment_id IS NULL)",
        merchant_id,
        payment_id,
        key,
    )
    return None if row is None else _payment(row)


async def known(conn: Conn, told: Sequence[Told]) -> Collection[str]:
    """Ids of events of tries that had their end before."""
    rows = await conn.fetch(
        "SELECT told.event_id"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[])"
        " AS told (event_id, merchant_id, payment_id, succeeded)"
        " JOIN link_payments AS known USING (merchant_id, payment_id)"
        " WHERE state = 'succeeded' OR state <> 'processing' AND NOT succeeded",
        [event.event_id for event in told],
        [event.merchant_id for event in told],
        [event.answer.id for event in told],
        [event.answer.outcome is Outcome.SUCCEED for event in told],
    )
    return {row["event_id"] for row in rows}


async def latest(conn: Conn, link: Link) -> LinkPayment | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND link_id = $2 ORDER BY id DESC LIMIT 1",
        link.merchant_id,
        link.id,
    )
    return None if row is None else _payment(row)


async def count_processing(
    conn: Conn, merchant_id: str, link_ids: Sequence[str]
) -> Mapping[str, int]:
    """How many are under way, by link; links without one are not there."""
    rows = await conn.fetch(
        "SELECT link_id, count(*) AS tries FROM link_payments"
        " WHERE merchant_id = $1 AND link_id = ANY($2::text[]) AND state = 'processing'"
        " GROUP BY link_id",
        merchant_id,
        list(link_ids),
    )
    return {row["link_id"]: row["tries"] for row in rows}


async def processing(conn: Conn, link: Link) -> Sequence[LinkPayment]:
    """Those under way; at most one of a single-use link."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND link_id = $2 AND state = 'processing' ORDER BY id",
        link.merchant_id,
        link.id,
    )
    return [_payment(row) for row in rows]


async def page(conn: Conn, merchant_id: str, link_id: str, page: Page) -> Sequence[LinkPayment]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND link_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        merchant_id,
        link_id,
        page.before,
        page.limit + 1,
    )
    return [_payment(row) for row in rows]
