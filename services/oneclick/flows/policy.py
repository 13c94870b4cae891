"""A merchant's limits of one-click charges."""

from dataclasses import dataclass

from libs import context
from services.oneclick.deps import Deps
from services.oneclick.limits import Policy
from services.oneclick.store import policies


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """None leaves what is there."""

    max_charge_minor: int | None
    max_daily_minor: int | None
    max_hourly_charges: int | None
    grace_seconds: int | None


async def get_policy(deps: Deps) -> Policy:
    async with deps.db.connection() as conn:
        return await policies.get(conn, context.merchant_id())


async def update_policy(deps: Deps, cmd: UpdatePolicy) -> Policy:
    async with deps.db.connection() as conn:
        return await policies.change(
            conn,
            context.merchant_id(),
            max_charge_minor=cmd.max_charge_minor,
            max_daily_minor=cmd.max_daily_minor,
            max_hourly_charges=cmd.max_hourly_charges,
            grace_seconds=cmd.grace_seconds,
        )
