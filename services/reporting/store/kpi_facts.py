"""SQL that records facts for KPIs: one statement for each kind of fact in a batch."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from libs.db import Conn
from services.reporting.rules.kpi_facts import (
    CartPaid,
    CartSent,
    CustomerErased,
    OrderDeclined,
    OrderPaid,
    StepReached,
)

LOCK: Final = 0x1ED6E6  # any constant: shared by payments, exclusive for erasing customers

_PAID: Final = {
    "merchant_id": "text",
    "order_key": "text",
    "id": "text",
    "method": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "paid_at": "timestamptz",
    "paid_on": "date",
    "customer_id": "text",
}
_DECLINED: Final = {
    "merchant_id": "text",
    "order_key": "text",
    "currency": "text",
    "declined_on": "date",
}
_STEP: Final = {
    "merchant_id": "text",
    "method": "text",
    "id": "text",
    "currency": "text",
    "started_on": "date",
    "number": "smallint",
}
_SENT: Final = {
    "merchant_id": "text",
    "id": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "sent_on": "date",
}
_CART_PAID: Final = {name: kind for name, kind in _SENT.items() if name != "sent_on"}
_ERASED: Final = {"merchant_id": "text", "customer_id": "text"}


def _rows(columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), 1))
    return f"unnest({arrays}) AS row ({', '.join(columns)})"


def _arrays(columns: Mapping[str, str], facts: Sequence[Any]) -> list[list[object]]:
    return [list(map(attrgetter(column), facts)) for column in columns]


_PAY: Final = f"""
WITH new AS (
    INSERT INTO order_payments (merchant_id, order_key, id, method, currency, amount_minor, paid_on)
    SELECT merchant_id, order_key, id, method, currency, amount_minor, paid_on FROM {_rows(_PAID)}
    ON CONFLICT DO NOTHING RETURNING merchant_id, order_key, id
), paid AS (
    SELECT row.*, CASE WHEN erased.customer_id IS NULL THEN row.customer_id END AS known_customer
    FROM {_rows(_PAID)} JOIN new USING (merchant_id, order_key, id)
    LEFT JOIN erased_customers AS erased USING (merchant_id, customer_id)
), customers AS (
    INSERT INTO paying_customers AS known
        (merchant_id, customer_id, first_paid_at, first_paid_on, first_method)
    SELECT DISTINCT ON (merchant_id, known_customer)
        merchant_id, known_customer, paid_at, paid_on, method
    FROM paid WHERE known_customer IS NOT NULL
    ORDER BY merchant_id, known_customer, paid_at, method
    ON CONFLICT (merchant_id, customer_id) DO UPDATE SET first_paid_at = EXCLUDED.first_paid_at,
        first_paid_on = EXCLUDED.first_paid_on, first_method = EXCLUDED.first_method
    WHERE (EXCLUDED.first_paid_at, EXCLUDED.first_method) < (known.first_paid_at, known.first_method)
)
INSERT INTO paid_orders AS known
    (merchant_id, order_key, currency, ordered_on, customer_id, methods, revenue_minor)
SELECT merchant_id, order_key, currency, min(paid_on), min(known_customer),
    array_agg(DISTINCT method ORDER BY method), sum(amount_minor)::bigint
FROM paid GROUP BY merchant_id, order_key, currency ORDER BY merchant_id, order_key, currency
ON CONFLICT (merchant_id, order_key, currency) DO UPDATE SET
    ordered_on = least(known.ordered_on, EXCLUDED.ordered_on),
    customer_id = least(known.customer_id, EXCLUDED.customer_id),
    methods = ARRAY(SELECT DISTINCT unnest(known.methods || EXCLUDED.methods) ORDER BY 1),
    revenue_minor = known.revenue_minor + EXCLUDED.revenue_minor"""  # noqa: S608 - made of constants


async def pay(conn: Conn, paid: Sequence[OrderPaid]) -> None:
    """`paid`: each payment once, in the order of the key. Known payments change nothing."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared($1)", LOCK)
    await conn.execute(_PAY, *_arrays(_PAID, paid))


_DECLINE: Final = f"""
INSERT INTO declined_orders AS known (merchant_id, order_key, currency, declined_on)
SELECT merchant_id, order_key, currency, min(declined_on) FROM {_rows(_DECLINED)}
GROUP BY merchant_id, order_key, currency ORDER BY merchant_id, order_key, currency
ON CONFLICT (merchant_id, order_key, currency) DO UPDATE
SET declined_on = EXCLUDED.declined_on WHERE EXCLUDED.declined_on < known.declined_on"""  # noqa: S608 - made of constants


async def decline(conn: Conn, declined: Sequence[OrderDeclined]) -> None:
    """An order counts on the first day that any of its payments was declined."""
    await conn.execute(_DECLINE, *_arrays(_DECLINED, declined))


_DAY: Final = "merchant_id, currency, method, started_on"
_MOVE: Final = f"""
WITH moved AS (
    INSERT INTO funnels AS known
        (merchant_id, method, id, currency, started_on, step, previous_step)
    SELECT merchant_id, method, id, currency, started_on, number, 0 FROM {_rows(_STEP)}
    ON CONFLICT (merchant_id, method, id) DO UPDATE
    SET step = EXCLUDED.step, previous_step = known.step WHERE known.step < EXCLUDED.step
    RETURNING {_DAY}, step, previous_step
)
INSERT INTO funnel_days AS known ({_DAY}, step, count)
SELECT {_DAY}, reached, count(*)
FROM moved CROSS JOIN LATERAL generate_series(previous_step + 1, step) AS reached
GROUP BY {_DAY}, reached ORDER BY {_DAY}, reached
ON CONFLICT ({_DAY}, step) DO UPDATE SET count = known.count + EXCLUDED.count"""  # noqa: S608 - made of constants


async def move(conn: Conn, reached: Sequence[StepReached]) -> None:
    """`reached`: the furthest step of each funnel, in the order of the key."""
    await conn.execute(_MOVE, *_arrays(_STEP, reached))


_SEND: Final = f"""
INSERT INTO recovery_carts AS known (merchant_id, id, currency, sent_on, sent_minor)
SELECT DISTINCT ON (merchant_id, id) merchant_id, id, currency, sent_on, amount_minor
FROM {_rows(_SENT)} ORDER BY merchant_id, id, sent_on
ON CONFLICT (merchant_id, id) DO UPDATE
SET sent_on = EXCLUDED.sent_on, sent_minor = EXCLUDED.sent_minor WHERE known.sent_on IS NULL"""  # noqa: S608 - made of constants
_CART_PAY: Final = f"""
INSERT INTO recovery_carts AS known (merchant_id, id, currency, paid_minor)
SELECT DISTINCT ON (merchant_id, id) merchant_id, id, currency, amount_minor
FROM {_rows(_CART_PAID)} ORDER BY merchant_id, id
ON CONFLICT (merchant_id, id) DO UPDATE SET paid_minor = EXCLUDED.paid_minor
WHERE known.paid_minor IS NULL"""  # noqa: S608 - made of constants


async def send_carts(conn: Conn, sent: Sequence[CartSent]) -> None:
    """The first fact counts: a cart gets one link, and is paid once."""
    await conn.execute(_SEND, *_arrays(_SENT, sent))


async def pay_carts(conn: Conn, paid: Sequence[CartPaid]) -> None:
    await conn.execute(_CART_PAY, *_arrays(_CART_PAID, paid))


_ERASE: Final = f"""
WITH erased AS (
    INSERT INTO erased_customers (merchant_id, customer_id)
    SELECT DISTINCT merchant_id, customer_id FROM {_rows(_ERASED)} ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING merchant_id, customer_id
), left_out AS (
    DELETE FROM paying_customers USING erased
    WHERE (paying_customers.merchant_id, paying_customers.customer_id)
        = (erased.merchant_id, erased.customer_id)
)
UPDATE paid_orders SET customer_id = NULL FROM erased
WHERE (paid_orders.merchant_id, paid_orders.customer_id) = (erased.merchant_id, erased.customer_id)"""  # noqa: S608 - made of constants


async def erase(conn: Conn, erased: Sequence[CustomerErased]) -> None:
    """Waits for payments being recorded, so that none of them keeps the customer's id."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    await conn.execute(_ERASE, *_arrays(_ERASED, erased))


async def empty(conn: Conn) -> None:
    """Deletes the facts that events report; retention spends and survey answers stay."""
    await conn.execute(
        "TRUNCATE order_payments, paid_orders, declined_orders, paying_customers,"
        " erased_customers, funnels, funnel_days, recovery_carts"
    )
