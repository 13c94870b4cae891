"""Payments: one statement per function, on a connection that the flow opened."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from libs import idempotency
from libs.db import Conn, Row
from libs.due import Room, fair_sql
from libs.idempotency import Claim, Key
from libs.pages import Page
from services.payments import orders, tokens
from services.payments.domain import Attempt, Payment
from services.payments.states import State
from services.payments.store.rows import candidate_json, decline_json, payment_of

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

_NOT_COUNTED: Final = ", ".join(f"'{state.value}'" for state in orders.NOT_COUNTED)
_KEY: Final = 41  # the first parameter of the claim
_FRESH: Final = (
    f"{idempotency.fresh_sql(_KEY, claimed='claimed')} AND NOT EXISTS (SELECT FROM first)"
)
# `first` is the rule of orders.exclude, in SQL. It is not looked for when it is known. What it does not see, since both come at once, the unique indexes do.
_INSERT: Final = f"""
WITH first AS (
    SELECT id, state FROM payments
    WHERE merchant_id = $1 AND order_reference = $9 AND NOT $40
      AND NOT starts_with($38, '{orders.USE}') AND NOT starts_with(order_part, '{orders.USE}')
      AND (order_part = $38 OR '' IN (order_part, $38)) AND state NOT IN ({_NOT_COUNTED})
    ORDER BY id LIMIT 1),
claimed AS ({idempotency.claim_sql(_KEY, unless="EXISTS (SELECT FROM first)")}),
attempt AS (
    INSERT INTO attempts (merchant_id, id, payment_id, kind, state, psp_account_id, token,
        psp_customer, amount_minor, exemption, force_challenge, reason, created_at,
        next_recovery_at)
    SELECT $1, $31, $2, $32, $33, $18, $34, $35, $4, $15, $36, '', $29, now() + $37
    WHERE {_FRESH}),
payment AS (
    INSERT INTO payments (merchant_id, id, state, amount_minor, currency, capturable_minor, capture,
        capture_at, order_reference, method, initiator, customer_id, instrument_id,
        mandate_reference, exemption, candidates, due_at, psp_account_id, psp_account,
        psp_reference, return_url, description, metadata, trace_id, traceparent, actor,
        challenged_at, decline, created_at, next_action_url, order_part, duplicate_of,
        guards_order)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $38, $39, NOT $40 AND NOT starts_with($38, '{orders.USE}')
    WHERE {_FRESH})
SELECT resource_id, fresh, first.id AS first_id, first.state AS first_state
FROM (VALUES (1)) AS always LEFT JOIN claimed ON true LEFT JOIN first ON true"""  # noqa: S608 - made of constants

ONE_PER_ORDER: Final = frozenset({"payments_one_per_order", "payments_one_per_order_part"})


@dataclass(frozen=True, slots=True)
class First:
    """A payment of the order that stands in the way of another one."""

    id: str
    state: State


async def claim_and_insert(
    conn: Conn,
    key: Key | None,
    payment: Payment,
    attempt: Attempt,
    *,
    ask_in: timedelta,
    beside: bool = False,
) -> Claim | First:
    """A fresh payment with its first attempt, if its key is new and its order is not paid yet: all
    in one statement. A First, and nothing is written, when it is.

    `beside`: the order's first payment is known, and this one is made nevertheless.
    `ask_in`: when recovery looks at the attempt, and how long the key is locked. Raises as
    idempotency.claim does, and UniqueViolation of ONE_PER_ORDER when another payment of the order
    is written at the same moment.
    """
    row = await conn.fetchrow(
        _INSERT,
        *_inserted_values(payment, attempt, ask_in=ask_in, beside=beside),
        *idempotency.claim_values(key, payment.id, lock=ask_in),
    )
    assert row is not None  # there always is one
    claimed = row if row["resource_id"] else None
    if row["first_id"] and (claimed is None or claimed["fresh"]):
        held = await idempotency.held_of(conn, key) if key else None
        return held or First(row["first_id"], State(row["first_state"]))
    return await idempotency.claim_of(conn, key, payment.id, claimed)


def _inserted_values(
    payment: Payment, attempt: Attempt, *, ask_in: timedelta, beside: bool
) -> tuple[object, ...]:
    """The parameters of _INSERT before those of the claim."""
    return (
        payment.merchant_id,
        payment.id,
        payment.state.value,
        payment.amount_minor,
        payment.currency,
        payment.capturable_minor,
        payment.capture.value,
        payment.capture_at,
        payment.order_reference,
        payment.method,
        payment.initiator.value,
        payment.customer_id,
        payment.instrument_id,
        payment.mandate_reference,
        payment.exemption.value,
        [candidate_json(candidate) for candidate in payment.candidates],
        payment.due_at,
        payment.psp_account_id,
        payment.psp_account,
        payment.psp_reference,
        payment.return_url,
        payment.description,
        dict(payment.metadata),
        payment.trace_id,
        payment.traceparent,
        payment.actor,
        payment.challenged_at,
        decline_json(payment.decline),
        payment.created_at,
        payment.next_action_url,
        attempt.id,
        attempt.kind.value,
        attempt.state.value,
        attempt.token,
        attempt.psp_customer,
        attempt.force_challenge,
        ask_in,
        payment.order_part,
        payment.duplicate_of,
        beside,
    )


SAVE_SQL: Final = f"""
UPDATE payments SET version = version + 1, state = $5, authorised_minor = $6,
    capturable_minor = $7, capturing_minor = $8, captured_minor = $9, refunding_minor = $10,
    refunded_minor = $11, due_at = $12, challenged_at = $13, exemption = $14, psp_account_id = $15,
    psp_account = $16, psp_reference = $17, next_action_url = $18, decline = $19,
    guards_order = guards_order AND $5 NOT IN ({_NOT_COUNTED}),
    candidates = CASE WHEN $20 THEN (
        SELECT jsonb_agg(candidate || '{{"token": ""}}') FROM jsonb_array_elements(candidates) candidate
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


async def lock(conn: Conn, merchant_id: str, payment_id: str) -> Payment | None:
    """Lock and read. Two statements: what waits for a lock does not see others' new refunds."""
    found = await conn.fetchval(
        "SELECT id FROM payments WHERE merchant_id = $1 AND id = $2 FOR UPDATE",
        merchant_id,
        payment_id,
    )
    return await get(conn, merchant_id, payment_id) if found else None


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
    so that each combination has a plan of its own.
    """
    values: list[object] = [merchant_id, page.before, page.limit + 1]
    conditions = ["merchant_id = $1", "id < $2"]
    for condition, value in (
        ("state = ", wanted.state.value if wanted.state else None),
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
