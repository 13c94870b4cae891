"""The process dies at each step of a payment; there is still only one payment."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from incasso.payments.v1 import payments_pb2
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.paylink import worker
from services.paylink.deps import Deps
from services.paylink.flows import follow, pay
from services.paylink.flows.opening import open_link
from services.paylink.flows.pay import PayByCard
from services.paylink.rules.domain import NewCard
from services.paylink.store.payments import ATTEMPTS
from tests.kit.crash_matrix import CrashMatrix, age, expect, repeat, struck, work
from tests.kit.crashing import Moment, ProcessDied
from tests.kit.payments_double import lose_answer, money, once
from tests.services.paylink.test_instalment_links import made
from tests.services.paylink.test_links import refused
from tests.services.paylink.test_worker import deliver
from tests.services.paylink.world import Link, Try, World, token_of

State = payments_pb2.Payment


@dataclass
class PaidLink:
    """A link, and one form that pays it with a new card."""

    world: World
    link: Any
    table: str = "link_payments"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        token = token_of(self.link)
        shown = await open_link(self.world.deps, token)
        card = NewCard("sandbox-a", "tok_visa", "visa", "4242")
        key = Key(self.world.merchant_id, "PayByCard", self.link.id, b"hash")
        await pay.pay_by_card(deps, shown, PayByCard(token, None, card, None, 12900, None), key)

    def worker(self, deps: Deps):
        return worker.payment_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await follow.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await deliver(self.world, payment, payment.state)

    async def state(self) -> str:
        """The link's state; its attempts, paid amount and events must agree with it."""
        link = await self.world.get(self.link)
        ended = [one.state for one in await self.world.tries(self.link)]
        subjects = await self.world.subjects(self.link)
        if link.state == Link.STATE_PAID:
            assert (link.uses, link.paid_minor, subjects.count("paid")) == (1, 12900, 1)
            assert ended == [Try.STATE_SUCCEEDED]
            return "paid"
        assert (link.uses, link.paid_minor, subjects.count("paid")) == (0, 0, 0)
        if Try.STATE_PROCESSING in ended:
            return "under way"
        assert link.state == Link.STATE_CREATED
        assert ended in ([], [Try.STATE_CANCELLED])
        return "open"


class TestLinks(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> PaidLink:
        return PaidLink(world, await world.link())


class TestReusableLinks(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> PaidLink:
        return PaidLink(world, await world.link(reusable=True, max_uses=1))


class TestLinksOfInstalments(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> PaidLink:
        return PaidLink(world, await made(world, amount=money(12900)))


async def test_an_unresolved_attempt_blocks_any_other_payment(world: World):
    link = PaidLink(world, await world.link())
    await struck(link, Moment.AFTER_INTENT)
    assert await refused(world.pay(link.link)) == "payment_link_paying"
    await work(link)
    assert await refused(world.pay(link.link)) == "payment_link_paid"
    await expect(link, "paid")


async def test_an_old_attempt_that_never_reached_payments_reopens_the_link(world: World):
    link = PaidLink(world, await world.link())
    await struck(link, Moment.AFTER_INTENT)
    await age(link)
    await work(link)
    await repeat(link)  # the old form gets its attempt's final state
    await expect(link, "open")
    await world.pay(link.link)
    assert (await world.get(link.link)).state == Link.STATE_PAID
    assert len(world.payments.books) == 1


@pytest.mark.parametrize("moment", [Moment.AFTER_INTENT, Moment.LOST_ANSWER])
async def test_an_attempt_is_not_settled_by_another_links_payment(world: World, moment: Moment):
    paid = PaidLink(world, await world.link())
    await struck(paid, moment)
    await work(paid)
    link = PaidLink(world, await world.link())  # same order, same amount
    await struck(link, Moment.AFTER_INTENT)
    await age(link)
    await work(link)
    assert (await link.state(), await paid.state()) == ("open", "paid")


class DyingPayments:
    """Payments, for a process that dies before a cancellation, or after it but before the record."""

    def __init__(self, real, when: str) -> None:
        self._real = real
        self._when = when

    async def cancel_or_get(self, payment_id: str, *, key: str):
        if self._when == "after":
            await self._real.cancel_or_get(payment_id, key=key)
        raise ProcessDied


def dying(world: World, when: str) -> Deps:
    return replace(world.deps, payments=DyingPayments(world.deps.payments, when))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_challenge_whose_cancellation_crashed_is_cancelled_by_the_next_attempt(
    world: World, when: str
):
    link = await world.link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    await world.pay(link)
    await world.advance(minutes=31)
    shown = await open_link(world.deps, token_of(link))
    with pytest.raises(ProcessDied):
        await pay.give_up_challenge(dying(world, when), shown, older_than=timedelta(minutes=30))
    world.payments.state = State.STATE_CAPTURED
    await world.pay(link)
    states = sorted(payment.state for payment in world.payments.books.values())
    assert states == [State.STATE_CAPTURED, State.STATE_CANCELLED]


async def test_giving_up_a_succeeded_attempt_leaves_the_link_paid(world: World):
    link = await world.link()
    await world.pay(link)
    (row,) = await world.rows("SELECT id FROM link_payments WHERE link_id = $1", link.id)
    world.act()
    async with world.db.connection() as conn:
        payment = await ATTEMPTS.get(conn, world.merchant_id, row["id"])
    await pay.give_up(world.deps, payment)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_the_worker_retries_through_a_payments_outage_and_charges_once(world: World):
    link = await world.link()
    world.payments.before["CreatePayment"] = lose_answer
    await world.pay(link)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAYING
    world.payments.before["CreatePayment"] = once(lose_answer)
    await world.work()
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(world.payments.books) == 1


async def test_the_worker_backs_off_between_retries(world: World):
    link = await world.link()
    world.payments.before["CreatePayment"] = lose_answer
    await world.pay(link)
    (one,) = await world.tries(link)
    seen = "SELECT now(), due_at FROM link_payments WHERE id = $1"
    (row,) = await world.rows(seen, one.id)
    assert row["due_at"] - row["now"] <= timedelta(seconds=2)
    for seconds in (15, 30):
        (before,) = await world.rows(seen, one.id)
        await world.work()
        (after,) = await world.rows(seen, one.id)
        assert after["due_at"] - before["now"] >= timedelta(seconds=seconds)
