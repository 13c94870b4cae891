"""Reads KPIs, and stores the retention spend."""

from datetime import date

from libs import context
from libs.money import Money
from libs.rows import to_json
from services.reporting.deps import Deps
from services.reporting.flows import auditing
from services.reporting.rules import kpis as rules
from services.reporting.rules.kpis import (
    Kpis,
    LifetimeValues,
    Retention,
    RetentionSpend,
)
from services.reporting.store import kpis as store


async def get_kpis(deps: Deps, *, from_day: date, to_day: date, currency: str) -> Kpis:
    """Raises InvalidArgument."""
    rules.days_between(from_day, to_day)
    asked = (context.merchant_id(), currency, from_day, to_day)
    async with deps.db.snapshot() as conn:
        steps = await store.steps(conn, *asked)
        orders = await store.orders(conn, *asked)
        carts = await store.carts(conn, *asked)
        declined = await store.declined(conn, *asked)
    return Kpis(
        conversion=rules.conversions(steps),
        order_value=rules.total(each.value for each in orders),
        order_values=rules.order_values(orders),
        carts=carts,
        one_click_acceptance=rules.one_click_acceptance(orders, declined=declined),
    )


async def get_lifetime_values(
    deps: Deps, *, from_day: date, to_day: date, currency: str, years: int | None
) -> LifetimeValues:
    """Raises InvalidArgument."""
    days, years = rules.days_between(from_day, to_day), years or rules.DEFAULT_YEARS
    found, unknown = await deps.db.run(
        store.buyers, context.merchant_id(), currency, from_day, to_day
    )
    return LifetimeValues(
        rules.lifetime_values(found, days=days, years=years), years, days, unknown
    )


async def get_retention(deps: Deps, *, year: int, currency: str) -> Retention:
    merchant_id = context.merchant_id()
    async with deps.db.snapshot() as conn:
        customers, returning = await store.retention(conn, merchant_id, currency, year)
        spent = await store.spend(conn, merchant_id, year, currency)
    return rules.retention(customers, returning, spent.amount.amount_minor if spent else None)


async def put_retention_spend(deps: Deps, *, year: int, amount: Money) -> RetentionSpend:
    """Raises InvalidArgument."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    spent = rules.spend_of(merchant_id, year, amount, now)
    async with deps.db.transaction() as tx:
        before = await store.spend(tx, merchant_id, year, amount.currency, lock=True)
        await store.put_spend(tx, spent)
        await auditing.record(
            tx,
            "retention_spend.set",
            f"{year} {amount.currency}",
            before=to_json(before) if before else {},
            after=to_json(spent),
            now=now,
        )
    return spent
