"""SQL of bank transfers. Who changes one holds the locks of the links that it concerns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn, Row
from libs.money import Money
from libs.pages import Page
from services.paylink.rules.domain import Link
from services.paylink.rules.states import TransferState
from services.paylink.rules.transfers import BankTransfer, MoveKind, TransferMove

_SELECT: Final = """
SELECT id, merchant_id, state, bank_reference, coalesce(booking, bank_reference) AS booking,
    amount_minor, currency, creditor_reference, link_id, candidates, surplus_minor, waits,
    booked_on, created_at, (
        SELECT coalesce(jsonb_agg(to_jsonb(move) ORDER BY move.id), '[]')
        FROM bank_transfer_moves AS move
        WHERE move.merchant_id = bank_transfers.merchant_id
          AND move.transfer_id = bank_transfers.id
    ) AS moves
FROM bank_transfers"""


def _transfer(row: Row) -> BankTransfer:
    return BankTransfer(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=TransferState(row["state"]),
        bank_reference=row["bank_reference"],
        booking=row["booking"],
        amount=Money(row["amount_minor"], row["currency"]),
        creditor_reference=row["creditor_reference"],
        link_id=row["link_id"],
        candidates=tuple(row["candidates"]),
        surplus_minor=row["surplus_minor"],
        waits=row["waits"],
        booked_on=row["booked_on"],
        moves=tuple(
            TransferMove(
                id=move["id"],
                kind=MoveKind(move["kind"]),
                amount_minor=move["amount_minor"],
                link_id=move["link_id"],
                made_by=move["made_by"],
                note=move["note"],
                made_at=datetime.fromisoformat(move["made_at"]),
            )
            for move in row["moves"]
        ),
        created_at=row["created_at"],
    )


async def insert(conn: Conn, transfer: BankTransfer) -> bool:
    """False when this booking is there already. Its moves are written as they are made."""
    inserted = await conn.execute(
        "INSERT INTO bank_transfers (merchant_id, id, state, bank_reference, booking,"
        " amount_minor, currency, creditor_reference, link_id, candidates, surplus_minor, waits,"
        " booked_on, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " ON CONFLICT DO NOTHING",
        transfer.merchant_id,
        transfer.id,
        transfer.state.value,
        transfer.bank_reference,
        transfer.booking,
        transfer.amount.amount_minor,
        transfer.amount.currency,
        transfer.creditor_reference,
        transfer.link_id,
        list(transfer.candidates),
        transfer.surplus_minor,
        transfer.waits,
        transfer.booked_on,
        transfer.created_at,
    )
    return inserted == 1


async def of_booking(conn: Conn, transfer: BankTransfer) -> BankTransfer | None:
    """The recorded one of the same booking, whatever else it says."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND (booking = $2 OR bank_reference = $3)"
        " ORDER BY id LIMIT 1",
        transfer.merchant_id,
        transfer.booking,
        transfer.bank_reference,
    )
    return None if row is None else _transfer(row)


async def get(
    conn: Conn, merchant_id: str, transfer_id: str, *, lock: bool = False
) -> BankTransfer | None:
    """`lock`: held until the transaction ends, after the locks of links."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2" + (" FOR UPDATE" if lock else ""),
        merchant_id,
        transfer_id,
    )
    return None if row is None else _transfer(row)


async def waiting(conn: Conn, link: Link) -> Sequence[BankTransfer]:
    """Those that wait for the end of the link's card payment, oldest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND link_id = $2 AND waits ORDER BY id",
        link.merchant_id,
        link.id,
    )
    return [_transfer(row) for row in rows]


async def late(conn: Conn, link: Link) -> Sequence[BankTransfer]:
    """Those that arrived after the link's end and wait for a person, oldest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND link_id = $2 AND state = 'late' ORDER BY id",
        link.merchant_id,
        link.id,
    )
    return [_transfer(row) for row in rows]


async def save(conn: Conn, before: BankTransfer, after: BankTransfer) -> None:
    """Write what became of its money, with the moves that `before` had not."""
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


async def page(
    conn: Conn, merchant_id: str, page: Page, *, state: TransferState | None, link_id: str | None
) -> Sequence[BankTransfer]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2 AND ($3::text IS NULL OR state = $3)"
        " AND ($4::text IS NULL OR link_id = $4)"
        " ORDER BY id DESC LIMIT $5",
        merchant_id,
        page.before,
        state.value if state else None,
        link_id,
        page.limit + 1,
    )
    return [_transfer(row) for row in rows]
