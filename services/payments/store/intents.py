"""Writing the intent of a payment: all that may stand in its way is asked in the same statement."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import idempotency, rows
from libs.db import Conn, Row, unique
from libs.errors import IdempotencyKeyReused
from libs.idempotency import Claim, Key
from services.payments.rules import orders, velocity
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.states import State
from services.payments.store.payments import NOT_COUNTED
from services.payments.store.velocity import barred_sql, judged_values, reserve_sql

_JUDGED: Final = 44  # the first parameter of what is said of the shopper
_KEY: Final = _JUDGED + 5  # the first parameter of the claim
_HINDERED: Final = "EXISTS (SELECT FROM first) OR EXISTS (SELECT FROM barred)"
_FRESH: Final = f"{idempotency.fresh_sql(_KEY, claimed='claimed')} AND NOT ({_HINDERED})"
# `first` is the rule of orders.exclude, in SQL. It is not looked for when it is known. What it does
# not see, since both come at once, the unique indexes do.
_INSERT: Final = f"""
WITH first AS (
    SELECT id, state FROM payments
    WHERE merchant_id = $1 AND order_reference = $9 AND NOT $40
      AND NOT starts_with($38, '{orders.USE}') AND NOT starts_with(order_part, '{orders.USE}')
      AND (order_part = $38 OR '' IN (order_part, $38)) AND state NOT IN ({NOT_COUNTED})
    ORDER BY id LIMIT 1),
barred AS ({barred_sql(_JUDGED, merchant="$1", now="$29")}),
claimed AS ({idempotency.claim_sql(_KEY, unless=_HINDERED)}),
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
        guards_order, velocity_subjects, caller, caller_key)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $38, $39,
        NOT $40 AND NOT starts_with($38, '{orders.USE}'), $41, $42, $43
    WHERE {_FRESH}
    RETURNING id),
reserved AS ({reserve_sql(_JUDGED, merchant="$1", now="$29")})
SELECT resource_id, fresh, first.id AS first_id, first.state AS first_state, barred.subject
FROM (VALUES (1)) AS always
LEFT JOIN claimed ON true LEFT JOIN first ON true LEFT JOIN barred ON true"""  # noqa: S608 - made of constants


class OtherPaymentError(Exception):
    """Another payment of the order was written at the same moment."""


@dataclass(frozen=True, slots=True)
class First:
    """A payment of the order that stands in the way of another one."""

    id: str
    state: State


@dataclass(frozen=True, slots=True)
class Barred:
    """A subject with which too many cards were declined lately."""

    subject: str


async def claim_and_insert(
    conn: Conn,
    key: Key | None,
    payment: Payment,
    attempt: Attempt,
    *,
    ask_in: timedelta,
    beside: bool = False,
) -> Claim | First | Barred:
    """A fresh payment with its first attempt, if its key is new and nothing stands in its way: all
    in one statement. A First or Barred, and nothing is written, when something does.

    `beside`: the order's first payment is known, and this one is made nevertheless.
    `ask_in`: when recovery looks at the attempt, and how long the key is locked. Raises as
    idempotency.claim does, also of a key that was purged since its payment, and OtherPaymentError.
    """
    with unique(
        payments_one_per_order=OtherPaymentError,
        payments_one_per_order_part=OtherPaymentError,
        payments_one_per_caller_key=IdempotencyKeyReused,
    ):
        row = await conn.fetchrow(
            _INSERT,
            *_inserted_values(payment, attempt, ask_in=ask_in, beside=beside),
            *idempotency.claim_values(key, payment.id, lock=ask_in),
        )
    assert row is not None  # there always is one
    claimed = row if row["resource_id"] else None
    hindered = _hindered(row)
    if hindered is not None and (claimed is None or claimed["fresh"]):
        return (await idempotency.held_of(conn, key) if key else None) or hindered
    return await idempotency.claim_of(conn, key, payment.id, claimed)


def _hindered(row: Row) -> First | Barred | None:
    if row["subject"]:
        return Barred(row["subject"])
    return First(row["first_id"], State(row["first_state"])) if row["first_id"] else None


def _inserted_values(
    payment: Payment, attempt: Attempt, *, ask_in: timedelta, beside: bool
) -> tuple[object, ...]:
    """The parameters of _INSERT before those of the claim."""
    judged = velocity.judged(payment.velocity_subjects, instrument_id=payment.instrument_id)
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
        rows.to_json(payment.candidates),
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
        rows.to_json(payment.decline),
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
        list(payment.velocity_subjects),
        payment.caller,
        payment.caller_key,
        *judged_values(judged),
    )
