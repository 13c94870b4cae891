"""Writes the intent of a payment: everything that may block it is checked in the same statement."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import idempotency
from libs.db import Conn, Row, on_unique_violation
from libs.errors import IdempotencyKeyReused
from libs.idempotency import Claim, Key
from services.payments.rules import orders, velocity
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.states import State
from services.payments.store.attempts import ATTEMPTS
from services.payments.store.payments import NOT_COUNTED, PAYMENTS
from services.payments.store.velocity import barred_sql, reserve_sql, subject_values

# The parameters, in order: the payment, its attempt, when recovery asks, whether the order's first
# payment is known, the shopper's subjects, and the claim.
_PAYMENT: Final = PAYMENTS.marks()
_ATTEMPT: Final = ATTEMPTS.marks(len(_PAYMENT) + 1)
_ASK_IN: Final = len(_PAYMENT) + len(_ATTEMPT) + 1
_BESIDE: Final = f"${_ASK_IN + 1}"
_JUDGED: Final = _ASK_IN + 2
_KEY: Final = _JUDGED + 5
_MERCHANT, _PART = _PAYMENT["merchant_id"], _PAYMENT["order_part"]
_NOW: Final = _PAYMENT["created_at"]
_HINDERED: Final = "EXISTS (SELECT FROM first) OR EXISTS (SELECT FROM barred)"
_FRESH: Final = f"{idempotency.fresh_sql(_KEY, claimed='claimed')} AND NOT ({_HINDERED})"
# `first` is orders.exclude in SQL. It is skipped if the first payment is known. The unique indexes
# catch what it misses when both are written at once.
_INSERT: Final = f"""
WITH first AS (
    SELECT id, state FROM payments
    WHERE merchant_id = {_MERCHANT} AND order_reference = {_PAYMENT["order_reference"]}
      AND NOT {_BESIDE} AND NOT starts_with({_PART}, '{orders.USE}')
      AND NOT starts_with(order_part, '{orders.USE}')
      AND (order_part = {_PART} OR '' IN (order_part, {_PART})) AND state NOT IN ({NOT_COUNTED})
    ORDER BY id LIMIT 1),
barred AS ({barred_sql(_JUDGED, merchant=_MERCHANT, now=_NOW)}),
claimed AS ({idempotency.claim_sql(_KEY, unless=_HINDERED)}),
attempt AS (
    INSERT INTO attempts ({", ".join(_ATTEMPT)}, next_recovery_at)
    SELECT {", ".join(_ATTEMPT.values())}, now() + ${_ASK_IN} WHERE {_FRESH}),
payment AS (
    INSERT INTO payments ({", ".join(_PAYMENT)}, guards_order)
    SELECT {", ".join(_PAYMENT.values())}, NOT {_BESIDE} AND NOT starts_with({_PART}, '{orders.USE}')
    WHERE {_FRESH}
    RETURNING id),
reserved AS ({reserve_sql(_JUDGED, merchant=_MERCHANT, now=_NOW)})
SELECT resource_id, fresh, first.id AS first_id, first.state AS first_state, barred.subject
FROM (VALUES (1)) AS always
LEFT JOIN claimed ON true LEFT JOIN first ON true LEFT JOIN barred ON true"""  # noqa: S608 - made of constants


class OtherPaymentError(Exception):
    """Another payment of the order was written at the same moment."""


@dataclass(frozen=True, slots=True)
class First:
    """A payment of the order that blocks another one."""

    id: str
    state: State


@dataclass(frozen=True, slots=True)
class Barred:
    """A subject with too many recently declined cards."""

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
    """Inserts a fresh payment with its first attempt, if its key is new and nothing blocks it: all
    in one statement. If something does, nothing is written and a First or Barred is returned.

    `beside`: the order's first payment is known, and this one is created nevertheless. `ask_in`:
    when recovery looks at the attempt, and how long the key is locked. Raises OtherPaymentError and
    the errors of idempotency.claim, also for a key deleted since it created a payment.
    """
    subjects = velocity.limited_subjects(
        payment.velocity_subjects, instrument_id=payment.instrument_id
    )
    with on_unique_violation(
        payments_one_per_order=OtherPaymentError,
        payments_one_per_order_part=OtherPaymentError,
        payments_one_per_caller_key=IdempotencyKeyReused,
    ):
        row = await conn.fetchrow(
            _INSERT,
            *PAYMENTS.values(payment),
            *ATTEMPTS.values(attempt),
            ask_in,
            beside,
            *subject_values(subjects),
            *idempotency.claim_values(key, payment.id, lock=ask_in),
        )
    assert row is not None  # there is always one
    claimed = row if row["resource_id"] else None
    hindered = _hindered(row)
    if hindered is not None and (claimed is None or claimed["fresh"]):
        return (await idempotency.held_of(conn, key) if key else None) or hindered
    return await idempotency.claim_of(conn, key, payment.id, claimed)


def _hindered(row: Row) -> First | Barred | None:
    if row["subject"]:
        return Barred(row["subject"])
    return First(row["first_id"], State(row["first_state"])) if row["first_id"] else None
