"""SQL of disputes of plans' payments. Changing one requires the lock of its plan."""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.instalments.rules.disputes import Dispute

DISPUTES: Final = rows.Table("disputes", Dispute)
_SAVE: Final = (
    DISPUTES.insert() + " ON CONFLICT (merchant_id, id) DO UPDATE SET state = EXCLUDED.state,"
    " amount_minor = EXCLUDED.amount_minor, reason = EXCLUDED.reason, shares = EXCLUDED.shares,"
    " told_at = EXCLUDED.told_at"
)


async def save(conn: Conn, dispute: Dispute) -> None:
    await conn.execute(_SAVE, *DISPUTES.values(dispute))


async def known(conn: Conn, events: Sequence[tuple[str, str, str, datetime]]) -> Ids[str]:
    """Ids of events that are older than the recorded state. `events`: id, merchant, dispute and time
    of each.
    """
    found = await conn.fetch(
        "SELECT event.event_id"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])"
        " AS event (event_id, merchant_id, id, at)"
        " JOIN disputes AS known USING (merchant_id, id) WHERE event.at < known.told_at",
        *(list(column) for column in zip(*events, strict=True)),
    )
    return {row["event_id"] for row in found}
