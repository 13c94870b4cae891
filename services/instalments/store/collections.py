"""SQL of what is asked of payments for instalments. Who changes one holds the lock of its plan."""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn, unique
from libs.payments.answer import Outcome
from libs.payments.due import CHECK_AFTER
from libs.payments.events import Told
from services.instalments.errors import PlanBusy
from services.instalments.rules.plans import Collection
from services.instalments.rules.states import CollectionState

COLLECTIONS: Final = rows.Table("collections", Collection)
_INSERT: Final = COLLECTIONS.insert(due_at="now() + {}::interval")
_CHANGES: Final = ("state", "request", "payment_id", "next_action_url", "decline", "refusal")


async def insert(conn: Conn, collection: Collection) -> None:
    """The intent. Raises PlanBusy while another is under way."""
    with unique(collections_one=PlanBusy):
        await conn.execute(_INSERT, *COLLECTIONS.values(collection), CHECK_AFTER)


async def save(conn: Conn, collection: Collection) -> None:
    """What an answer made of it; one with an end is not due any more."""
    ended = "CASE WHEN $3 = 'under_way' THEN due_at END"
    await COLLECTIONS.change(
        conn,
        collection,
        f"{rows.assignments(_CHANGES, first=3)}, due_at = {ended}",
        *COLLECTIONS.values(collection, *_CHANGES),
    )


async def of_payment(conn: Conn, merchant_id: str, payment_id: str, key: str) -> Collection | None:
    """The one behind a payment, or the one of its key that does not know its payment yet."""
    where = "WHERE merchant_id = $1 AND (payment_id = $2 OR id = $3 AND payment_id IS NULL)"
    return await COLLECTIONS.one(conn, where, merchant_id, payment_id, key)


async def latest(conn: Conn, merchant_id: str, plan_id: str) -> Collection | None:
    where = "WHERE merchant_id = $1 AND plan_id = $2 ORDER BY id DESC LIMIT 1"
    return await COLLECTIONS.one(conn, where, merchant_id, plan_id)


async def known(conn: Conn, told: Sequence[Told]) -> Ids[str]:
    """Ids of events of collections that had their end before."""
    found = await conn.fetch(
        "SELECT told.event_id"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[])"
        " AS told (event_id, merchant_id, payment_id, succeeded)"
        " JOIN collections AS known USING (merchant_id, payment_id)"
        " WHERE state = 'succeeded'"
        " OR state NOT IN ('started', 'under_way') AND NOT succeeded",
        [event.event_id for event in told],
        [event.merchant_id for event in told],
        [event.answer.id for event in told],
        [event.answer.outcome is Outcome.SUCCEED for event in told],
    )
    return {row["event_id"] for row in found}


async def under_way(conn: Conn, merchant_id: str, plan_id: str) -> Sequence[Collection]:
    states = [CollectionState.STARTED.value, CollectionState.UNDER_WAY.value]
    where = "WHERE merchant_id = $1 AND plan_id = $2 AND state = ANY($3::text[]) ORDER BY id"
    return await COLLECTIONS.all(conn, where, merchant_id, plan_id, states)
