"""Compares the published books of plans with the plans themselves, after each test, whatever it did."""

from collections import defaultdict
from typing import Final

from google.protobuf.message import Message

from incasso.instalments.v1 import events_pb2
from libs import wire
from libs.db import Database
from services.instalments.rules.books import Books, books_of
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS

Changed: Final = events_pb2.PlanBalanceChanged


def books(message: Message) -> Books:
    return wire.read(Books, message)


async def check(db: Database, merchant_id: str) -> None:
    """Each change starts where the previous one ended, and the last ends at the plan's current
    books. Each changes the books or the due amounts.
    """
    known: dict[str, Books] = defaultdict(Books)
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT body FROM outbox WHERE merchant_id = $1 AND subject = $2 ORDER BY seq",
            merchant_id,
            "incasso.instalments.plan.balance_changed",
        )
        for change in (Changed.FromString(row["body"]) for row in rows):
            assert books(change.before) == known[change.plan_id]
            after = books(change.after), list(change.dues_after)
            assert after != (books(change.before), list(change.dues_before))
            known[change.plan_id] = books(change.after)
        for plan in await PLANS.all(conn, "WHERE merchant_id = $1", merchant_id):
            found = books_of(plan, await store.parts(conn, merchant_id, plan.id))
            debited, credited = found.sides
            assert (debited, found) == (credited, known[plan.id])
