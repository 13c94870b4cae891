"""SQL of payments requested for instalments. Changing one requires the lock of its plan."""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn, on_unique_violation
from libs.payments.due import CHECK_AFTER
from libs.payments.events import PaymentEvent, already_ended
from services.instalments.errors import PlanBusy
from services.instalments.rules.plans import Collection
from services.instalments.rules.states import COLLECTION_OPEN

_UNENDED: Final = [state.value for state in COLLECTION_OPEN]
COLLECTIONS: Final = rows.Table("collections", Collection)
_INSERT: Final = COLLECTIONS.insert(due_at="now() + {}::interval")
_CHANGES: Final = (
    "state",
    "request",
    "payment_id",
    "next_action_url",
    "decline",
    "refusal",
    "giving_up",
)


async def insert(conn: Conn, collection: Collection) -> None:
    """The intent. Raises PlanBusy while another is in progress."""
    with on_unique_violation(collections_one=PlanBusy, collections_settlement=PlanBusy):
        await conn.execute(_INSERT, *COLLECTIONS.values(collection), CHECK_AFTER)


_GIVEN: Final = {
    "merchant_id": "text",
    "id": "text",
    "plan_id": "text",
    "number": "int",
    "state": "text",
    "amount_minor": "bigint",
    "currency": "text",
    "instrument_id": "text",
    "by_customer": "boolean",
    "request": "bytea",
    "created_at": "timestamptz",
}
_INSERT_ALL: Final = f"""
INSERT INTO collections ({", ".join(_GIVEN)}, due_at)
SELECT given.*, now() + ${len(_GIVEN) + 1}::interval
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_GIVEN.values(), 1))}) AS given"""  # noqa: S608 - made of constants


async def insert_all(conn: Conn, intents: Sequence[Collection]) -> None:
    """Merchant-initiated charges, whose plans are locked in this transaction."""
    if intents:
        await conn.execute(_INSERT_ALL, *COLLECTIONS.arrays(intents, *_GIVEN), CHECK_AFTER)


async def of_ids(conn: Conn, merchant_id: str, ids: Sequence[str]) -> Sequence[Collection]:
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[])"
    return await COLLECTIONS.all(conn, where, merchant_id, list(ids))


async def save_paid(conn: Conn, paid: Sequence[Collection]) -> None:
    """Saves collections that have succeeded."""
    if not paid:
        return
    await conn.execute(
        "UPDATE collections SET state = given.state, payment_id = given.payment_id,"
        " request = NULL, next_action_url = NULL, due_at = NULL"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
        " AS given (merchant_id, id, state, payment_id)"
        " WHERE collections.merchant_id = given.merchant_id AND collections.id = given.id",
        *COLLECTIONS.arrays(paid, "merchant_id", "id", "state", "payment_id"),
    )


async def save(conn: Conn, collection: Collection) -> None:
    """Saves the effect of an answer; a finished one is no longer due."""
    ended = "CASE WHEN $3 = 'under_way' THEN due_at END"
    await COLLECTIONS.change(
        conn,
        collection,
        f"{rows.assignments(_CHANGES, first=3)}, due_at = {ended}",
        *COLLECTIONS.values(collection, *_CHANGES),
    )


async def of_payment(conn: Conn, merchant_id: str, payment_id: str, key: str) -> Collection | None:
    """The collection of a payment, or the one with its key that has no payment recorded yet."""
    where = "WHERE merchant_id = $1 AND (payment_id = $2 OR id = $3 AND payment_id IS NULL)"
    return await COLLECTIONS.one(conn, where, merchant_id, payment_id, key)


async def latest(conn: Conn, merchant_id: str, plan_id: str) -> Collection | None:
    where = "WHERE merchant_id = $1 AND plan_id = $2 ORDER BY id DESC LIMIT 1"
    return await COLLECTIONS.one(conn, where, merchant_id, plan_id)


async def known(conn: Conn, events: Sequence[PaymentEvent]) -> Ids[str]:
    """Ids of events of collections that had already ended."""
    return await already_ended(conn, "collections", events, unended=_UNENDED)


async def under_way(conn: Conn, merchant_id: str, plan_id: str) -> Sequence[Collection]:
    where = "WHERE merchant_id = $1 AND plan_id = $2 AND state = ANY($3::text[]) ORDER BY id"
    return await COLLECTIONS.all(conn, where, merchant_id, plan_id, _UNENDED)
