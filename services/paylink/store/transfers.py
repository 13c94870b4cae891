"""SQL of bank transfers."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn, Row
from libs.money import Money
from libs.pages import Page
from services.paylink.domain import BankTransfer, Link
from services.paylink.states import TransferState

_SELECT: Final = (
    "SELECT id, merchant_id, state, bank_reference, amount_minor, currency, creditor_reference,"
    " link_id, surplus_minor, waits, booked_on, created_at FROM bank_transfers"
)


def _transfer(row: Row) -> BankTransfer:
    return BankTransfer(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=TransferState(row["state"]),
        bank_reference=row["bank_reference"],
        amount=Money(row["amount_minor"], row["currency"]),
        creditor_reference=row["creditor_reference"],
        link_id=row["link_id"],
        surplus_minor=row["surplus_minor"],
        waits=row["waits"],
        booked_on=row["booked_on"],
        created_at=row["created_at"],
    )


async def insert(conn: Conn, transfer: BankTransfer) -> bool:
    """False when one with this bank reference is there already."""
    inserted = await conn.execute(
        "INSERT INTO bank_transfers (merchant_id, id, state, bank_reference, amount_minor,"
        " currency, creditor_reference, link_id, surplus_minor, waits, booked_on, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (merchant_id, bank_reference) DO NOTHING",
        transfer.merchant_id,
        transfer.id,
        transfer.state.value,
        transfer.bank_reference,
        transfer.amount.amount_minor,
        transfer.amount.currency,
        transfer.creditor_reference,
        transfer.link_id,
        transfer.surplus_minor,
        transfer.waits,
        transfer.booked_on,
        transfer.created_at,
    )
    return inserted == 1


async def by_bank_reference(
    conn: Conn, merchant_id: str, bank_reference: str
) -> BankTransfer | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND bank_reference = $2", merchant_id, bank_reference
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


async def settle(conn: Conn, transfer: BankTransfer) -> None:
    """Write what became of one that was unmatched; its link is locked."""
    await conn.execute(
        "UPDATE bank_transfers SET state = $3, surplus_minor = $4, waits = $5"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'unmatched'",
        transfer.merchant_id,
        transfer.id,
        transfer.state.value,
        transfer.surplus_minor,
        transfer.waits,
    )


async def page(
    conn: Conn, merchant_id: str, page: Page, *, state: TransferState | None
) -> Sequence[BankTransfer]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2 AND ($3::text IS NULL OR state = $3)"
        " ORDER BY id DESC LIMIT $4",
        merchant_id,
        page.before,
        state.value if state else None,
        page.limit + 1,
    )
    return [_transfer(row) for row in rows]
