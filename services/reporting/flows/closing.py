"""Months: lists and closes them."""

from collections.abc import Sequence

from libs import context
from services.reporting import events
from services.reporting.deps import Deps
from services.reporting.flows import days
from services.reporting.rules import periods as rules
from services.reporting.rules.periods import Period, PeriodState
from services.reporting.store import books
from services.reporting.store import periods as store


async def close_period(deps: Deps, month: str) -> Period:
    """Closing again changes nothing. Raises PeriodNotOver."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    first = rules.month_of(month)
    async with deps.db.transaction() as tx:
        zone = await days.zone_of(tx, merchant_id)
        rules.check_over(first, now.astimezone(zone).date())
        await books.own(tx)
        known = (await store.closed(tx, [merchant_id])).get(merchant_id)
        if known is None or known < first:
            actor = context.current().actor
            await store.close(tx, merchant_id, first, closed_at=now, closed_by=actor)
            period = Period(month, PeriodState.CLOSED, now, actor)
            await events.period_closed(tx, merchant_id, period, now)
            return period
        closed_at, closed_by = await store.closing_of(tx, merchant_id, first)
    return Period(month, PeriodState.CLOSED, closed_at, closed_by)


async def list_periods(deps: Deps) -> Sequence[Period]:
    """Newest first."""
    rows = await deps.db.run(store.months, context.merchant_id())
    return [
        Period(
            f"{row['month']:%Y-%m}",
            PeriodState.CLOSED if row["is_closed"] else PeriodState.OPEN,
            row["closed_at"],
            row["closed_by"],
        )
        for row in rows
    ]
