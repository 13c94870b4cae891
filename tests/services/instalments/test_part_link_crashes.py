"""The process dies at each step of creating a missed part's link: paylink has one, or none and a row that
says so; and none can still be paid once the part is paid otherwise.
"""

from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio

from libs.payments.due import DueRow
from services.instalments import worker
from services.instalments.deps import Deps
from services.instalments.flows import part_links
from services.instalments.store.links import PART_LINKS
from tests.kit.crash_matrix import ALL, CrashMatrix, struck, work
from tests.kit.crashing import Moment
from tests.kit.doubles import PayLinks
from tests.services.instalments.part_links import LATER, deliver, links_of, states, taken
from tests.services.instalments.world import World


@dataclass
class MissedPart:
    """The second part of a plan, which was missed; whichever process finds it without a link creates one."""

    world: World
    plan_id: str
    table: str = "part_links"
    rpc: str = "CreateInstalmentLink"
    client: str = "links"

    @property
    def double(self) -> PayLinks:
        return self.world.paylink

    async def pay(self, deps: Deps) -> None:
        await part_links.reissue(deps, self.plan_id)
        await self.worker(deps).run_once()

    def worker(self, deps: Deps):
        return worker.link_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await part_links.settle_due(deps, row)

    async def deliver(self, link) -> None:
        """Delivers paylink's event for a link that was paid."""
        await deliver(self.world, link, f"pay_{link.id}")

    async def state(self) -> str:
        async with self.world.deps.db.connection() as conn:
            found = await PART_LINKS.all(conn, "WHERE merchant_id = $1", self.world.merchant_id)
        if not found:
            return "open"
        (link,) = found
        return "paid" if link.payment_link_id else "under way"


@pytest_asyncio.fixture(loop_scope="session")
async def subject(world: World) -> MissedPart:
    return MissedPart(world, await world.begin("missed", partial(missed, world)))


async def missed(world: World) -> str:
    world.payments.one_per_part = True
    plan = await world.active()
    world.say_no(LATER)
    await world.collected(plan.id, 2)
    world.say_yes()
    async with world.deps.db.connection() as conn:
        await conn.execute("DELETE FROM part_links WHERE merchant_id = $1", world.merchant_id)
    return plan.id


class TestLinksOfMissedParts(CrashMatrix):
    gives_up = False


@pytest.mark.parametrize("moment", ALL)
async def test_a_part_paid_by_card_after_a_crash_leaves_no_open_link(subject, moment: Moment):
    world = subject.world
    death = await struck(subject, moment, arrives=False)
    await world.collected(subject.plan_id, 2)
    await work(subject)
    await death.arrive()
    plan = await world.get(subject.plan_id)
    assert states(plan)[1] == "paid"
    assert len(taken(world, plan, 2)) == 1
    made = links_of(world, plan)
    assert len(made) <= 1
    assert world.paylink.closed == [(link.id, True) for link in made]
    assert not made or moment is not Moment.BEFORE_INTENT
