"""SQL for erased customers: links, attempts and carts stay, the person goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from libs.db import Conn, Row
from services.paylink.rules.states import LINK_OPEN
from services.paylink.store.links import CHANGED

_OPEN: Final = ", ".join(f"'{state.value}'" for state in LINK_OPEN)
# $1 merchant, then the condition's; links in a fixed order, so that two erasures do not deadlock.
_ERASE_LINKS: Final = f"""
WITH found AS (
    SELECT id, recipient_email, recipient_phone FROM links
    WHERE merchant_id = $1 AND {{condition}} ORDER BY id FOR NO KEY UPDATE
), erased AS (
    UPDATE links SET version = version + 1, recipient_name = NULL, recipient_email = NULL,
        recipient_phone = NULL, channels = '{{{{}}}}', metadata = '{{{{}}}}', reminders_stopped = true,
        next_reminder_at = NULL,
        due_at = CASE WHEN state IN ({_OPEN}) THEN expires_at ELSE due_at END,
        acceptance = acceptance || '{{{{"ip": null, "user_agent": null}}}}'
    FROM found WHERE links.merchant_id = $1 AND links.id = found.id
    RETURNING links.id
), tries AS (
    UPDATE link_payments SET payer_email = NULL, payer_name = NULL
    FROM found WHERE merchant_id = $1 AND link_id = found.id AND payer_email IS NOT NULL
), texts AS (
    UPDATE bank_transfers SET creditor_reference = NULL
    FROM found WHERE merchant_id = $1 AND link_id = found.id
), notes AS (
    UPDATE bank_transfer_moves AS move SET note = NULL
    FROM bank_transfers AS transfer, found
    WHERE move.merchant_id = $1 AND (transfer.merchant_id, transfer.id) = ($1, move.transfer_id)
      AND transfer.link_id = found.id
)
SELECT id, recipient_email, recipient_phone, pg_notify('{CHANGED}', id)
FROM found JOIN erased USING (id)"""  # noqa: S608 - made of constants
_OF_CUSTOMER: Final = _ERASE_LINKS.format(
    condition="(customer_id = $2 OR customer_id IS NULL AND EXISTS ("
    "SELECT FROM link_payments AS tried WHERE tried.merchant_id = $1 AND tried.link_id = links.id"
    " AND tried.customer_id = $2 AND lower(tried.payer_email) = lower(recipient_email)))"
)
_AT_ADDRESSES: Final = _ERASE_LINKS.format(
    condition="customer_id IS NULL AND origin IN ('shop', 'cart')"
    " AND (lower(recipient_email) = ANY($2::text[]) OR recipient_phone = ANY($3::text[]))"
)


@dataclass(frozen=True, slots=True)
class ErasedLink:
    """Where a link had been sent; recorded nowhere else any more."""

    id: str
    email: str | None
    phone: str | None


def _erased(rows: Sequence[Row]) -> list[ErasedLink]:
    return [ErasedLink(row["id"], row["recipient_email"], row["recipient_phone"]) for row in rows]


async def erase_links(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[ErasedLink]:
    """The customer's links with their attempts, including those sent to the address from which the
    customer was created.
    """
    return _erased(await conn.fetch(_OF_CUSTOMER, merchant_id, customer_id))


async def erase_payer(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[str]:
    """The customer's attempts to pay other people's links with a plan, with the links' ids."""
    found = await conn.fetch(
        "UPDATE link_payments SET payer_email = NULL, payer_name = NULL"
        " WHERE merchant_id = $1 AND customer_id = $2 AND payer_email IS NOT NULL"
        " RETURNING link_id",
        merchant_id,
        customer_id,
    )
    return [row["link_id"] for row in found]


async def erase_links_at(
    conn: Conn, merchant_id: str, *, emails: Sequence[str], phones: Sequence[str]
) -> Sequence[ErasedLink]:
    """Links without a customer, from a shop or a cart, for these addresses.

    `emails` in lower case.
    """
    return _erased(await conn.fetch(_AT_ADDRESSES, merchant_id, list(emails), list(phones)))


async def transfers_of(conn: Conn, merchant_id: str, link_ids: Sequence[str]) -> Sequence[str]:
    """The transfers that name these links or were assigned to them, by id."""
    rows = await conn.fetch(
        "SELECT id FROM bank_transfers WHERE merchant_id = $1 AND link_id = ANY($2::text[])",
        merchant_id,
        list(link_ids),
    )
    return [row["id"] for row in rows]


async def erase_carts_at(
    conn: Conn, merchant_id: str, *, emails: Sequence[str], phones: Sequence[str]
) -> Sequence[str]:
    """Carts left by the owner of these addresses, by id; they are no longer recovered."""
    rows = await conn.fetch(
        "UPDATE carts SET recipient_name = NULL, recipient_email = NULL, recipient_phone = NULL,"
        " metadata = '{}', due_at = NULL"
        " WHERE merchant_id = $1"
        " AND (lower(recipient_email) = ANY($2::text[]) OR recipient_phone = ANY($3::text[]))"
        " RETURNING id",
        merchant_id,
        list(emails),
        list(phones),
    )
    return [row["id"] for row in rows]
