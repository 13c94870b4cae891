"""SQL of customers, their addresses and consents."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.db import Conn, Row
from libs.pages import Page
from services.oneclick.rules.domain import Address, Consent, Customer, CustomerState

_SELECT = (
    "SELECT id, merchant_id, state, email, name, phone, locale, metadata,"
    " default_instrument_id, default_address_id, created_at FROM customers"
)


def _customer(row: Row) -> Customer:
    return Customer(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=CustomerState(row["state"]),
        email=row["email"],
        name=row["name"],
        phone=row["phone"],
        locale=row["locale"],
        metadata=row["metadata"],
        default_instrument_id=row["default_instrument_id"],
        default_address_id=row["default_address_id"],
        created_at=row["created_at"],
    )


async def insert(conn: Conn, customer: Customer) -> None:
    await conn.execute(
        "INSERT INTO customers"
        " (merchant_id, id, state, email, name, phone, locale, metadata, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        customer.merchant_id,
        customer.id,
        customer.state.value,
        customer.email,
        customer.name,
        customer.phone,
        customer.locale,
        dict(customer.metadata),
        customer.created_at,
    )


async def get(conn: Conn, merchant_id: str, customer_id: str) -> Customer | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, customer_id
    )
    return None if row is None else _customer(row)


async def lock(conn: Conn, merchant_id: str, customer_id: str) -> Customer | None:
    """Who changes a customer, the instruments or charges holds this lock."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE", merchant_id, customer_id
    )
    return None if row is None else _customer(row)


async def page(
    conn: Conn,
    merchant_id: str,
    page: Page,
    *,
    email: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
) -> Sequence[Customer]:
    """One row more than the page has, newest first. Erased customers are in it, without data.

    Conditions that are absent are not in the SQL, so that each combination has a plan of its own.
    """
    values: list[object] = [merchant_id, page.before, page.limit + 1]
    conditions = ["merchant_id = $1", "id < $2"]
    for condition, value in (
        ("lower(email) = lower({})", email),
        ("created_at >= {}", created_from),
        ("created_at < {}", created_to),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    rows = await conn.fetch(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT $3", *values
    )
    return [_customer(row) for row in rows]


async def save(conn: Conn, customer: Customer) -> None:
    """Write what may change of a customer that was locked in this transaction."""
    await conn.execute(
        "UPDATE customers SET state = $3, email = $4, name = $5, phone = $6, locale = $7,"
        " metadata = $8, default_instrument_id = $9, default_address_id = $10"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'active'",
        customer.merchant_id,
        customer.id,
        customer.state.value,
        customer.email,
        customer.name,
        customer.phone,
        customer.locale,
        dict(customer.metadata),
        customer.default_instrument_id,
        customer.default_address_id,
    )


async def set_default_instrument(
    conn: Conn, merchant_id: str, customer_id: str, instrument_id: str | None
) -> None:
    await conn.execute(
        "UPDATE customers SET default_instrument_id = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        customer_id,
        instrument_id,
    )


async def set_default_address(
    conn: Conn, merchant_id: str, customer_id: str, address_id: str | None
) -> None:
    await conn.execute(
        "UPDATE customers SET default_address_id = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        customer_id,
        address_id,
    )


async def mark_erased(conn: Conn, merchant_id: str, customer_id: str, now: datetime) -> None:
    """Consents keep their version and time as proof, without the address of the device."""
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
    """Put what is left of an erased customer in place of stored answers and logged events."""
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


def _address(row: Row) -> Address:
    return Address(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        name=row["name"],
        line1=row["line1"],
        line2=row["line2"],
        city=row["city"],
        postcode=row["postcode"],
        region=row["region"],
        country=row["country"],
        created_at=row["created_at"],
    )


async def addresses(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[Address]:
    """Those that are not removed, oldest first."""
    rows = await conn.fetch(
        "SELECT id, merchant_id, customer_id, name, line1, line2, city, postcode, region, country,"
        " created_at FROM addresses"
        " WHERE merchant_id = $1 AND customer_id = $2 AND deleted_at IS NULL ORDER BY id",
        merchant_id,
        customer_id,
    )
    return [_address(row) for row in rows]


async def insert_address(conn: Conn, address: Address) -> None:
    await conn.execute(
        "INSERT INTO addresses (merchant_id, id, customer_id, name, line1, line2, city, postcode,"
        " region, country, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        address.merchant_id,
        address.id,
        address.customer_id,
        address.name,
        address.line1,
        address.line2,
        address.city,
        address.postcode,
        address.region,
        address.country,
        address.created_at,
    )


async def remove_address(
    conn: Conn, merchant_id: str, customer_id: str, address_id: str, now: datetime
) -> bool:
    """Whether the customer has, or had, it."""
    found = await conn.fetchval(
        "UPDATE addresses SET deleted_at = coalesce(deleted_at, $4)"
        " WHERE merchant_id = $1 AND customer_id = $2 AND id = $3 RETURNING id",
        merchant_id,
        customer_id,
        address_id,
        now,
    )
    return found is not None


async def insert_consent(
    conn: Conn, merchant_id: str, customer_id: str, consent: Consent, now: datetime
) -> None:
    await conn.execute(
        "INSERT INTO consents (merchant_id, id, customer_id, text_version, accepted_at, ip,"
        " sca_reference, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        merchant_id,
        consent.id,
        customer_id,
        consent.text_version,
        consent.accepted_at,
        consent.ip,
        consent.sca_reference,
        now,
    )
