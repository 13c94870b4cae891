"""SQL of payments: one statement per function, on a connection that the flow opened."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from libs.queues import CLOCK_OFFSET, Queue
from services.payments.rules import orders, tokens, velocity
from services.payments.rules.domain import Payment
from services.payments.rules.states import State

# A payment's refunds and disputes. Must not be read by a statement that waits for a lock: see
# `lock`. A refund is its attempt, as the shop sees it.
_REFUNDS: Final = """(
    SELECT coalesce(jsonb_agg(to_jsonb(refund) ORDER BY refund.id), '[]')
    FROM (SELECT id, amount_minor, reason, created_at, psp_reference, elsewhere, caller_key,
            CASE state WHEN 'approved' THEN 'succeeded' WHEN 'declined' THEN 'failed'
                ELSE 'processing' END AS state
        FROM attempts
        WHERE attempts.merchant_id = payments.merchant_id AND attempts.payment_id = payments.id
          AND kind = 'refund' AND charge_reference = '') AS refund)"""
_DISPUTES: Final = """(
    SELECT coalesce(jsonb_agg(to_jsonb(disputes) ORDER BY disputes.id), '[]') FROM disputes
    WHERE disputes.merchant_id = payments.merchant_id AND disputes.payment_id = payments.id)"""
PAYMENTS: Final = rows.Table("payments", Payment, sql={"refunds": _REFUNDS, "disputes": _DISPUTES})

NOT_COUNTED: Final = ", ".join(f"'{state.value}'" for state in orders.NOT_COUNTED)
_OPEN: Final = ", ".join(f"'{state.value}'" for state in velocity.OPEN)

_SAVED: Final = [
    "state",
    "authorised_minor",
    "capturable_minor",
    "capturing_minor",
    "captured_minor",
    "refunding_minor",
    "refunded_minor",
    "due_at",
    "challenged_at",
    "exemption",
    "psp_account_id",
    "psp_account",
    "psp_reference",
    "next_action_url",
    "decline",
]
SAVE_SQL: Final = f"""
UPDATE payments SET version = version + 1, {rows.assignments(_SAVED, first=5)},
    velocity_subjects = CASE WHEN $5 IN ({_OPEN}) THEN velocity_subjects ELSE '{{}}' END,
    guards_order = guards_order AND $5 NOT IN ({NOT_COUNTED}),
    candidates = CASE WHEN $20 THEN (
        SELECT jsonb_agg(candidate || '{{"token": "", "psp_customer": "", "shopper": {{}}}}') FROM jsonb_array_elements(candidates) candidate
    ) ELSE candidates END
WHERE merchant_id = $1 AND id = $2 AND version = $3 AND state = $4"""  # noqa: S608 - made of constants


def saved_values(before: Payment, after: Payment) -> list[object]:
    """The twenty parameters of SAVE_SQL; the last one says whether the tokens are cleared."""
    return [
        after.merchant_id,
        after.id,
        before.version,
        before.state.value,
        *PAYMENTS.values(after, *_SAVED),
        tokens.are_used_up(after),
    ]


async def save(conn: Conn, before: Payment, after: Payment) -> Payment | None:
    """The payment as saved; None if it no longer equals `before`."""
    touched = await conn.execute(SAVE_SQL, *saved_values(before, after))
    return replace(after, version=before.version + 1) if touched else None


async def save_locked(conn: Conn, before: Payment, after: Payment) -> Payment:
    """Saves a payment locked in this transaction."""
    saved = await save(conn, before, after)
    assert saved is not None  # it is locked
    return saved


get: Final = PAYMENTS.get


_OF_KEY: Final = """
WHERE merchant_id = $1 AND caller IN ('', $2) AND id = coalesce(
    (SELECT id FROM payments
      WHERE merchant_id = $1 AND caller = $2 AND caller_key = $3 AND caller_key <> ''),
    (SELECT resource_id FROM idempotency_keys
      WHERE merchant_id = $1 AND method = $4 AND key = $3))"""


async def of_key(
    conn: Conn, merchant_id: str, key: str, *, caller: str, method: str
) -> Payment | None:
    """The payment that `caller` created under its key. Payments older than the column are found by
    the key's row for `method`.
    """
    return await PAYMENTS.one(conn, _OF_KEY, merchant_id, caller, key, method)


async def lock(conn: Conn, merchant_id: str, payment_id: str) -> Payment | None:
    """Locks and reads, in two statements: a statement that waits for a lock does not see others'
    new refunds.
    """
    held = "SELECT id FROM payments WHERE merchant_id = $1 AND id = $2 FOR UPDATE"
    found = await conn.fetchval(held, merchant_id, payment_id)
    return await get(conn, merchant_id, payment_id) if found else None


async def may_ask(conn: Conn, payment: Payment, *, every: timedelta) -> bool:
    """Whether the PSP may be asked about it now: only one caller may within `every`."""
    free = "coalesce(asked_at <= now() - $3::interval, true)"
    return await PAYMENTS.change(conn, payment, "asked_at = now()", every, only=free)


async def get_challenged(conn: Conn, payment_id: str) -> Payment | None:
    """For any merchant: for a shopper who returns from a challenge."""
    where = "WHERE id = $1 AND challenged_at IS NOT NULL"
    return await PAYMENTS.one(conn, where, payment_id)


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any."""

    state: State | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    order_reference: str | None = None
    customer_id: str | None = None
    last4: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    disputed: bool | None = None


_COMMON: Final = (State.PROCESSING, State.CAPTURED)  # omitted from `listed_state`
_IS_ASKED_ABOUT: Final = """id IN (SELECT payment_id FROM attempts
    WHERE merchant_id = {} AND next_recovery_at IS NOT NULL)"""
_DISPUTED: Final = "id IN (SELECT payment_id FROM disputes WHERE merchant_id = {})"


async def list_page(conn: Conn, merchant_id: str, wanted: Filter, page: Page) -> Listed[Payment]:
    state = wanted.state
    conditions = {
        "merchant_id = {}": merchant_id,
        "state = {}": state,
        # Lets PostgreSQL use the index of rare states, or that of the few watched attempts.
        "listed_state = {}": None if state in _COMMON else state,
        _IS_ASKED_ABOUT: merchant_id if state is State.PROCESSING else None,
        "created_at >= {}": wanted.created_from,
        "created_at < {}": wanted.created_to,
        "order_reference = {}": wanted.order_reference,
        "customer_id <> '' AND customer_id = {}": wanted.customer_id,
        "last4 <> '' AND last4 = {}": wanted.last4,
        "amount_minor = {}": wanted.amount_minor,
        "currency = {}": wanted.currency,
        _DISPUTED if wanted.disputed else f"NOT {_DISPUTED}": (
            None if wanted.disputed is None else merchant_id
        ),
    }
    return await pages.fetch(conn, PAYMENTS, page, conditions)


_DUE: Final = Queue("payments", columns=f"merchant_id, id, {CLOCK_OFFSET}", by_test_clock=True)
# Payments to capture or give up; each is claimed again after $4 unless handled.
CLAIM_DUE: Final = _DUE.claim("""
UPDATE payments SET due_at = now() + make_interval(secs => due.clock_offset_seconds) + $4
FROM due WHERE payments.merchant_id = due.merchant_id AND payments.id = due.id
RETURNING payments.merchant_id, payments.id, due.clock_offset_seconds""")
