"""The crash matrix: the process dies at each step, and still there is exactly one charge."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.payments.v1 import payments_pb2
from libs import context
from libs.clock import Clock
from libs.errors import Refusal
from libs.idempotency import Key
from libs.money import Money
from services.oneclick import worker
from services.oneclick.deps import Deps
from services.oneclick.flows import attach, charge, follow
from services.oneclick.flows.attach import AttachInstrument
from services.oneclick.flows.charge import CreateOneClickPayment
from services.oneclick.rules.domain import CaptureMode, Consent
from services.oneclick.store import charges
from tests.services.oneclick.payments_double import lose_answer, once
from tests.services.oneclick.world import World

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


async def forget_locks(world: World) -> None:
    """Time goes by: the dead process' locks run out."""
    async with world.db.connection() as conn:
        await conn.execute("UPDATE idempotency_keys SET locked_until = now() - interval '1 s'")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_retry_after_a_crash_goes_on_with_the_same_charge(world: World, when: str):
    customer_id = await world.shopper()
    world.act()
    key = Key(world.merchant_id, "CreateOneClickPayment", "order-1", b"hash")
    with pytest.raises(ProcessDied):
        await charge.create_one_click_payment(dying(world, when), command(customer_id), key)
    with pytest.raises(Refusal) as refused:
        await charge.create_one_click_payment(world.deps, command(customer_id), key)
    assert refused.value.reason == "idempotency_key_in_use"
    await forget_locks(world)
    answer = await charge.create_one_click_payment(world.deps, command(customer_id), key)
    assert await charge.create_one_click_payment(world.deps, command(customer_id), key) == answer
    (booked,) = world.payments.books.values()
    assert payments_pb2.Payment.FromString(answer) == booked
    (row,) = await world.charges()
    assert (row["state"], row["payment_id"]) == ("succeeded", booked.id)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_charge_nobody_asks_for_any_more_comes_to_its_end(world: World, when: str):
    customer_id = await world.shopper()
    world.act()
    key = Key(world.merchant_id, "CreateOneClickPayment", "order-1", b"hash")
    with pytest.raises(ProcessDied):
        await charge.create_one_click_payment(dying(world, when), command(customer_id), key)
    assert await world.value(
        "SELECT due_at <= now() + interval '15 s' FROM charges WHERE merchant_id = $1",
        world.merchant_id,
    )
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    (row,) = await world.charges()
    assert row["state"] == "succeeded"
    assert len(world.payments.books) == 1
    await forget_locks(world)
    world.act()
    answer = await charge.create_one_click_payment(world.deps, command(customer_id), key)
    assert payments_pb2.Payment.FromString(answer).id == row["payment_id"]
    assert len(world.payments.books) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_two_workers_and_a_retry_at_once_make_one_charge(world: World, when: str):
    customer_id = await world.shopper()
    world.act()
    key = Key(world.merchant_id, "CreateOneClickPayment", "order-1", b"hash")
    with pytest.raises(ProcessDied):
        await charge.create_one_click_payment(dying(world, when), command(customer_id), key)
    await world.make_due("charges")
    await forget_locks(world)
    world.payments.before["CreatePayment"] = lambda: asyncio.sleep(0.1)
    await asyncio.gather(
        worker.charge_worker(world.deps).run_once(),
        worker.charge_worker(world.deps).run_once(),
        charge.create_one_click_payment(world.deps, command(customer_id), key),
        return_exceptions=True,
    )
    assert len(world.payments.books) == 1
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    (row,) = await world.charges()
    assert row["state"] == "succeeded"


async def test_a_shopper_who_left_long_ago_is_not_charged_any_more(world: World):
    customer_id = await world.shopper()
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id, key="order-1")
    await age(world, timedelta(minutes=16))
    await worker.charge_worker(world.deps).run_once()
    (row,) = await world.charges()
    assert row["state"] == "refused"
    assert not world.payments.books
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, key="order-1")
    assert refused.value.reason == "charge_abandoned"


async def test_a_shopper_who_comes_back_late_is_charged_and_not_abandoned(world: World):
    customer_id = await world.shopper()
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id, key="order-1")
    await age(world, timedelta(minutes=16))
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        asked.set()
        await go_on.wait()

    world.payments.before["CreatePayment"] = hang
    charging = asyncio.create_task(world.charge(customer_id, key="order-1"))
    await asked.wait()
    (row,) = await world.charges()
    async with world.db.transaction() as tx:  # a worker that had found nothing in payments' list
        found = await charges.get(tx, world.merchant_id, row["id"])
        await charges.abandon(tx, found, follow.ABANDONED)
    go_on.set()
    payment = await charging
    (row,) = await world.charges()
    assert (row["state"], row["payment_id"]) == ("succeeded", payment.id)


async def test_a_payment_made_long_ago_without_our_knowing_is_found(world: World):
    customer_id = await world.shopper()
    await world.charge(customer_id, key="order-0")  # alike, but it has its charge
    world.payments.after["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id, key="order-1")
    await age(world, timedelta(minutes=16))
    for payment in world.payments.books.values():
        payment.created_at.seconds -= 16 * 60
    await worker.charge_worker(world.deps).run_once()
    states = [(row["state"], row["payment_id"]) for row in await world.charges()]
    assert states == [("succeeded", payment.id) for payment in world.payments.books.values()]


async def age(world: World, by: timedelta) -> None:
    async with world.db.connection() as conn:
        await conn.execute(
            "UPDATE charges SET begun_at = begun_at - $2::interval, created_at = created_at - $2::interval,"
            " due_at = due_at - $2::interval WHERE merchant_id = $1",
            world.merchant_id,
            by,
        )


async def test_a_payment_under_way_is_asked_for_when_its_event_was_lost(world: World):
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


def attach_command(customer_id: str) -> AttachInstrument:
    return AttachInstrument(
        customer_id=customer_id,
        psp_account="sandbox-a",
        token="tok_visa",
        make_default=False,
        consent=Consent("", "2026-11", Clock().now(), None, None),
        return_url="",
    )


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_setup_that_was_cut_off_goes_on_under_its_key(world: World, when: str):
    customer_id = await world.customer()
    world.act()
    key = Key(world.merchant_id, "AttachInstrument", "card-1", b"hash")
    cmd = attach_command(customer_id)
    with pytest.raises(ProcessDied):
        await attach.attach_instrument(dying(world, when), cmd, key)
    await forget_locks(world)
    answer = await attach.attach_instrument(world.deps, cmd, key)
    assert await attach.attach_instrument(world.deps, cmd, key) == answer
    assert len(world.payments.setups) == 1
    assert await world.rows(
        "SELECT state FROM instruments WHERE merchant_id = $1", world.merchant_id
    ) == [("active",)]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_setup_nobody_asks_for_any_more_is_finished(world: World, when: str):
    customer_id = await world.customer()
    world.act()
    with pytest.raises(ProcessDied):
        await attach.attach_instrument(dying(world, when), attach_command(customer_id), None)
    await world.make_due("instruments")
    await worker.setup_worker(world.deps).run_once()
    assert len(world.payments.setups) == 1
    payment = await world.charge(customer_id)
    assert payment.state == State.STATE_CAPTURED


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
