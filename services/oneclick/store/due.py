"""SQL of what is due: picked with SKIP LOCKED and moved ahead in the same statement.

15 seconds, doubled each time, at most an hour; so any number of workers may run, and a crash only
delays a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.db import Conn
from libs.due import BACKOFF, Room, fair_sql


@dataclass(frozen=True, slots=True)
class DueSetup:
    """A setup without an end. `late`: it was begun a day ago."""

    merchant_id: str
    instrument_id: str
    clock_offset_seconds: int
    late: bool


async def claim_due_setups(conn: Conn, room: Room) -> Sequence[DueSetup]:
    """A shopper at a challenge is back within minutes: for these the PSP is asked often."""
    rows = await conn.fetch(
        f"WITH due AS ({fair_sql('instruments')}"  # noqa: S608 - made of constants
        "), moved AS ("
        "  UPDATE instruments SET checks = checks + 1, due_at = now() + CASE"
        "    WHEN state = 'requires_action' AND begun_at > now() - interval '10 minutes'"
        "    THEN interval '10 seconds'"
        f"    ELSE {BACKOFF} END"
        "  FROM due WHERE (instruments.merchant_id, instruments.id) = (due.merchant_id, due.id)"
        "  RETURNING instruments.merchant_id, instruments.id, instruments.begun_at"
        ")"
        " SELECT merchant_id, id, begun_at < now() - interval '1 day' AS late,"
        " coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS clock_offset"
        " FROM moved LEFT JOIN test_clocks AS clock USING (merchant_id)",
        *room.values,
    )
    return [
        DueSetup(row["merchant_id"], row["id"], row["clock_offset"], row["late"]) for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Removal:
    """A token that its PSP must forget."""

    id: str
    merchant_id: str
    psp_account: str
    token: str


async def claim_due_removals(conn: Conn, room: Room) -> Sequence[Removal]:
    rows = await conn.fetch(
        f"WITH due AS ({fair_sql('token_removals')}"  # noqa: S608 - made of constants
        ")"
        f" UPDATE token_removals SET checks = checks + 1, due_at = now() + {BACKOFF}"
        " FROM due WHERE (token_removals.merchant_id, token_removals.id)"
        "   = (due.merchant_id, due.id)"
        " RETURNING token_removals.id, token_removals.merchant_id, psp_account, token",
        *room.values,
    )
    return [Removal(**dict(row)) for row in rows]


async def delete_removal(conn: Conn, removal: Removal) -> None:
    await conn.execute(
        "DELETE FROM token_removals WHERE merchant_id = $1 AND id = $2",
        removal.merchant_id,
        removal.id,
    )
