"""SQL of money that couriers have collected and not passed on, by age."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn
from services.cod.rules.ageing import FORTNIGHT, MONTH, WEEK, Ageing
from services.cod.rules.overdue import ZONE

MOST: Final = 100  # couriers and currencies, largest open amount first
_UNREMITTED: Final = f"""
SELECT parcels.courier_id, couriers.name AS courier, orders.currency, orders.state,
    parcels.collected_minor - accounted.minor AS minor,
    ($2::timestamptz AT TIME ZONE '{ZONE.key}')::date
        - (parcels.collected_at AT TIME ZONE '{ZONE.key}')::date AS days
FROM orders
JOIN parcels ON parcels.merchant_id = orders.merchant_id AND parcels.order_id = orders.id
    AND parcels.state = 'collected' AND parcels.collected_minor > 0
JOIN couriers ON couriers.merchant_id = parcels.merchant_id AND couriers.id = parcels.courier_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(kept_minor + remitted_minor + cleared_minor), 0)::bigint AS minor FROM remittance_lines AS line
    WHERE line.merchant_id = parcels.merchant_id AND line.courier_id = parcels.courier_id
        AND line.parcel = parcels.tracking_number AND line.booked
) AS accounted
WHERE orders.merchant_id = $1 AND orders.collected_minor > 0 AND orders.state <> 'remitted'"""  # noqa: S608 - made of constants
_AGEING: Final = f"""
SELECT courier_id, courier, currency, count(*) FILTER (WHERE minor <> 0)::int AS parcels,
    {
    ", ".join(
        f"coalesce(sum(minor) FILTER (WHERE {which}), 0)::bigint AS {column}"
        for column, which in {
            "open_minor": "true",
            "days_0_to_7_minor": f"days <= {WEEK}",
            "days_8_to_15_minor": f"days > {WEEK} AND days <= {FORTNIGHT}",
            "days_16_to_30_minor": f"days > {FORTNIGHT} AND days <= {MONTH}",
            "days_over_30_minor": f"days > {MONTH}",
            "overdue_minor": "state = 'overdue'",
            "short_minor": "state = 'short'",
        }.items()
    )
}
FROM ({_UNREMITTED}) AS unremitted GROUP BY courier_id, courier, currency
HAVING sum(minor) <> 0 ORDER BY open_minor DESC, courier_id, currency LIMIT {MOST}"""  # noqa: S608 - made of constants


async def of_couriers(conn: Conn, merchant_id: str, now: datetime) -> Sequence[Ageing]:
    found = await conn.fetch(_AGEING, merchant_id, now)
    return [Ageing(**dict(row)) for row in found]
