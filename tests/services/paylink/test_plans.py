"""A link paid in instalments: chosen on its page, signed elsewhere, paid once."""

from datetime import timedelta
from typing import Any

import pytest

from incasso.instalments.v1 import plans_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs import context, ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import Kind
from libs.payments.answer import Outcome
from libs.payments.asking import ABANDON_AFTER
from services.paylink import worker
from services.paylink.instalments_client import plan_answer
from tests.kit.payments_double import once, refuse
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Transfer, Try, World, token_of

Plan = plans_pb2.InstalmentPlan
NO_ANSWER = refuse(Kind.UNAVAILABLE, "service_unavailable")
VERBS = {
    Plan.STATE_ACTIVE: "activated",
    Plan.STATE_COMPLETED: "completed",
    Plan.STATE_DEFAULTED: "defaulted",
    Plan.STATE_WITHDRAWN: "withdrawn",
    Plan.STATE_WRITTEN_OFF: "written_off",
    Plan.STATE_REFUSED: "refused",
    Plan.STATE_CANCELLED: "cancelled",
    Plan.STATE_EXPIRED: "expired",
}
UNPAID = [Plan.STATE_REFUSED, Plan.STATE_CANCELLED, Plan.STATE_EXPIRED]
PAID = [state for state in VERBS if state not in UNPAID]


async def deliver(world: World, plan_id: str, state: int) -> None:
    """Handles an event of instalments."""
    subject = f"incasso.instalments.plan.{VERBS[state]}"
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=plan_id,
        subject=subject,
        body=worker.PLAN_EVENTS[subject](plan=Plan(id=plan_id, state=state)).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="paylink"))
    async with world.db.transaction() as tx:
        await worker.handlers(world.deps)[subject](tx, event)


async def happen(world: World, plan_id: str, state: int) -> None:
    """Changes the plan's state at instalments, which publishes it."""
    world.instalments.plan(plan_id).state = state
    await deliver(world, plan_id, state)


async def link_for(world: World, *, guest: bool) -> Any:
    """A link payable in instalments: by its customer, or by a guest."""
    return await (world.guest_link() if guest else world.plan_link())


async def chosen(world: World, **more: Any) -> tuple[Any, str]:
    """A link with a plan that may be signed, and the plan's id."""
    link = await world.plan_link(**more)
    return link, (await world.choose(link)).link_payment.plan_id


async def give_up(world: World, link: Any) -> None:
    await world.visit("GiveUpPayment", token=token_of(link))


@pytest.mark.parametrize("state", [one for one in Plan.State.values() if one])
def test_exactly_the_plan_states_with_an_event_settle_the_attempt(state):
    ended = plan_answer(Plan(state=state)).outcome is not Outcome.WAIT
    assert ended == (state in VERBS)


async def test_the_page_lists_the_available_instalment_offers(world: World):
    page = await world.page(await world.plan_link())
    assert [offer.terms_id for offer in page.instalments] == ["trm_default", "trm_klarna"]
    (asked,) = world.instalments.calls["ListInstalmentOffers"]
    assert (asked.amount_minor, asked.currency, asked.locale) == (12900, "EUR", "it")


async def test_an_instalments_outage_costs_the_page_only_its_offers(world: World):
    world.instalments.before["ListInstalmentOffers"] = NO_ANSWER
    page = await world.page(await world.plan_link())
    assert not page.instalments
    assert page.saved_cards
    assert page.HasField("card_field")


@pytest.mark.parametrize(
    "more",
    [
        {"methods": [pb.METHOD_CARD]},
        {"methods": []},
        {"methods": [], "customer_id": None},
    ],
)
async def test_links_without_the_instalments_method_do_not_offer_instalments(world: World, more):
    link = await world.plan_link(**more)
    assert not (await world.page(link)).instalments
    assert await refused(world.choose(link)) == "method_not_offered"
    assert not world.instalments.quotes


async def test_a_customer_without_a_saved_card_can_choose_instalments(world: World):
    world.oneclick.good = []
    link = await world.plan_link()
    assert (await world.page(link)).instalments
    assert (await world.choose(link)).plan_url


async def test_a_partly_paid_link_offers_no_instalments(world: World):
    link = await world.plan_link()
    await world.transfer(900, link.creditor_reference)
    assert not (await world.page(link)).instalments
    assert await refused(world.choose(link, 12000)) == "method_not_offered"


async def test_choosing_instalments_creates_a_plan_and_returns_its_signing_url(world: World):
    link = await world.plan_link(metadata={"cart": "77"})
    payment = await world.choose(link)
    (plan,) = world.instalments.books.values()
    assert payment.plan_url == f"https://pay.example/plan/{plan.id}"
    assert payment.link_payment.plan_id == plan.id
    assert payment.link_payment.method == pb.METHOD_INSTALMENTS
    (quote,) = world.instalments.quotes.values()
    assert (quote.order_reference, quote.amount.amount_minor) == (link.order_reference, 12900)
    assert (plan.customer_id, plan.metadata["cart"]) == ("cus_giulia", "77")
    page = await world.page(link)
    assert page.payment_link.state == Link.STATE_PAYING
    assert page.payment.plan_url == payment.plan_url


async def test_a_partners_plan_pays_its_link_and_names_the_partner(world: World):
    link = await world.plan_link()
    payment = await world.choose(link, terms_id="trm_klarna")
    assert payment.link_payment.partner == "klarna"
    await happen(world, payment.link_payment.plan_id, Plan.STATE_COMPLETED)
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor) == (Link.STATE_PAID, 12900)
    own = await world.choose(await world.plan_link(order_reference="A-1002"))
    assert not own.link_payment.HasField("partner")


async def test_a_form_sent_twice_makes_one_plan(world: World):
    link = await world.plan_link()
    first, again = await world.choose(link, key="k1"), await world.choose(link, key="k1")
    assert first.link_payment.id == again.link_payment.id
    assert first.plan_url == again.plan_url
    assert len(world.instalments.books) == len(world.instalments.quotes) == 1


async def test_a_changed_amount_or_forged_offer_makes_no_plan(world: World):
    link = await world.plan_link()
    assert await refused(world.choose(link, 100)) == "amount_changed"
    fields = {"token": token_of(link), "terms_id": "trm_default", "offer": "forged"}
    assert await refused(world.visit("ChoosePlan", key="k", **fields)) == "offer_broken"
    assert not world.instalments.quotes


async def test_a_refusal_by_instalments_leaves_the_link_open(world: World):
    link = await world.plan_link()
    world.instalments.before["CreateInstalmentPlan"] = refuse(Kind.CONFLICT, "customer_erased")
    assert await refused(world.choose(link, key="k1")) == "customer_erased"
    assert await refused(world.choose(link, key="k1")) == "customer_erased"
    assert (await world.get(link)).state == Link.STATE_CREATED
    await world.pay(link)


@pytest.mark.parametrize("state", PAID)
async def test_repeated_events_of_a_signed_plan_pay_its_link_once(world: World, state):
    link, plan_id = await chosen(world)
    for reported in (state, Plan.STATE_ACTIVE, state):
        await deliver(world, plan_id, reported)
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
    (tried,) = await world.tries(link)
    assert (tried.state, tried.plan_id) == (Try.STATE_SUCCEEDED, plan_id)
    assert (await world.subjects(link)).count("paid") == 1
    assert not (await world.page(link)).payment.HasField("plan_url")


@pytest.mark.parametrize("state", UNPAID)
async def test_a_refused_cancelled_or_expired_plan_reopens_its_link(world: World, state):
    link, plan_id = await chosen(world)
    await happen(world, plan_id, state)
    await happen(world, plan_id, state)
    assert (await world.get(link)).state == Link.STATE_CREATED
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_events_of_other_plans_and_merchants_change_nothing(world: World, other: World):
    link, plan_id = await chosen(world)
    await deliver(world, "pln_of_a_shop", Plan.STATE_ACTIVE)
    await deliver(other, plan_id, Plan.STATE_ACTIVE)
    assert (await world.get(link)).state == Link.STATE_PAYING


async def test_a_link_with_an_open_plan_can_be_neither_paid_otherwise_nor_reissued(world: World):
    link, _ = await chosen(world)
    assert await refused(world.pay(link)) == "payment_link_paying"
    assert await refused(world.choose(link)) == "payment_link_paying"
    announce = world.visit("AnnounceBankTransfer", token=token_of(link))
    assert await refused(announce) == "payment_link_paying"
    reissue = pb.ReissuePaymentLinkRequest(payment_link_id=link.id)
    again = world.call("ReissuePaymentLink", reissue, key=ids.new("key"))
    assert await refused(again) == "payment_link_paying"


async def test_a_link_with_an_open_plan_neither_sends_reminders_nor_expires(world: World):
    recipient = pb.Recipient(email="giulia@example.com")
    link, plan_id = await chosen(
        world, recipient=recipient, channels=[pb.CHANNEL_EMAIL], expires_in_days=2
    )
    await world.advance(days=3)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]
    assert (await world.get(link)).state == Link.STATE_PAYING
    await happen(world, plan_id, Plan.STATE_EXPIRED)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED


async def test_a_transfer_waits_for_the_plan_and_becomes_a_surplus_when_it_pays(world: World):
    link, plan_id = await chosen(world)
    waiting = await world.transfer(12900, link.creditor_reference)
    assert (waiting.state, waiting.payment_link_id) == (Transfer.STATE_UNMATCHED, link.id)
    await happen(world, plan_id, Plan.STATE_ACTIVE)
    late = await world.transfer(12900, link.creditor_reference)
    assert late.state == Transfer.STATE_SURPLUS
    get = pb.GetBankTransferRequest(bank_transfer_id=waiting.id)
    found = (await world.call("GetBankTransfer", get)).bank_transfer
    assert (found.state, found.surplus_minor) == (Transfer.STATE_SURPLUS, 12900)
    assert (await world.get(link)).paid_minor == 12900


async def test_the_worker_finds_an_active_plan_whose_event_was_missed(world: World):
    link, plan_id = await chosen(world)
    world.instalments.plan(plan_id).state = Plan.STATE_ACTIVE
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_the_worker_creates_the_plan_after_a_failed_call(world: World):
    link = await world.plan_link()
    world.instalments.before["CreateInstalmentPlan"] = once(NO_ANSWER)
    payment = await world.choose(link)
    assert not payment.HasField("plan_url")
    assert not world.instalments.books
    await world.work()
    assert (await world.page(link)).payment.HasField("plan_url")


async def test_a_long_instalments_outage_reopens_the_link(world: World):
    link = await world.plan_link()
    world.instalments.before["CreateInstalmentPlan"] = NO_ANSWER
    await world.choose(link)
    await world.age_tries(ABANDON_AFTER + timedelta(minutes=1))
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED
    await world.pay(link)
