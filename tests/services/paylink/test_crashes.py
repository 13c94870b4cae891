"""The crash matrix: the process dies at each step of a payment, and still there is one payment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.idempotency import Key
from services.paylink.deps import Deps
from services.paylink.flows import follow, pay
from services.paylink.flows.opening import open_link
from services.paylink.flows.pay import PayByCard
from services.paylink.rules.cards import NewCard
from services.paylink.store import payments
from services.paylink.store.due import DuePayment
from tests.services.oneclick.payments_double import lose_answer, once
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Try, World, token_of

State = payments_pb2.Payment


class ProcessDied(BaseException):
    """Nothing of the process runs after it: no except, no clean-up."""


class DyingPayments:
    """Payments as seen by a process that dies before a call, or after it before recording."""

    def __init__(self, real, when: str) -> None:
        self._real = real
        self._when = when

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            if self._when == "before":
                raise ProcessDied
            await getattr(self._real, name)(*args, **kwargs)
            raise ProcessDied

        return call


def dying(world: World, when: str) -> Deps:
    return replace(world.deps, payments=DyingPayments(world.deps.payments, when))


async def pay_and_die(world: World, link, when: str) -> None:
    opened = await open_link(world.deps, token_of(link))
    card = NewCard("sandbox-a", "tok_visa", "visa", "4242")
    cmd = PayByCard(token_of(link), None, card, None, 12900, None)
    key = Key(world.merchant_id, "PayByCard", ids.new("key"), b"hash")
    with pytest.raises(ProcessDied):
        await pay.pay_by_card(dying(world, when), opened, cmd, key)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("reusable", [False, True])
async def test_a_payment_whose_process_died_is_finished_once(world: World, when, reusable):
    link = await world.link(reusable=reusable, max_uses=1 if reusable else None)
    await pay_and_die(world, link, when)
    assert await refused(world.pay(link)) == "payment_link_paying"
    await world.work()
    await world.work()
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
    assert len(world.payments.books) == 1
    assert len(set(world.payments.keys["CreatePayment"])) == 1
    assert (await world.subjects(link)).count("paid") == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_worker_may_die_as_well(world: World, when: str):
    link = await world.link()
    await pay_and_die(world, link, "before")
    (row,) = await world.rows("SELECT id FROM link_payments WHERE link_id = $1", link.id)
    due = DuePayment(world.merchant_id, row["id"], 0, timedelta(seconds=20))
    world.act()
    with pytest.raises(ProcessDied):
        await follow.settle_due(dying(world, when), due)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(world.payments.books) == 1


async def test_who_left_long_ago_is_not_charged(world: World):
    link = await world.link()
    await pay_and_die(world, link, "before")
    await world.age_tries(timedelta(minutes=20))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED
    assert [one.state for one in await world.tries(link)] == [Try.STATE_CANCELLED]
    assert world.payments.books == {}


async def test_who_was_charged_long_ago_has_paid(world: World):
    link = await world.link()
    await pay_and_die(world, link, "after")
    await world.age_tries(timedelta(minutes=20))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(world.payments.keys["CreatePayment"]) == 1


async def test_a_payment_of_another_try_is_not_taken_for_ones_own(world: World):
    paid = await world.link()
    await world.pay(paid)
    link = await world.link()  # the same order, the same amount
    await pay_and_die(world, link, "before")
    await world.age_tries(timedelta(minutes=20))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_challenge_whose_cancelling_died_is_cancelled_before_another_try(
    world: World, when: str
):
    link = await world.link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    await world.pay(link)
    await world.advance(minutes=31)
    opened = await open_link(world.deps, token_of(link))
    with pytest.raises(ProcessDied):
        await pay.give_up_challenge(dying(world, when), opened, older_than=timedelta(minutes=30))
    world.payments.state = State.STATE_CAPTURED
    await world.pay(link)
    states = sorted(payment.state for payment in world.payments.books.values())
    assert states == [State.STATE_CAPTURED, State.STATE_CANCELLED]


async def test_a_late_no_does_not_undo_a_success(world: World):
    link = await world.link()
    await world.pay(link)
    (row,) = await world.rows("SELECT id FROM link_payments WHERE link_id = $1", link.id)
    world.act()
    async with world.db.connection() as conn:
        payment = await payments.get(conn, world.merchant_id, row["id"])
    await pay.give_up(world.deps, payment)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_an_outage_of_payments_is_waited_out(world: World):
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


async def test_a_payment_that_another_try_has_not_recorded_yet_is_not_taken_either(world: World):
    paid, link = await world.link(), await world.link()  # the same order, the same amount
    await pay_and_die(world, link, "before")
    await pay_and_die(world, paid, "after")
    await world.age_tries(timedelta(minutes=20))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED
    assert (await world.get(paid)).state == Link.STATE_PAID


async def test_nobody_decides_while_the_last_call_may_still_arrive(world: World):
    link = await world.link()
    await pay_and_die(world, link, "before")
    await world.age_tries(timedelta(minutes=16))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAYING
    assert world.payments.keys["CreatePayment"] == []


async def test_the_worker_asks_less_and_less(world: World):
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
