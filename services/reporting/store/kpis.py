"""SQL of KPIs: sums over a range of days, for one merchant and currency."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from libs.db import Conn, Row
from libs.rows import Table
from services.reporting.rules.kpis import (
    Buyers,
    CartRecovery,
    PaidOrders,
    RetentionSpend,
    cart_recovery,
    order_value,
)

SPENDS: Final = Table("retention_spends", RetentionSpend)
_RANGE: Final = "merchant_id = $1 AND currency = $2 AND {day} BETWEEN $3 AND $4"


async def steps(
    conn: Conn, merchant_id: str, currency: str, from_day: date, to_day: date
) -> Mapping[tuple[str, int], int]:
    """Counts by method and step number."""
    rows = await conn.fetch(
        "SELECT method, step, sum(count)::bigint AS count FROM funnel_days"  # noqa: S608 - made of constants
        f" WHERE {_RANGE.format(day='started_on')} GROUP BY method, step",
        merchant_id,
        currency,
        from_day,
        to_day,
    )
    return {(row["method"], row["step"]): row["count"] for row in rows}


_ORDERS: Final = f"""
SELECT methods, count(*) AS orders, sum(revenue_minor)::bigint AS revenue_minor
FROM paid_orders WHERE {_RANGE.format(day="ordered_on")} GROUP BY methods"""  # noqa: S608 - made of constants


async def orders(
    conn: Conn, merchant_id: str, currency: str, from_day: date, to_day: date
) -> Sequence[PaidOrders]:
    rows = await conn.fetch(_ORDERS, merchant_id, currency, from_day, to_day)
    return [
        PaidOrders(row["methods"], order_value(row["revenue_minor"], row["orders"])) for row in rows
    ]


_DECLINED: Final = f"""
SELECT count(*) FROM declined_orders AS declined WHERE {_RANGE.format(day="declined_on")}
    AND NOT EXISTS (SELECT FROM paid_orders AS paid
        WHERE (paid.merchant_id, paid.order_key, paid.currency)
            = (declined.merchant_id, declined.order_key, declined.currency))"""  # noqa: S608 - made of constants


async def declined(
    conn: Conn, merchant_id: str, currency: str, from_day: date, to_day: date
) -> int:
    """The number of orders with a declined one-click payment that were not paid by any method."""
    count: int = await conn.fetchval(_DECLINED, merchant_id, currency, from_day, to_day)
    return count


_CARTS: Final = f"""
SELECT count(*) AS sent, coalesce(sum(sent_minor), 0)::bigint AS sent_minor,
    count(paid_minor) AS recovered, coalesce(sum(paid_minor), 0)::bigint AS recovered_minor
FROM recovery_carts WHERE {_RANGE.format(day="sent_on")}"""  # noqa: S608 - made of constants


async def carts(
    conn: Conn, merchant_id: str, currency: str, from_day: date, to_day: date
) -> CartRecovery:
    (row,) = await conn.fetch(_CARTS, merchant_id, currency, from_day, to_day)
    return cart_recovery(**dict(row))


_BUYERS: Final = f"""
WITH buyers AS (
    SELECT customer_id, count(*) AS orders, sum(revenue_minor) AS revenue_minor
    FROM paid_orders WHERE {_RANGE.format(day="ordered_on")} GROUP BY customer_id
)
SELECT first_method, first_paid_on >= $3 AS is_new, count(buyers.customer_id) AS customers,
    sum(orders)::bigint AS orders, sum(revenue_minor)::bigint AS revenue_minor
FROM buyers LEFT JOIN paying_customers AS known
    ON known.merchant_id = $1 AND known.customer_id = buyers.customer_id
GROUP BY 1, 2"""  # noqa: S608 - made of constants


async def buyers(
    conn: Conn, merchant_id: str, currency: str, from_day: date, to_day: date
) -> tuple[Sequence[Buyers], int]:
    """Customers who ordered, and the number of orders without a customer."""
    rows = await conn.fetch(_BUYERS, merchant_id, currency, from_day, to_day)
    known: list[Row] = [row for row in rows if row["first_method"] is not None]
    unknown = sum(row["orders"] for row in rows if row["first_method"] is None)
    return [Buyers(**dict(row)) for row in known], unknown


_RETENTION: Final = """
SELECT count(*) AS customers, count(*) FILTER (WHERE returned) AS returning_customers
FROM (
    SELECT bool_or(ordered_on < $4) AS ordered, bool_or(ordered_on >= $4) AS returned
    FROM paid_orders WHERE merchant_id = $1 AND currency = $2 AND customer_id IS NOT NULL
        AND ordered_on >= $3 AND ordered_on < $5
    GROUP BY customer_id
) AS of_both WHERE ordered"""


async def retention(conn: Conn, merchant_id: str, currency: str, year: int) -> tuple[int, int]:
    """The number of the year's customers, and of those among them who ordered in the next year."""
    begins = [date(year + later, 1, 1) for later in range(3)]
    (row,) = await conn.fetch(_RETENTION, merchant_id, currency, *begins)
    return row["customers"], row["returning_customers"]


_PUT: Final = (
    f"{SPENDS.insert()} ON CONFLICT ON CONSTRAINT retention_spends_pkey DO UPDATE"
    " SET amount_minor = EXCLUDED.amount_minor, updated_at = EXCLUDED.updated_at"
)


async def spend(
    conn: Conn, merchant_id: str, year: int, currency: str, *, lock: bool = False
) -> RetentionSpend | None:
    where = "WHERE merchant_id = $1 AND year = $2 AND currency = $3"
    where += " FOR UPDATE" if lock else ""
    return await SPENDS.one(conn, where, merchant_id, year, currency)


async def put_spend(conn: Conn, made: RetentionSpend) -> None:
    await conn.execute(_PUT, *SPENDS.values(made))
