"""Payments: one statement per function, on a connection that the flow opened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from libs.db import Conn, Row
from libs.due import Room, fair_sql
from libs.pages import Page
from services.payments.rules import orders, tokens, velocity
from services.payments.rules.domain import Payment
from services.payments.rules.states import State
from services.payments.store.rows import decline_json, payment_of

# A payment with what belongs to it. Not to be used while waiting for a lock: see `lock`.
_SELECT: Final = """
SELECT payments.*,
    (SELECT coalesce(jsonb_agg(to_jsonb(refund) ORDER BY refund.id), '[]')
       FROM (SELECT id, state, amount_minor, reason, created_at, psp_reference, elsewhere
               FROM attempts
              WHERE attempts.merchant_id = payments.merchant_id
                AND attempts.payment_id = payments.id
                AND kind = 'refund' AND charge_reference = '') AS refund) AS refunds,
    (SELECT coalesce(jsonb_agg(to_jsonb(disputes) ORDER BY disputes.id), '[]') FROM disputes
      WHERE disputes.merchant_id = payments.merchant_id
        AND disputes.payment_id = payments.id) AS disputes
FROM payments """

NOT_COUNTED: Final = ", ".join(f"'{state.value}'" for state in orders.NOT_COUNTED)
_OPEN: Final = ", ".join(f"'{state.value}'" for state in velocity.OPEN)

SAVE_SQL: Final = f"""
UPDATE payments SET version = version + 1, state = $5, authorised_minor = $6,
    capturable_minor = $7, capturing_minor = $8, captured_minor = $9, refunding_minor = $10,
    refunded_minor = $11, due_at = $12, challenged_at = $13, exemption = $14, psp_account_id = $15,
    psp_account = $16, psp_reference = $17, next_action_url = $18, decline = $19,
    velocity_subjects = CASE WHEN $5 IN ({_OPEN}) THEN velocity_subjects ELSE '{{}}' END,
    guards_order = guards_order AND $5 NOT IN ({NOT_COUNTED}),
    candidates = CASE WHEN $20 THEN (
        SELECT jsonb_agg(candidate || '{{"token": "", "psp_customer": ""}}') FROM jsonb_array_elements(candidates) candidate
    ) ELSE candidates END
WHERE merchant_id = $1 AND id = $2 AND version = $3 AND state = $4"""  # noqa: S608 - made of constants


def saved_values(before: Payment, after: Payment) -> tuple[object, ...]:
    """The twenty parameters of SAVE_SQL; the last one says that tokens are not kept any more."""
    return (
        after.merchant_id,
        after.id,
        before.version,
        before.state.value,
        after.state.value,
        after.authorised_minor,
        after.capturable_minor,
        after.capturing_minor,
        after.captured_minor,
        after.refunding_minor,
        after.refunded_minor,
        after.due_at,
        after.challenged_at,
        after.exemption.value,
        after.psp_account_id,
        after.psp_account,
        after.psp_reference,
        after.next_action_url,
        decline_json(after.decline),
        tokens.are_used_up(after),
    )


async def save(conn: Conn, before: Payment, after: Payment) -> Payment | None:
    """The payment as saved; None when it is not any more what it was in `before`."""
    touched = await conn.execute(SAVE_SQL, *saved_values(before, after))
    return replace(after, version=before.version + 1) if touched else None


async def get(conn: Conn, merchant_id: str, payment_id: str) -> Payment | None:
    row = await conn.fetchrow(
        f"{_SELECT} WHERE merchant_id = $1 AND id = $2", merchant_id, payment_id
    )
    return payment_of(row) if row else None


@dataclass(frozen=True, slots=True)
class CallersKey:
    """A key of CreatePayment and the service whose it is."""

    merchant_id: str
    caller: str
    key: str


_OF_KEY: Final = f"""{_SELECT}
WHERE merchant_id = $1 AND caller IN ('', $2) AND id = coalesce(
    (SELECT id FROM payments
      WHERE merchant_id = $1 AND caller = $2 AND caller_key = $3 AND caller_key <> ''),
    (SELECT resource_id FROM idempotency_keys
      WHERE merchant_id = $1 AND method = $4 AND key = $3))"""  # noqa: S608 - made of constants


async def of_key(conn: Conn, wanted: CallersKey, method: str) -> Payment | None:
    """One from before payments had the column is found by the row of its key, `method`'s."""
    row = await conn.fetchrow(
        _OF_KEY,
        wanted.merchant_id,
        wanted.caller,
        wanted.key,
        method,
    )
    return payment_of(row) if row else None


async def lock(conn: Conn, merchant_id: str, payment_id: str) -> Payment | None:
    """Lock and read. Two statements: what waits for a lock does not see others' new refunds."""
    found = await conn.fetchval(
        "SELECT id FROM payments WHERE merchant_id = $1 AND id = $2 FOR UPDATE",
        merchant_id,
        payment_id,
    )
    return await get(conn, merchant_id, payment_id) if found else None


async def may_ask(conn: Conn, payment: Payment, *, every: timedelta) -> bool:
    """Whether the PSP may be asked about it now: one of those who would, within `every`."""
    return bool(
        await conn.execute(
            "UPDATE payments SET asked_at = now() WHERE merchant_id = $1 AND id = $2"
            " AND (asked_at IS NULL OR asked_at <= now() - $3::interval)",
            payment.merchant_id,
            payment.id,
            every,
        )
    )


async def get_challenged(conn: Conn, payment_id: str) -> Payment | None:
    """Of any merchant: for a shopper who comes back from a challenge."""
    row = await conn.fetchrow(f"{_SELECT} WHERE id = $1 AND challenged_at IS NOT NULL", payment_id)
    return payment_of(row) if row else None


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any."""

    state: State | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    order_reference: str | None = None
    customer_id: str | None = None


async def list_page(conn: Conn, merchant_id: str, wanted: Filter, page: Page) -> Sequence[Payment]:
    """Newest first, one more than the page holds. Conditions that are absent are not in the SQL,
    so that each combination has a plan of its own. The state is: it decides which index serves.
    """
    values: list[object] = [merchant_id, page.before, page.limit + 1]
    conditions = ["merchant_id = $1", "id < $2"]
    if wanted.state is not None:
        conditions.append(f"state = '{wanted.state.value}'")
    for condition, value in (
        ("created_at >= ", wanted.created_from),
        ("created_at < ", wanted.created_to),
        ("order_reference = ", wanted.order_reference),
        ("customer_id <> '' AND customer_id = ", wanted.customer_id),
    ):
        if value is not None:
            values.append(value)
            conditions.append(f"{condition}${len(values)}")
    rows = await conn.fetch(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT $3", *values
    )
    return [payment_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Due:
    merchant_id: str
    payment_id: str
    clock_offset: timedelta


_DUE: Final = fair_sql(
    "payments",
    columns="merchant_id, id, coalesce(clock.clock_offset, interval '0') AS clock_offset",
    by_test_clock=True,
)
_CLAIM_DUE: Final = f"""
WITH due AS ({_DUE})
UPDATE payments SET due_at = now() + due.clock_offset + $4
FROM due WHERE payments.merchant_id = due.merchant_id AND payments.id = due.id
RETURNING payments.merchant_id, payments.id, due.clock_offset"""  # noqa: S608 - made of constants


async def claim_due(conn: Conn, room: Room, *, lease: timedelta) -> Sequence[Due]:
    """Payments to capture or to give up; each comes again after `lease` unless it was handled."""
    rows = await conn.fetch(_CLAIM_DUE, *room.values, lease)
    return [_due_of(row) for row in rows]


def _due_of(row: Row) -> Due:
    return Due(row["merchant_id"], row["id"], row["clock_offset"])
