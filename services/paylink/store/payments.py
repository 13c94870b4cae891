"""SQL of payment attempts. Callers that change one hold the lock of its link (store.links.lock)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from libs import combined_writes, rows
from libs.combined_writes import Write
from libs.db import Conn, Row
from libs.payments.due import CHECK_AFTER
from libs.payments.events import PaymentEvent, already_ended
from services.paylink.rules.domain import Link, LinkPayment

# The sealed request is text in its column.
ATTEMPTS: Final = rows.Table(
    "link_payments", LinkPayment, sql={"request": "convert_to(request, 'UTF8')"}
)
_INSERT: Final = ATTEMPTS.insert(request="{}", due_at="now() + {}::interval")
_SAVED: Final = (
    "state",
    "payment_id",
    "plan_id",
    "payment_state",
    "next_action_type",
    "next_action_url",
    "bank_transfer_id",
    "decline",
    "refusal",
    "satisfaction",
    "ended_at",
    "amount_minor",
)
# $1 merchant, $2 id, $3 state before, $4 request, $5 state after and the rest of _SAVED.
_SAVE: Final = f"""
UPDATE link_payments SET request = $4, {rows.assignments(_SAVED, first=5)},
    due_at = CASE WHEN $5 = 'processing' THEN due_at END,
    payer_name = CASE WHEN $5 = 'processing' THEN payer_name END
WHERE merchant_id = $1 AND id = $2 AND state = $3 AND {{when}}"""  # noqa: S608 - made of constants


def _text(request: bytes | None) -> str | None:
    return request.decode() if request is not None else None


def inserted(payment: LinkPayment) -> Write:
    """Attempts by card or plan are due for a check soon; a bank transfer is not."""
    request = _text(payment.request)
    check_after = None if request is None else CHECK_AFTER
    return Write(_INSERT, (*ATTEMPTS.values(payment), request, check_after))


def saved(before: LinkPayment, after: LinkPayment) -> Write:
    """The changeable columns. An attempt that has ended, or has no request, is no longer due."""
    state, request = before.state.value, _text(after.request)
    values = ATTEMPTS.values(after, *_SAVED)
    return Write(_SAVE, (after.merchant_id, after.id, state, request, *values))


async def save(conn: Conn, before: LinkPayment, after: LinkPayment) -> None:
    await combined_writes.execute(conn, saved(before, after))


def tries_selected(name: str) -> str:
    """The columns of an attempt in a join; read by `try_of`."""
    columns = [f"{name}.{column} AS {name}_{column}" for column in ATTEMPTS.columns]
    request = f"convert_to({name}.request, 'UTF8') AS {name}_request"
    return ", ".join([*columns, request])


def try_of(row: Row, name: str) -> LinkPayment:
    return ATTEMPTS.read(
        {column: row[f"{name}_{column}"] for column in (*ATTEMPTS.columns, "request")}
    )


async def of_payment(conn: Conn, merchant_id: str, payment_id: str, key: str) -> LinkPayment | None:
    """The attempt of a payment, or the one with its key that does not know its payment yet."""
    where = "WHERE merchant_id = $1 AND (payment_id = $2 OR id = $3 AND payment_id IS NULL)"
    return await ATTEMPTS.one(conn, where, merchant_id, payment_id, key)


async def of_plan(conn: Conn, merchant_id: str, plan_id: str) -> LinkPayment | None:
    return await ATTEMPTS.one(conn, "WHERE merchant_id = $1 AND plan_id = $2", merchant_id, plan_id)


async def known(conn: Conn, events: Sequence[PaymentEvent]) -> Collection[str]:
    """Ids of the events whose attempts had already ended."""
    return await already_ended(conn, "link_payments", events, unended=["processing"])


async def latest(conn: Conn, link: Link) -> LinkPayment | None:
    where = "WHERE merchant_id = $1 AND link_id = $2 ORDER BY id DESC LIMIT 1"
    return await ATTEMPTS.one(conn, where, link.merchant_id, link.id)


async def know_customer(conn: Conn, payment: LinkPayment, customer_id: str) -> None:
    """Sets the customer created for its payer, whatever else is being written."""
    known = "customer_id = $3, payer_name = NULL"
    merchant_id, at = payment.merchant_id, payment.id
    await ATTEMPTS.change_at(conn, merchant_id, at, known, customer_id, only="customer_id IS NULL")


async def count_plans(conn: Conn, link: Link) -> int:
    """Number of attempts to pay it in instalments, whatever their outcome."""
    found: int = await conn.fetchval(
        "SELECT count(*) FROM link_payments"
        " WHERE merchant_id = $1 AND link_id = $2 AND method = 'instalments'",
        link.merchant_id,
        link.id,
    )
    return found


async def count_processing(
    conn: Conn, merchant_id: str, link_ids: Sequence[str]
) -> Mapping[str, int]:
    """Number in progress, by link, without links that have none."""
    found = await conn.fetch(
        "SELECT link_id, count(*) AS tries FROM link_payments"
        " WHERE merchant_id = $1 AND link_id = ANY($2::text[]) AND state = 'processing'"
        " GROUP BY link_id",
        merchant_id,
        list(link_ids),
    )
    return {row["link_id"]: row["tries"] for row in found}


async def processing(conn: Conn, link: Link) -> Sequence[LinkPayment]:
    """Those in progress; at most one for a single-use link."""
    where = "WHERE merchant_id = $1 AND link_id = $2 AND state = 'processing' ORDER BY id"
    return await ATTEMPTS.all(conn, where, link.merchant_id, link.id)
