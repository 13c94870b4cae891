"""A merchant's limits of one-click charges."""

from dataclasses import dataclass, replace

from libs import context
from libs.errors import invalid
from libs.money import Money
from services.oneclick.deps import Deps
from services.oneclick.rules.limits import Policy
from services.oneclick.store import policies


@dataclass(frozen=True, slots=True)
class NewLimit:
    """`minor` alone, as older storefronts say it, keeps the currency that the limit has."""

    money: Money | None
    minor: int | None


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """None leaves what is there."""

    max_charge: NewLimit
    max_daily: NewLimit
    max_hourly_charges: int | None
    grace_seconds: int | None


async def get_policy(deps: Deps) -> Policy:
    async with deps.db.connection() as conn:
        return await policies.get(conn, context.merchant_id())


async def update_policy(deps: Deps, cmd: UpdatePolicy) -> Policy:
    """A limit in a currency without a reference rate holds for charges in this currency alone."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        before = await policies.lock(tx, merchant_id)
        after = replace(
            before,
            max_charge=_limit("max_charge", cmd.max_charge, before.max_charge),
            max_daily=_limit("max_daily", cmd.max_daily, before.max_daily),
            max_hourly_charges=cmd.max_hourly_charges or before.max_hourly_charges,
            grace_seconds=cmd.grace_seconds or before.grace_seconds,
        )
        await policies.save(tx, merchant_id, after)
    return after


def _limit(field: str, new: NewLimit, before: Money) -> Money:
    if new.money is not None and new.minor is not None:
        raise invalid(f"{field}_minor", f"must not be there together with {field}")
    if new.money is not None:
        return new.money
    return before if new.minor is None else Money(new.minor, before.currency)
