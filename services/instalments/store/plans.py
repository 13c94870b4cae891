"""SQL of plans and their instalments. Changing an instalment requires the lock of its plan."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn, on_unique_violation
from libs.queues import CLOCK_OFFSET, HOLD, Queue, held
from services.instalments.errors import QuoteUsed
from services.instalments.rules.plans import Document, DocumentKind, Instalment, Plan

PLANS: Final = rows.Table("plans", Plan)
INSTALMENTS: Final = rows.Table("instalments", Instalment)
_CHANGES: Final = (
    "state",
    "instrument_id",
    "acceptance",
    "review",
    "withdrawal",
    "expires_at",
    "activated_at",
    "ended_at",
    "due_at",
    "price_refunded_minor",
    "items",
)
_TYPES: Final = {
    "merchant_id": "text",
    "plan_id": "text",
    "number": "int",
    "state": "text",
    "due_on": "date",
    "principal_minor": "bigint",
    "interest_minor": "bigint",
    "fee_minor": "bigint",
    "late_fee_minor": "bigint",
    "rebate_minor": "bigint",
    "tries": "int",
    "payment_id": "text",
    "missed_at": "timestamptz",
    "paid_at": "timestamptz",
    "due_at": "timestamptz",
    "advice": "text",
    "refunded_minor": "bigint",
    "refunding_minor": "bigint",
    "written_off_at": "timestamptz",
    "disputed_minor": "bigint",
    "lost_minor": "bigint",
    "charged_back_minor": "bigint",
}
_GIVEN: Final = ", ".join(
    f"${number}::{_TYPES[column]}[]" for number, column in enumerate(INSTALMENTS.columns, 1)
)
_COLUMNS: Final = ", ".join(INSTALMENTS.columns)
_CHANGED: Final = ", ".join(
    f"{column} = given.{column}" for column in INSTALMENTS.but("merchant_id", "plan_id", "number")
)
_INSERT_PARTS: Final = f"INSERT INTO instalments ({_COLUMNS}) SELECT * FROM unnest({_GIVEN})"  # noqa: S608 - made of constants
_SAVE_PARTS: Final = f"""
UPDATE instalments SET {_CHANGED}, held_until = '-infinity' FROM unnest({_GIVEN}) AS given ({_COLUMNS})
WHERE instalments.merchant_id = given.merchant_id AND instalments.plan_id = given.plan_id
    AND instalments.number = given.number"""  # noqa: S608 - made of constants


_SAVED: Final = {
    "merchant_id": "text",
    "id": "text",
    "state": "text",
    "instrument_id": "text",
    "activated_at": "timestamptz",
    "ended_at": "timestamptz",
    "due_at": "timestamptz",
    "price_refunded_minor": "bigint",
}
_SAVE_ALL: Final = f"""
UPDATE plans SET {", ".join(f"{column} = given.{column}" for column in list(_SAVED)[2:])},
    held_until = '-infinity'
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_SAVED.values(), 1))})
    AS given ({", ".join(_SAVED)})
WHERE plans.merchant_id = given.merchant_id AND plans.id = given.id"""  # noqa: S608 - made of constants


async def insert(conn: Conn, plan: Plan, parts: Sequence[Instalment]) -> None:
    """Raises QuoteUsed."""
    with on_unique_violation(plans_quote=QuoteUsed):
        await PLANS.add(conn, plan)
    await add_parts(conn, parts)


async def add_parts(conn: Conn, parts: Sequence[Instalment]) -> None:
    await conn.execute(_INSERT_PARTS, *INSTALMENTS.arrays(parts))


async def save(conn: Conn, plan: Plan) -> None:
    """Saves a plan locked in this transaction."""
    changes = rows.assignments(_CHANGES, first=3)
    await PLANS.change(conn, plan, changes, *PLANS.values(plan, *_CHANGES))


async def save_all(conn: Conn, changed: Sequence[Plan]) -> None:
    """The changeable columns of plans, except their acceptance; locked in this transaction.
    Releases their claims.
    """
    if changed:
        await conn.execute(_SAVE_ALL, *PLANS.arrays(changed, *_SAVED))


async def free(conn: Conn, merchant_id: str, plan_ids: Sequence[str]) -> Sequence[Plan]:
    """Locks those that are not locked already, so that no two workers wait for each other."""
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[]) FOR NO KEY UPDATE SKIP LOCKED"
    return await PLANS.all(conn, where, merchant_id, list(plan_ids))


async def in_turn(conn: Conn, merchant_id: str, plan_ids: Sequence[str]) -> Sequence[Plan]:
    """Locks all of them, in the same order for all that wait."""
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE"
    return await PLANS.all(conn, where, merchant_id, list(plan_ids))


async def cards_of(conn: Conn, merchant_id: str, plan_ids: Sequence[str]) -> Sequence[str]:
    """Instruments charged by these plans."""
    found = await conn.fetch(
        "SELECT DISTINCT instrument_id FROM plans WHERE merchant_id = $1 AND id = ANY($2::text[])",
        merchant_id,
        list(plan_ids),
    )
    return [row["instrument_id"] for row in found]


async def parts(conn: Conn, merchant_id: str, plan_id: str) -> Sequence[Instalment]:
    where = "WHERE merchant_id = $1 AND plan_id = $2 ORDER BY number"
    return await INSTALMENTS.all(conn, where, merchant_id, plan_id)


async def paid_by(
    conn: Conn, merchant_id: str, order_reference: str, payment_id: str
) -> str | None:
    """The plan of an order, one of whose parts the payment has paid."""
    found: str | None = await conn.fetchval(
        "SELECT plan_id FROM instalments JOIN plans"
        " ON plans.merchant_id = instalments.merchant_id AND plans.id = plan_id"
        " WHERE plans.merchant_id = $1 AND order_reference = $2 AND payment_id = $3 LIMIT 1",
        merchant_id,
        order_reference,
        payment_id,
    )
    return found


async def parts_of(
    conn: Conn, merchant_id: str, plan_ids: Sequence[str]
) -> Mapping[str, Sequence[Instalment]]:
    where = "WHERE merchant_id = $1 AND plan_id = ANY($2::text[]) ORDER BY plan_id, number"
    found: dict[str, list[Instalment]] = {plan_id: [] for plan_id in plan_ids}
    for part in await INSTALMENTS.all(conn, where, merchant_id, list(plan_ids)):
        found[part.plan_id].append(part)
    return found


async def save_parts(conn: Conn, changed: Sequence[Instalment]) -> None:
    """The changeable columns of instalments whose plan is locked in this transaction. Releases
    their claims.
    """
    if changed:
        await conn.execute(_SAVE_PARTS, *INSTALMENTS.arrays(changed))


# Plans with something due by their merchant's clock: the expiry of the offer, a late fee, default.
CLAIM: Final = held("plans")

MOST_AT_ONCE: Final = 25  # parts of one merchant that are charged together
# Parts that are due by their merchant's clock: several per row.
_PARTS: Final = Queue(
    "instalments",
    where="held_until <= now()",
    columns="merchant_id, plan_id, number",
    by_test_clock=True,
    lock="FOR NO KEY UPDATE",
)
CLAIM_PARTS: Final = _PARTS.claim(f"""
, held AS (
    UPDATE instalments SET held_until = now() + {HOLD} FROM due
    WHERE instalments.merchant_id = due.merchant_id AND instalments.plan_id = due.plan_id
        AND instalments.number = due.number
    RETURNING due.merchant_id, due.plan_id, due.number, (nth - 1) / {MOST_AT_ONCE} AS place
)
SELECT merchant_id, array_agg(plan_id) AS plan_ids, array_agg(number) AS numbers, {CLOCK_OFFSET}
FROM held LEFT JOIN test_clocks USING (merchant_id)
GROUP BY merchant_id, place, clock_offset""")  # noqa: S608 - made of constants


async def deliver(conn: Conn, plan: Plan, document: Document, now: datetime) -> bytes:
    """Stores a document unless one was delivered, and returns the content first delivered."""
    kept: bytes = await conn.fetchval(
        "INSERT INTO documents AS kept (merchant_id, plan_id, kind, sha256, content, delivered_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (merchant_id, plan_id, kind) DO UPDATE SET kind = kept.kind"
        " RETURNING content",
        plan.merchant_id,
        plan.id,
        document.kind.value,
        document.sha256,
        document.content,
        now,
    )
    return kept


async def delivered(conn: Conn, plan: Plan, kind: DocumentKind) -> bytes | None:
    found: bytes | None = await conn.fetchval(
        "SELECT content FROM documents WHERE merchant_id = $1 AND plan_id = $2 AND kind = $3",
        plan.merchant_id,
        plan.id,
        kind.value,
    )
    return found


async def delivered_kinds(conn: Conn, plan: Plan) -> Mapping[str, str]:
    """SHA-256 of the delivered documents, by kind."""
    found = await conn.fetch(
        "SELECT kind, sha256 FROM documents WHERE merchant_id = $1 AND plan_id = $2",
        plan.merchant_id,
        plan.id,
    )
    return {row["kind"]: row["sha256"] for row in found}
