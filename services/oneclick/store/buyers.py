"""SQL that reads a customer once for a click, an offer and a session."""

from dataclasses import dataclass
from typing import Final

from libs import idempotency, rows
from libs.db import Conn, Row
from libs.idempotency import Claim, Key
from services.oneclick.rules.offers import Buyer
from services.oneclick.rules.spending import DEFAULT
from services.oneclick.store.policies import LIMITS

_BUYERS: Final = rows.Table("customers", Buyer, spread={"card": "", "policy": ""}, columns=LIMITS)
_CHARGE, _DAY = DEFAULT.max_charge, DEFAULT.max_daily
_BUYER: Final = f"""
SELECT c.state AS customer_state, c.locale, coalesce($3, c.default_instrument_id) AS wanted_id,
    i.id AS instrument_id, i.state AS instrument_state, coalesce(i.brand, '') AS brand,
    coalesce(i.last4, '') AS last4, coalesce(i.exp_month, 0) AS exp_month,
    coalesce(i.exp_year, 0) AS exp_year, coalesce(i.country, '') AS country,
    coalesce(i.fingerprint, '') AS fingerprint, coalesce(i.tokens, '[]') AS tokens, i.consent_id,
    i.last_challenge_at, a.id AS address_id,
    coalesce(p.max_charge_minor, {_CHARGE.amount_minor}) AS max_charge_minor,
    coalesce(p.max_charge_currency, '{_CHARGE.currency}') AS max_charge_currency,
    coalesce(p.max_daily_minor, {_DAY.amount_minor}) AS max_daily_minor,
    coalesce(p.max_daily_currency, '{_DAY.currency}') AS max_daily_currency,
    coalesce(p.max_hourly_charges, {DEFAULT.max_hourly_charges}) AS max_hourly_charges,
    coalesce(p.grace_seconds, {DEFAULT.grace_seconds}) AS grace_seconds
FROM customers AS c
LEFT JOIN instruments AS i ON i.merchant_id = c.merchant_id AND i.customer_id = c.id
    AND i.id = coalesce($3, c.default_instrument_id)
LEFT JOIN addresses AS a ON a.merchant_id = c.merchant_id AND a.customer_id = c.id
    AND a.id = coalesce($4, c.default_address_id) AND a.deleted_at IS NULL
LEFT JOIN policies AS p ON p.merchant_id = c.merchant_id
WHERE c.merchant_id = $1 AND c.id = $2"""  # noqa: S608 - made of constants


async def get(conn: Conn, merchant_id: str, customer_id: str) -> Buyer | None:
    """The customer with the default instrument, not locked: for offers and display."""
    row = await conn.fetchrow(_BUYER, merchant_id, customer_id, None, None)
    return None if row is None else _BUYERS.read(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The customer to charge, and the caller's choice; None: the customer's default."""

    merchant_id: str
    customer_id: str
    instrument_id: str | None
    address_id: str | None

    @property
    def values(self) -> tuple[object, ...]:
        """The parameters of _BUYER."""
        return self.merchant_id, self.customer_id, self.instrument_id, self.address_id


_LOCKED: Final = f"{_BUYER} AND {{when}} FOR NO KEY UPDATE OF c"
_LOCK: Final = _LOCKED.format(when="true")
_CLAIM_AND_LOCK: Final = f"""
WITH claimed AS ({idempotency.claim_sql(5)}),
buyer AS ({_LOCKED.format(when=idempotency.fresh_sql(5, claimed="claimed"))})
SELECT resource_id, fresh, buyer.* FROM (VALUES (1)) AS always
LEFT JOIN claimed ON true LEFT JOIN buyer ON true"""  # noqa: S608 - made of constants


async def lock(conn: Conn, wanted: Wanted) -> Buyer | None:
    """The lock on the customer enforces the limits under concurrency."""
    return await _seen(conn, wanted, await conn.fetchrow(_LOCK, *wanted.values))


async def claim_and_lock(
    conn: Conn, key: Key | None, charge_id: str, wanted: Wanted
) -> tuple[Claim, Buyer | None]:
    """Both in one statement; the customer is only read if the key is fresh. Raises the errors of
    idempotency.claim.
    """
    claiming = idempotency.claim_values(key, charge_id)
    row = await conn.fetchrow(_CLAIM_AND_LOCK, *wanted.values, *claiming)
    assert row is not None  # there is always one
    claimed = row if row["resource_id"] else None
    claim = await idempotency.claim_of(conn, key, charge_id, claimed)
    found = row if row["customer_state"] else None
    return claim, await _seen(conn, wanted, found) if claim.fresh else None


async def _seen(conn: Conn, wanted: Wanted, row: Row | None) -> Buyer | None:
    """A statement that waited for the lock sees the customer's new default but the old instruments;
    if it misses the wanted one, a second read sees all.
    """
    if row is not None and row["wanted_id"] is not None and row["instrument_id"] is None:
        row = await conn.fetchrow(_LOCK, *wanted.values)
    return None if row is None else _BUYERS.read(row)
