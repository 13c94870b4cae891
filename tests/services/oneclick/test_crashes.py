"""The process dies at each step of a click: there is one charge."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import context
from libs.errors import Kind, Refusal
from libs.idempotency import Key
from libs.money import Money
from libs.payments.due import DueRow
from services.oneclick import worker
from services.oneclick.deps import Deps
from services.oneclick.flows import charge, follow, sessions
from services.oneclick.flows.charge import CreateOneClickPayment
from services.oneclick.rules.domain import CaptureMode
from tests.kit.crash_matrix import CrashMatrix, age, expect, repeat, struck, work
from tests.kit.crashing import Moment
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.oneclick.test_sessions import opened
from tests.services.oneclick.test_worker import happens
from tests.services.oneclick.world import World

State = payments_pb2.Payment


def command(customer_id: str) -> CreateOneClickPayment:
    return CreateOneClickPayment(
        customer_id=customer_id,
        amount=Money(5990, "EUR"),
        order_reference="A-1001",
        capture=CaptureMode.NOW,
        grace_seconds=None,
        instrument_id=None,
        address_id=None,
        return_url="",
        metadata={},
    )


@dataclass
class Click:
    """A charge by the shop's server."""

    world: World
    customer_id: str
    table: str = "charges"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "CreateOneClickPayment", "order-1", b"hash")
        answer = await charge.create_one_click_payment(deps, command(self.customer_id), key)
        (booked,) = self.world.payments.books.values()
        assert payments_pb2.Payment.FromString(answer) == booked

    def worker(self, deps: Deps):
        return worker.charge_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await follow.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await happens(self.world, payment, payment.state)

    async def state(self) -> str:
        rows = await self.world.charges()
        if not rows:
            return "open"
        (row,) = rows
        assert (row["due_at"] is None) == (row["state"] not in {"started", "under_way"})
        return {"succeeded": "paid", "refused": "open"}.get(row["state"], "under way")


@dataclass
class ClickOfSession(Click):
    """A click in the browser."""

    session_id: str = ""

    async def pay(self, deps: Deps) -> None:
        await sessions.pay_one_click_session(deps, self.session_id, None, ip=None)

    async def state(self) -> str:
        state = await super().state()
        shown = await self.world.value("SELECT state FROM sessions WHERE id = $1", self.session_id)
        assert shown == {"under way": "paying"}.get(state, state)
        return state


class TestClicks(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Click:
        return Click(world, await world.shopper())


class TestClicksOfSessions(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Click:
        customer_id = await world.shopper()
        session = await opened(world, customer_id)
        return ClickOfSession(world, customer_id, session_id=session.id)


async def test_a_click_too_old_to_retry_is_abandoned_without_a_charge(world: World):
    click = Click(world, await world.shopper())
    await struck(click, Moment.NEVER_ARRIVED)
    await age(click)
    await work(click)
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await repeat(click)
        assert refused.value.reason == "charge_abandoned"
    assert not world.payments.books


async def test_a_late_repeat_completes_a_click_not_yet_abandoned(world: World):
    click = Click(world, await world.shopper())
    await struck(click, Moment.NEVER_ARRIVED)
    await age(click)
    await repeat(click)
    await work(click)
    await expect(click, "paid")


async def test_an_abandoned_click_frees_the_limits(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1))
    click = Click(world, customer_id)
    await struck(click, Moment.NEVER_ARRIVED)
    await age(click)
    await work(click)
    await world.charge(customer_id)


async def test_the_worker_backs_off_while_the_outcome_is_unknown(world: World):
    click = Click(world, await world.shopper())
    world.payments.before["CreatePayment"] = lose_answer
    click.world.act()
    with pytest.raises(Refusal):
        await click.pay(world.deps)
    for seconds in (15, 30):
        before = await world.value("SELECT now()")
        await work(click)
        (row,) = await world.charges()
        assert row["due_at"] - before >= timedelta(seconds=seconds)


async def test_a_payment_for_a_refused_click_is_counted_in_the_metrics(world: World):
    click = Click(world, await world.shopper())
    late = REGISTRY.get_sample_value("incasso_payments_after_their_end_total") or 0
    refusal = refuse(Kind.CONFLICT, "no_psp_account")
    world.payments.after["CreatePayment"] = once(refusal)  # the real payments never does this
    with pytest.raises(Refusal):
        await world.charge(click.customer_id)
    (payment,) = world.payments.books.values()
    await click.deliver(payment)
    assert REGISTRY.get_sample_value("incasso_payments_after_their_end_total") == late + 1


async def test_the_worker_looks_up_a_payment_whose_event_was_lost(world: World):
    customer_id = await world.shopper()
    world.payments.state = State.STATE_PENDING
    payment = await world.charge(customer_id)
    (row,) = await world.charges()
    assert (row["state"], row["due_at"] is not None) == ("under_way", True)
    world.payments.payment(payment.id).state = State.STATE_DECLINED
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    (row,) = await world.charges()
    assert (row["state"], row["due_at"]) == ("declined", None)


async def test_workers_act_for_the_merchant_of_the_row(world: World):
    customer_id = await world.shopper()
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id)
    seen = []
    world.payments.before["CreatePayment"] = lambda: seen.append(context.current())
    context.set_current(context.Call())
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    assert [(call.merchant_id, call.actor) for call in seen] == [(world.merchant_id, "oneclick")]
