"""A merchant writes off a plan, or a part of it; who decided it and why is recorded."""

from dataclasses import dataclass

from libs.db import Conn
from services.instalments.deps import Deps
from services.instalments.flows import affordability, collecting
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import writing_off as rules
from services.instalments.rules.plans import Shown


@dataclass(frozen=True, slots=True)
class WriteOff:
    """`number` None: everything that is left of the plan."""

    plan_id: str
    number: int | None
    reason: str
    decided_by: str


async def write_off(deps: Deps, cmd: WriteOff) -> Shown:
    """Repeating it changes nothing. Raises PlanNotFound, and what the rules of writing off
    raise.
    """
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        now = deps.clock.now()
        after = Shown(*rules.written_off(before.plan, before.parts, cmd.number, now))
        if after != before:
            await _recorded(deps, tx, before, after, cmd)
            await collecting.changed(tx, [(before, after)], now)
    return await plans_flow.get_plan(deps, cmd.plan_id)


async def _recorded(deps: Deps, tx: Conn, before: Shown, after: Shown, cmd: WriteOff) -> None:
    await affordability.recorded(
        deps,
        tx,
        before.plan,
        after.plan,
        reason=cmd.reason,
        decided_by=cmd.decided_by,
        number=cmd.number,
    )
