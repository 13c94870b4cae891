"""SQL of customers, their addresses and consents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.oneclick.rules.domain import Address, Consent, Customer

CUSTOMERS: Final = rows.Table("customers", Customer)
_ADDRESSES: Final = rows.Table("addresses", Address)
_CONSENTS: Final = rows.Table("consents", Consent)
_INSERT_CONSENT: Final = _CONSENTS.insert(merchant_id="{}", customer_id="{}", created_at="{}")
_SAVED: Final = CUSTOMERS.but("merchant_id", "id", "created_at")

insert: Final = CUSTOMERS.add
get: Final = CUSTOMERS.get
lock: Final = CUSTOMERS.lock  # taken before a customer, its instruments or charges are changed
insert_address: Final = _ADDRESSES.add


async def of_ids(conn: Conn, merchant_id: str, ids: Sequence[str]) -> Sequence[Customer]:
    """Those that exist, once each."""
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[])"
    return await CUSTOMERS.all(conn, where, merchant_id, list(ids))


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any."""

    email: str | None
    created_from: datetime | None
    created_to: datetime | None


async def list_page(conn: Conn, merchant_id: str, wanted: Filter, page: Page) -> Listed[Customer]:
    """Includes erased customers, without data."""
    conditions = {
        "merchant_id = {}": merchant_id,
        "lower(email) = lower({})": wanted.email,
        "created_at >= {}": wanted.created_from,
        "created_at < {}": wanted.created_to,
    }
    return await pages.fetch(conn, CUSTOMERS, page, conditions)


async def save(conn: Conn, customer: Customer) -> None:
    """Writes the changeable columns of a customer locked in this transaction."""
    new, values = rows.assignments(_SAVED, first=3), CUSTOMERS.values(customer, *_SAVED)
    await CUSTOMERS.change(conn, customer, new, *values, only="state = 'active'")


async def set_default_instrument(
    conn: Conn, merchant_id: str, customer_id: str, instrument_id: str | None
) -> None:
    new = "default_instrument_id = $3"
    await CUSTOMERS.change_at(conn, merchant_id, customer_id, new, instrument_id)


async def set_default_address(
    conn: Conn, merchant_id: str, customer_id: str, address_id: str | None
) -> None:
    new = "default_address_id = $3"
    await CUSTOMERS.change_at(conn, merchant_id, customer_id, new, address_id)


async def mark_erased(conn: Conn, merchant_id: str, customer_id: str, now: datetime) -> None:
    """Consents keep their version and time as evidence, without the device's address."""
    await conn.execute(
        "WITH anonymous AS ("
        "  UPDATE consents SET ip = NULL WHERE merchant_id = $1 AND customer_id = $2"
        "), gone AS ("
        "  DELETE FROM addresses WHERE merchant_id = $1 AND customer_id = $2"
        ")"
        " UPDATE customers SET erased_at = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        customer_id,
        now,
    )


async def replace_copies(
    conn: Conn, merchant_id: str, customer_id: str, *, answer: bytes, events: Mapping[str, bytes]
) -> None:
    """Replaces an erased customer's stored answers and logged events with redacted versions."""
    await conn.execute(
        "UPDATE idempotency_keys SET answer = $3"
        " WHERE merchant_id = $1 AND resource_id = $2 AND resource_id LIKE 'cus\\_%'"
        " AND answer IS NOT NULL",
        merchant_id,
        customer_id,
        answer,
    )
    for subject, body in events.items():
        await conn.execute(
            "UPDATE outbox SET body = $4 WHERE merchant_id = $1 AND aggregate_id = $2"
            " AND subject = $3 AND subject LIKE 'incasso.oneclick.customer.%'",
            merchant_id,
            customer_id,
            subject,
            body,
        )


async def addresses(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[Address]:
    """Those that are not removed, oldest first."""
    where = "WHERE merchant_id = $1 AND customer_id = $2 AND deleted_at IS NULL ORDER BY id"
    return await _ADDRESSES.all(conn, where, merchant_id, customer_id)


async def remove_address(
    conn: Conn, merchant_id: str, customer_id: str, address_id: str, now: datetime
) -> bool:
    """Whether the customer has or had this address."""
    gone, whose = "deleted_at = coalesce(deleted_at, $3)", "customer_id = $4"
    return await _ADDRESSES.change_at(
        conn, merchant_id, address_id, gone, now, customer_id, only=whose
    )


async def insert_consent(
    conn: Conn, merchant_id: str, customer_id: str, consent: Consent, now: datetime
) -> None:
    values = _CONSENTS.values(consent)
    await conn.execute(_INSERT_CONSENT, *values, merchant_id, customer_id, now)
