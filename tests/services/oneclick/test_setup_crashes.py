"""The process dies at each step of saving a card: there is one card."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio

from incasso.payments.v1 import payments_pb2
from libs.clock import Clock
from libs.errors import OutcomeUnknown, Refusal
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.oneclick import worker
from services.oneclick.deps import Deps
from services.oneclick.flows import attach
from services.oneclick.flows.attach import AttachInstrument
from services.oneclick.rules.domain import Consent
from tests.kit.crash_matrix import age, change, later, repeat, row_of, struck, work
from tests.kit.crashing import Death, Moment, ProcessDied
from tests.services.oneclick.world import World

State = payments_pb2.Payment
SEALED = "SELECT setup_request FROM instruments WHERE merchant_id = $1"


@dataclass
class Setup:
    """The saving of a card."""

    world: World
    customer_id: str
    table: str = "instruments"
    rpc: str = "SetUpInstrument"

    async def pay(self, deps: Deps) -> bytes:
        key = Key(self.world.merchant_id, "AttachInstrument", "card-1", b"hash")
        cmd = AttachInstrument(
            customer_id=self.customer_id,
            psp_account="sandbox-a",
            token="tok_visa",
            make_default=False,
            consent=Consent("2026-11", Clock().now(), None, None),
            return_url="",
        )
        return await attach.attach_instrument(deps, cmd, key)

    def worker(self, deps: Deps):
        return worker.setup_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await attach.settle_due(deps, row)

    async def states(self) -> list[str]:
        return [
            state
            for (state,) in await self.world.rows(
                "SELECT state FROM instruments WHERE merchant_id = $1", self.world.merchant_id
            )
        ]


@pytest_asyncio.fixture(loop_scope="session")
async def setup(world: World) -> Setup:
    return Setup(world, await world.customer())


async def expect_one_card(setup: Setup) -> None:
    """Payments was called under one key, and the card can be charged."""
    assert await setup.states() == ["active"]
    assert len(setup.world.payments.setups) == 1
    assert len(set(setup.world.payments.keys["SetUpInstrument"])) == 1
    assert (await setup.world.charge(setup.customer_id)).state == State.STATE_CAPTURED


@pytest.mark.parametrize("moment", Moment)
async def test_an_interrupted_setup_is_resumed_under_its_key(setup: Setup, moment: Moment):
    await struck(setup, moment)
    await repeat(setup)
    await work(setup)
    answer = await setup.pay(setup.world.deps)
    assert await setup.pay(setup.world.deps) == answer
    await expect_one_card(setup)


@pytest.mark.parametrize("moment", [moment for moment in Moment if moment.name != "BEFORE_INTENT"])
async def test_the_worker_finishes_an_interrupted_setup(setup: Setup, moment: Moment):
    await struck(setup, moment)
    await work(setup)
    await expect_one_card(setup)


@pytest.mark.parametrize("moment", Moment)
async def test_concurrent_workers_and_a_repeat_save_one_card(setup: Setup, moment: Moment):
    death = await struck(setup, moment, arrives=False)
    await later(setup)
    setup.world.act()
    await asyncio.gather(
        setup.worker(setup.world.deps).run_once(),
        setup.worker(setup.world.deps).run_once(),
        setup.pay(setup.world.deps),
        death.arrive(),
        return_exceptions=True,
    )
    await work(setup)
    await expect_one_card(setup)


@pytest.mark.parametrize("first", [Moment.AFTER_INTENT, Moment.LOST_ANSWER])
@pytest.mark.parametrize("moment", [Moment.AFTER_INTENT, Moment.AFTER_CALL, Moment.AFTER_RECORD])
async def test_a_setup_survives_the_death_of_its_worker(
    setup: Setup, first: Moment, moment: Moment
):
    await struck(setup, first)
    row = DueRow(setup.world.merchant_id, await row_of(setup), timedelta(seconds=20))
    setup.world.act()
    with pytest.raises(ProcessDied):
        await setup.settle(Death(setup, moment).deps, row)
    await work(setup)
    await expect_one_card(setup)


async def test_a_setup_unfinished_after_a_day_is_refused(setup: Setup):
    await struck(setup, Moment.NEVER_ARRIVED)
    await age(setup, timedelta(days=1))
    await work(setup)
    assert await setup.states() == ["refused"]
    with pytest.raises(Refusal) as refused:
        await repeat(setup)
    assert refused.value.reason == "instrument_refused"
    assert not setup.world.payments.setups


async def test_a_setups_request_is_stored_sealed_until_it_ends(setup: Setup):
    await struck(setup, Moment.NEVER_ARRIVED)
    kept = await setup.world.value(SEALED, setup.world.merchant_id)
    assert b"tok_visa" not in kept
    assert setup.world.deps.payments.opened(payments_pb2.SetUpInstrumentRequest, kept).token
    await work(setup)
    assert await setup.world.value(SEALED, setup.world.merchant_id) is None


async def test_a_setup_with_an_unreadable_request_is_not_sent(setup: Setup):
    await struck(setup, Moment.NEVER_ARRIVED)
    await change(setup, "UPDATE instruments SET setup_request = 'lost' WHERE merchant_id = $1")
    with pytest.raises(OutcomeUnknown):
        await repeat(setup)
    assert (await setup.states(), setup.world.payments.setups) == (["setting_up"], {})
