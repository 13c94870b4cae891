"""The process dies at each step of choosing instalments: there is one plan, and it pays once."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any

import pytest

from libs.errors import Kind, Refusal
from libs.idempotency import Key
from services.paylink.deps import Deps
from services.paylink.flows import plan
from services.paylink.flows.opening import open_link
from services.paylink.flows.plan import ChoosePlan
from tests.kit.crashing import ProcessDied
from tests.kit.payments_double import once, refuse
from tests.services.paylink.test_plans import Plan, deliver, happen, link_for
from tests.services.paylink.world import Link, World, token_of

NO_ANSWER = refuse(Kind.UNAVAILABLE, "service_unavailable")


class Step(Enum):
    BEFORE_QUOTE = "before the quote"
    AFTER_QUOTE = "with a quote, before the intent"
    BEFORE_CUSTOMER = "before the guest becomes a customer"
    AFTER_CUSTOMER = "once the guest is a customer"
    LOST_CUSTOMER = "the answer with the customer is lost, without a crash"
    AFTER_INTENT = "before instalments is asked"
    AFTER_CALL = "before the plan is recorded"
    NEVER_ARRIVED = "the call never arrives, without a crash"
    LOST_ANSWER = "the answer is lost, without a crash"


OF_GUESTS = {Step.BEFORE_CUSTOMER, Step.AFTER_CUSTOMER, Step.LOST_CUSTOMER}
UNBEGUN = [Step.BEFORE_QUOTE, Step.AFTER_QUOTE]
BEGUN = [step for step in Step if step not in UNBEGUN]
MADE = [Step.AFTER_CALL, Step.LOST_ANSWER]


def struck_at(steps: Iterable[Step]) -> Any:
    """Each step, for a customer whom the link names and for a guest."""
    cases = [(step, guest) for step in steps for guest in (False, True)]
    named = [case for case in cases if case[1] or case[0] not in OF_GUESTS]
    of = [f"{'guest' if guest else 'customer'}: {step.value}" for step, guest in named]
    return pytest.mark.parametrize(("step", "guest"), named, ids=of)


class Mortal:
    """Instalments, for a process that dies just before or after calling it."""

    def __init__(self, real: Any, step: Step) -> None:
        self._real = real
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def quote(self, *asked: Any, key: str) -> str:
        if self._step is Step.BEFORE_QUOTE:
            raise ProcessDied
        made: str = await self._real.quote(*asked, key=key)
        if self._step is Step.AFTER_QUOTE:
            raise ProcessDied
        return made

    async def create(self, *asked: Any, key: str) -> Any:
        if self._step is Step.AFTER_INTENT:
            raise ProcessDied
        made = await self._real.create(*asked, key=key)
        if self._step is Step.AFTER_CALL:
            raise ProcessDied
        return made


class MortalCustomers:
    """The same for oneclick."""

    def __init__(self, real: Any, step: Step) -> None:
        self._real = real
        self._step = step

    async def create(self, *asked: Any, key: str) -> Any:
        if self._step is Step.BEFORE_CUSTOMER:
            raise ProcessDied
        made = await self._real.create(*asked, key=key)
        if self._step is Step.AFTER_CUSTOMER:
            raise ProcessDied
        return made


async def choose(world: World, deps: Deps, link: Any) -> None:
    token = token_of(link)
    shown = await open_link(world.deps, token)
    key = Key(world.merchant_id, "ChoosePlan", link.id, b"hash")
    wanted = ChoosePlan(token, "trm_default", 12900, "anna@example.com", "Anna Neri")
    await plan.choose_plan(deps, shown, wanted, key)


async def struck(world: World, step: Step, *, guest: bool = False) -> Any:
    """A link whose payer chose instalments in a process that failed at this step."""
    link = await link_for(world, guest=guest)
    if step is Step.LOST_CUSTOMER:
        world.oneclick.after = once(NO_ANSWER)
    if step is Step.NEVER_ARRIVED:
        world.instalments.before["CreateInstalmentPlan"] = once(NO_ANSWER)
    if step is Step.LOST_ANSWER:
        world.instalments.after["CreateInstalmentPlan"] = once(NO_ANSWER)
    with suppress(ProcessDied, Refusal):
        mortal = Mortal(world.deps.instalments, step)
        customers: Any = MortalCustomers(world.deps.saved_cards, step)
        deps = replace(world.deps, instalments=mortal, saved_cards=customers)
        await choose(world, deps, link)
    async with world.db.connection() as conn:  # expire the dead process's locks
        await conn.execute(
            "UPDATE idempotency_keys SET locked_until = now() - interval '1 s'"
            " WHERE merchant_id = $1",
            world.merchant_id,
        )
    return link


async def signed(world: World, link: Any) -> None:
    """Signs the one plan; the link is paid by it once."""
    (made,) = world.instalments.books.values()
    for state in (Plan.STATE_ACTIVE, Plan.STATE_COMPLETED):
        await happen(world, made.id, state)
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
    assert (await world.subjects(link)).count("paid") == 1
    (tried,) = await world.tries(link)
    assert tried.customer_id == made.customer_id == (link.customer_id or "cus_1")
    assert len(world.oneclick.created) == (not link.customer_id)


@struck_at(Step)
async def test_a_retry_after_any_failure_makes_one_plan(world: World, step: Step, *, guest: bool):
    link = await struck(world, step, guest=guest)
    await choose(world, world.deps, link)
    await world.work()
    await choose(world, world.deps, link)
    assert len(world.instalments.quotes) == 1
    await signed(world, link)


@struck_at(BEGUN)
async def test_the_worker_creates_the_plan_when_nobody_retries(
    world: World, step: Step, *, guest: bool
):
    link = await struck(world, step, guest=guest)
    await world.work()
    page = await world.page(link)
    assert page.payment.HasField("plan_url")
    await signed(world, link)


@struck_at(UNBEGUN)
async def test_a_crash_before_the_intent_leaves_no_plan_and_the_link_payable(
    world: World, step: Step, *, guest: bool
):
    link = await struck(world, step, guest=guest)
    await world.work()
    assert not world.instalments.books
    assert not world.oneclick.created
    await world.pay(link)


@struck_at(MADE)
async def test_an_event_that_precedes_the_answer_still_pays_the_link(
    world: World, step: Step, *, guest: bool
):
    link = await struck(world, step, guest=guest)
    (made,) = world.instalments.books.values()
    made.state = Plan.STATE_ACTIVE
    await deliver(world, made.id, Plan.STATE_ACTIVE)  # for a plan that no attempt knows yet
    await world.work()
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(world.instalments.books) == 1


@struck_at(BEGUN)
async def test_a_shopper_can_give_up_an_interrupted_plan_and_pay_by_card(
    world: World, step: Step, *, guest: bool
):
    link = await struck(world, step, guest=guest)
    await world.visit("GiveUpPayment", token=token_of(link))
    assert [plan.state for plan in world.instalments.books.values()] == [Plan.STATE_CANCELLED]
    await world.pay(link)
    await world.work()
    assert (await world.get(link)).paid_minor == 12900


async def test_the_worker_reopens_a_link_whose_plan_was_cancelled_before_a_crash(world: World):
    link = await struck(world, Step.NEVER_ARRIVED)
    await world.work()
    (made,) = world.instalments.books.values()
    made.state = Plan.STATE_CANCELLED  # at instalments; not recorded here yet
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED
