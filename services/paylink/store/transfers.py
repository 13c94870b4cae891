"""SQL of bank transfers. Callers that change one hold the locks of the links concerned."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.paylink.rules.domain import Link
from services.paylink.rules.transfers import BankTransfer

_MOVES: Final = """(
    SELECT coalesce(
        jsonb_agg(to_jsonb(move) || jsonb_build_object('plan_id', links.plan_id) ORDER BY move.id), '[]')
    FROM bank_transfer_moves AS move
    LEFT JOIN links ON links.merchant_id = move.merchant_id AND links.id = move.link_id
    WHERE move.merchant_id = bank_transfers.merchant_id AND move.transfer_id = bank_transfers.id)"""
TRANSFERS: Final = rows.Table(
    "bank_transfers",
    BankTransfer,
    sql={"booking": "coalesce(booking, bank_reference)", "moves": _MOVES},
)
_INSERT: Final = TRANSFERS.insert(booking="{}") + " ON CONFLICT DO NOTHING"


async def insert(conn: Conn, transfer: BankTransfer) -> bool:
    """False if this booking is already there. Its movements are written as they are made."""
    return await conn.execute(_INSERT, *TRANSFERS.values(transfer), transfer.booking) == 1


async def of_booking(conn: Conn, transfer: BankTransfer) -> BankTransfer | None:
    """The recorded transfer of the same booking, whatever its other fields are."""
    where = "WHERE merchant_id = $1 AND (booking = $2 OR bank_reference = $3) ORDER BY id LIMIT 1"
    named = (transfer.merchant_id, transfer.booking, transfer.bank_reference)
    return await TRANSFERS.one(conn, where, *named)


async def waiting(conn: Conn, link: Link) -> Sequence[BankTransfer]:
    """Transfers that wait for the end of the link's card payment or plan, oldest first."""
    where = "WHERE merchant_id = $1 AND link_id = $2 AND waits ORDER BY id"
    return await TRANSFERS.all(conn, where, link.merchant_id, link.id)


async def late(conn: Conn, link: Link) -> Sequence[BankTransfer]:
    """Transfers that arrived after the link's end and wait for a person, oldest first."""
    where = "WHERE merchant_id = $1 AND link_id = $2 AND state = 'late' ORDER BY id"
    return await TRANSFERS.all(conn, where, link.merchant_id, link.id)


async def save(conn: Conn, before: BankTransfer, after: BankTransfer) -> None:
    """Writes the transfer, with the movements that `before` did not have."""
    await conn.execute(
        "UPDATE bank_transfers SET state = $4, surplus_minor = $5, waits = $6, link_id = $7"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        after.merchant_id,
        after.id,
        before.state.value,
        after.state.value,
        after.surplus_minor,
        after.waits,
        after.link_id,
    )
    made = after.moves[len(before.moves) :]
    if made:
        await conn.execute(
            "INSERT INTO bank_transfer_moves"
            " (merchant_id, transfer_id, id, kind, amount_minor, link_id, made_by, note, made_at)"
            " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[], $6::text[],"
            " $7::text[], $8::text[], $9::timestamptz[])",
            after.merchant_id,
            after.id,
            [move.id for move in made],
            [move.kind.value for move in made],
            [move.amount_minor for move in made],
            [move.link_id for move in made],
            [move.made_by for move in made],
            [move.note for move in made],
            [move.made_at for move in made],
        )
