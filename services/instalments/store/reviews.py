"""SQL of affordability: what a customer owes and has missed, and who decided what about a plan."""

from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from libs.money import Money
from services.instalments.rules.affordability import LATE, MEMORY, History
from services.instalments.rules.plans import BINDING, OPEN, Plan
from services.instalments.rules.reviews import Step
from services.instalments.rules.states import PlanState

STEPS: Final = rows.Table("reviews", Step)
_OTHERS: Final = (
    "FROM plans JOIN instalments ON instalments.merchant_id = plans.merchant_id"
    " AND instalments.plan_id = plans.id"
    " WHERE plans.merchant_id = $1 AND plans.customer_id = $2 AND plans.id <> $3"
)


async def lock_customer(conn: Conn, plan: Plan) -> None:
    """Locks until the end of the transaction: other checks of a plan of this customer wait for it.

    It may be taken while holding a plan's lock, but no plan's lock may be taken while holding it.
    """
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('customer ' || $1 || ' ' || $2, 0))",
        plan.merchant_id,
        plan.customer_id,
    )


async def history(conn: Conn, plan: Plan, now: datetime) -> History:
    """The customer's other plans, without their first parts: signing pays those, they are not lent."""
    other = (plan.merchant_id, plan.customer_id, plan.id)
    owed = await conn.fetch(
        f"SELECT currency, sum(principal_minor + interest_minor + fee_minor + late_fee_minor"
        f" - rebate_minor)::bigint AS owed {_OTHERS} AND plans.state = ANY($4::text[])"
        f" AND instalments.state = ANY($5::text[]) AND number > 1 GROUP BY currency",
        *other,
        [state.value for state in BINDING],
        [state.value for state in OPEN],
    )
    past = await conn.fetchrow(
        f"SELECT count(*) FILTER (WHERE missed_at > $4"
        f" AND (paid_at IS NULL OR paid_at > missed_at + $5::interval)) AS missed,"
        f" count(DISTINCT plans.id) FILTER (WHERE plans.state = ANY($6::text[])) AS defaulted {_OTHERS}",
        *other,
        now - MEMORY,
        LATE,
        [PlanState.DEFAULTED.value, PlanState.WRITTEN_OFF.value],
    )
    assert past is not None  # an aggregate always returns a row
    return History(
        [Money(row["owed"], row["currency"]) for row in owed], past["missed"], past["defaulted"]
    )
