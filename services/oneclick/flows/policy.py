"""A merchant's limits for one-click charges."""

from dataclasses import dataclass, replace

from libs import context
from libs.errors import invalid
from libs.money import Money
from services.oneclick.deps import Deps
from services.oneclick.rules.spending import DEFAULT, Policy
from services.oneclick.store.policies import POLICIES


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """None keeps the current value. `…_minor` alone, as sent by older storefronts, keeps the
    limit's currency.
    """

    max_charge: Money | None
    max_charge_minor: int | None
    max_daily: Money | None
    max_daily_minor: int | None
    max_hourly_charges: int | None
    grace_seconds: int | None


async def get_policy(deps: Deps) -> Policy:
    return await deps.db.run(POLICIES.get, context.merchant_id(), DEFAULT)


async def update_policy(deps: Deps, cmd: UpdatePolicy) -> Policy:
    """A limit in a currency without a reference rate only applies to charges in that currency."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        before = await POLICIES.lock(tx, merchant_id, DEFAULT)
        after = replace(
            before,
            max_charge=_limit(cmd, "max_charge", before.max_charge),
            max_daily=_limit(cmd, "max_daily", before.max_daily),
            max_hourly_charges=cmd.max_hourly_charges or before.max_hourly_charges,
            grace_seconds=cmd.grace_seconds or before.grace_seconds,
        )
        await POLICIES.save(tx, merchant_id, after)
    return after


def _limit(cmd: UpdatePolicy, field: str, before: Money) -> Money:
    money: Money | None = getattr(cmd, field)
    minor: int | None = getattr(cmd, f"{field}_minor")
    if money is not None and minor is not None:
        raise invalid(f"{field}_minor", f"must not be set together with {field}")
    if money is not None:
        return money
    return before if minor is None else Money(minor, before.currency)
