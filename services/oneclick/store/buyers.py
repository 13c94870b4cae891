"""SQL of the one look that a click, an offer and a session take at a customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import idempotency
from libs.db import Conn, Row
from libs.idempotency import Claim, Key
from services.oneclick.rules import limits
from services.oneclick.rules.domain import CustomerState
from services.oneclick.rules.instruments import Card, InstrumentState, Token
from services.oneclick.rules.limits import Policy
from services.oneclick.store.policies import POLICIES


@dataclass(frozen=True, slots=True)
class Buyer:
    """Everything that a click needs to know, in one statement. None: there is no such row."""

    customer_state: CustomerState
    wanted_instrument_id: str | None
    instrument_id: str | None
    instrument_state: InstrumentState | None
    card: Card
    tokens: tuple[Token, ...]
    consent_id: str | None
    last_challenge_at: datetime | None
    address_id: str | None
    policy: Policy


_BUYER = """
SELECT c.state AS customer_state, c.locale, coalesce($3, c.default_instrument_id) AS wanted,
    i.id AS instrument_id, i.state AS instrument_state, i.brand, i.last4, i.exp_month, i.exp_year,
    i.country, i.tokens, i.consent_id, i.last_challenge_at, a.id AS address_id,
    p.max_charge_minor, p.max_charge_currency, p.max_daily_minor, p.max_daily_currency,
    p.max_hourly_charges, p.grace_seconds
FROM customers AS c
LEFT JOIN instruments AS i ON i.merchant_id = c.merchant_id AND i.customer_id = c.id
    AND i.id = coalesce($3, c.default_instrument_id)
LEFT JOIN addresses AS a ON a.merchant_id = c.merchant_id AND a.customer_id = c.id
    AND a.id = coalesce($4, c.default_address_id) AND a.deleted_at IS NULL
LEFT JOIN policies AS p ON p.merchant_id = c.merchant_id
WHERE c.merchant_id = $1 AND c.id = $2"""


def _buyer(row: Row) -> Buyer:
    known = row["instrument_id"] is not None
    return Buyer(
        customer_state=CustomerState(row["customer_state"]),
        wanted_instrument_id=row["wanted"],
        instrument_id=row["instrument_id"],
        instrument_state=InstrumentState(row["instrument_state"]) if known else None,
        card=Card(
            brand=row["brand"] or "",
            last4=row["last4"] or "",
            exp_month=row["exp_month"] or 0,
            exp_year=row["exp_year"] or 0,
            country=row["country"] or "",
            fingerprint="",
        ),
        tokens=tuple(Token(**token) for token in row["tokens"] or ()),
        consent_id=row["consent_id"],
        last_challenge_at=row["last_challenge_at"],
        address_id=row["address_id"],
        policy=limits.DEFAULT if row["grace_seconds"] is None else POLICIES.read(row),
    )


async def get(conn: Conn, merchant_id: str, customer_id: str) -> Buyer | None:
    """The customer with the default instrument, not locked: for offers and for showing."""
    row = await conn.fetchrow(_BUYER, merchant_id, customer_id, None, None)
    return None if row is None else _buyer(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be charged, and what the caller chose; None: the customer's default."""

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
    """The lock on the customer makes limits hold under concurrency."""
    return await _seen(conn, wanted, await conn.fetchrow(_LOCK, *wanted.values))


async def claim_and_lock(
    conn: Conn, key: Key | None, charge_id: str, wanted: Wanted
) -> tuple[Claim, Buyer | None]:
    """Both in one statement; nobody is looked at when the key is not fresh. Raises as
    idempotency.claim does.
    """
    claiming = idempotency.claim_values(key, charge_id)
    row = await conn.fetchrow(_CLAIM_AND_LOCK, *wanted.values, *claiming)
    assert row is not None  # there always is one
    claimed = row if row["resource_id"] else None
    claim = await idempotency.claim_of(conn, key, charge_id, claimed)
    found = row if row["customer_state"] else None
    return claim, await _seen(conn, wanted, found) if claim.fresh else None


async def _seen(conn: Conn, wanted: Wanted, row: Row | None) -> Buyer | None:
    """A statement that had to wait for the lock sees the customer's new default but the instruments
    as they were; when it misses the one it wants, a second look sees all.
    """
    if row is not None and row["wanted"] is not None and row["instrument_id"] is None:
        row = await conn.fetchrow(_LOCK, *wanted.values)
    return None if row is None else _buyer(row)
