"""Plans financed by a partner through a PSP's method: paid at once, as a whole, on its page."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import pytest_asyncio

from incasso.instalments.v1 import events_pb2
from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.instalments import worker
from services.instalments.deps import Deps
from services.instalments.flows import collecting, financing
from services.instalments.flows.financing import PayByPartner
from tests.kit.crash_matrix import CrashMatrix
from tests.services.instalments.test_crashes import happens
from tests.services.instalments.test_pages import by_token, page, sign
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.world import World

Plan, Part = pb.InstalmentPlan, pb.Instalment
KLARNA = {
    "financed_by": "FINANCED_BY_PARTNER",
    "partner": {"psp_account": "sandbox-a", "method": "klarna"},
}
BACK = "https://shop.example/thanks"
of_the_session = pytest.mark.asyncio(loop_scope="session")


async def offered(world: World, **fields) -> pb.InstalmentPlan:
    """A plan at 9 % a year, of a merchant that may not lend: the partner may."""
    terms = await world.terms(interest_basis_points=900, **KLARNA)
    return await world.plan(quote_id=(await world.quote(terms_id=terms.id)).id, **fields)


async def pay(world: World, plan_id: str, *, key: str = "pay") -> pb.InstalmentPlan:
    return (await world.call("PayInstalmentPlanByPartner", key=key, plan_id=plan_id)).plan


@of_the_session
async def test_the_offer_names_the_financing_partner(world):
    own = await world.terms(interest_basis_points=900)
    await world.terms(interest_basis_points=900, **KLARNA)
    [ours, klarnas] = await world.offers()
    assert (ours.terms_id, ours.available, ours.reason) == (own.id, False, "credit_not_allowed")
    assert (klarnas.available, klarnas.partner) == (True, "klarna")
    assert klarnas.warning, "credit is credit, whoever gives it"
    assert not ours.HasField("partner")


@of_the_session
async def test_the_partner_pays_the_whole_price_at_once(world):
    plan = await offered(world)
    assert [part.amount_minor for part in plan.instalments] == [160_00]
    paid = await pay(world, plan.id)
    assert paid.state == Plan.STATE_COMPLETED
    assert (paid.paid_minor, paid.outstanding_minor) == (160_00, 0)
    assert not paid.HasField("acceptance")
    (asked,) = world.payments.calls["CreatePayment"]
    assert (asked.amount.amount_minor, asked.order_part) == (160_00, "")
    assert asked.initiator == payments_pb2.INITIATOR_CUSTOMER
    (token,) = asked.instrument.tokens
    assert (token.psp_account, token.token) == ("sandbox-a", "method:klarna")
    assert (token.shopper.email, token.shopper.country) == ("giulia@example.com", "IT")
    assert await world.published() == ["plan.created", "instalment.paid", "plan.completed"]
    (booked,) = await world.events("plan.balance_changed", events_pb2.PlanBalanceChanged)
    assert booked.after == pb.PlanBooks(sold_minor=160_00, paid_minor=160_00)
    assert await pay(world, plan.id) == paid
    assert await refusal(pay(world, plan.id, key="again")) == "plan_paid"


@of_the_session
async def test_a_plan_waits_for_the_customer_on_the_partners_page(world):
    plan = await offered(world)
    world.payments.state = payments_pb2.Payment.STATE_REQUIRES_ACTION
    waiting = await pay(world, plan.id)
    assert waiting.state == Plan.STATE_OFFERED
    assert waiting.next_action.url
    assert await refusal(pay(world, plan.id, key="other")) == "plan_busy"
    (payment,) = world.payments.books.values()
    payment.state = payments_pb2.Payment.STATE_CAPTURED
    await happens(world, payment)
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED


@of_the_session
async def test_a_decline_by_the_partner_can_be_retried(world):
    plan = await offered(world)
    world.say_no(payments_pb2.Decline.ADVICE_ASK_SHOPPER)
    refused = await pay(world, plan.id)
    assert (refused.state, refused.instalments[0].state) == (
        Plan.STATE_OFFERED,
        Part.STATE_PLANNED,
    )
    assert refused.decline.message
    world.payments.state = payments_pb2.Payment.STATE_CAPTURED
    assert (await pay(world, plan.id, key="again")).state == Plan.STATE_COMPLETED


@of_the_session
async def test_an_expired_plan_is_not_paid_by_the_partner(world):
    plan = await offered(world)
    world.ahead = timedelta(hours=25)
    assert await refusal(pay(world, plan.id)) == "plan_closed"


@of_the_session
async def test_documents_signing_and_settlement_of_a_partners_plan_are_refused(world):
    await world.creditor()
    plan = await offered(world)
    assert await refusal(world.documents(plan.id)) == "plan_of_partner"
    assert await refusal(world.sign(plan.id, "0" * 64)) == "plan_of_partner"
    await pay(world, plan.id)
    assert await refusal(world.call("GetInstalmentSettlement", plan_id=plan.id)) == (
        "plan_not_active"
    )


@of_the_session
async def test_a_plan_paid_by_a_partner_is_refunded_like_any_other(world):
    """The credit and its interest are the partner's business."""
    plan = await pay(world, (await offered(world)).id)
    for key, amount_minor in (("part", 60_00), ("rest", 100_00)):
        wanted = {"amount_minor": amount_minor, "currency": "EUR"}
        await world.call("RefundInstalmentPlan", key=key, plan_id=plan.id, amount=wanted)
    refunded = await world.get(plan.id)
    assert [part.amount_minor for part in refunded.instalments] == [0]
    (payment,) = world.payments.books.values()
    assert [refund.amount_minor for refund in payment.refunds] == [60_00, 100_00]


@of_the_session
async def test_the_merchants_own_plan_is_not_paid_by_a_partner(world):
    plan = await world.plan()
    assert await refusal(pay(world, plan.id)) == "plan_not_of_partner"


@of_the_session
async def test_another_merchant_finds_no_plan_to_pay(world):
    plan = await offered(world)
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(pay(stranger, plan.id)) == "plan_not_found"
    assert world.payments.calls["CreatePayment"] == []


@of_the_session
async def test_the_exposure_limit_does_not_apply_to_a_partners_plan(world):
    """The limit of the merchant's own credit does not apply, and the plan does not count towards it."""
    limit = {"amount_minor": 100_00, "currency": "EUR"}
    await world.call("UpdateInstalmentSettings", exposure_limit=limit)
    plan = await offered(world)
    assert plan.state == Plan.STATE_OFFERED
    assert (await pay(world, plan.id)).state == Plan.STATE_COMPLETED


@of_the_session
@pytest.mark.parametrize("method", ["", "Klarna", "method:klarna", "k" * 41])
async def test_an_invalid_partner_method_is_refused(world, method):
    wrong = {**KLARNA, "partner": {"psp_account": "sandbox-a", "method": method}}
    assert await refusal(world.terms(**wrong)) == "invalid_argument"


@dataclass
class Financed:
    """The price of a plan, paid by its partner."""

    world: World
    plan_id: str
    table: str = "collections"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "PayInstalmentPlanByPartner", "pay-1", b"hash")
        await financing.pay_by_partner(deps, PayByPartner(self.plan_id), key)

    def worker(self, deps: Deps):
        return worker.collection_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await collecting.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await happens(self.world, payment)

    async def state(self) -> str:
        plan = await self.world.get(self.plan_id)
        if plan.state == Plan.STATE_COMPLETED:
            return "paid"
        return "open" if plan.instalments[0].state == Part.STATE_PLANNED else "under way"


class TestFinanced(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Financed:
        return Financed(world, (await offered(world)).id)


@of_the_session
async def test_the_page_of_a_partners_plan_takes_no_signature(world):
    await world.creditor()
    plan = await offered(world)
    token = plan.url.rpartition("/")[2]
    shown = await page(world, token)
    assert shown.plan.offer.partner == "klarna"
    assert not shown.HasField("consent")
    assert list(shown.cards) == []
    document = by_token(world, "GetPlanPageDocument", token=token, kind="KIND_AGREEMENT")
    assert await refusal(document) == "plan_of_partner"
    assert await refusal(sign(world, token, "0" * 64)) == "plan_of_partner"


async def on_page(world: World, token: str, *, key: str = "k", **fields: str):
    return (await by_token(world, "PayPlanPageByPartner", key=key, token=token, **fields)).page


async def with_page(world: World) -> str:
    """The token of a plan's page."""
    return (await offered(world, return_url=BACK)).url.rpartition("/")[2]


@of_the_session
async def test_the_customer_pays_at_the_partner_and_returns_to_the_page(world):
    token = await with_page(world)
    assert (await page(world, token)).takes_partner
    world.payments.state = payments_pb2.Payment.STATE_REQUIRES_ACTION
    waiting = await on_page(world, token)
    assert waiting.plan.next_action.url
    assert not waiting.takes_partner
    assert waiting.return_url == BACK
    assert (await on_page(world, token)).plan == waiting.plan
    assert await refusal(on_page(world, token, key="other")) == "plan_busy"
    (asked,) = world.payments.calls["CreatePayment"]
    (shopper,) = [each.shopper for each in asked.instrument.tokens]
    assert (shopper.email, shopper.country) == ("giulia@example.com", "IT")
    assert token not in asked.return_url
    reference = asked.return_url.removeprefix("https://pay.example/plan/return/")
    assert (await by_token(world, "GetPlanReturn", reference=reference)).token == token
    (payment,) = world.payments.books.values()
    payment.state = payments_pb2.Payment.STATE_CAPTURED
    await happens(world, payment)
    done = await page(world, token)
    assert done.plan.state == Plan.STATE_COMPLETED
    assert not done.takes_partner
    assert not done.return_url


@of_the_session
@pytest.mark.parametrize("known", ["", "giulia@example.com"])
async def test_the_page_asks_for_the_email_address_only_when_it_is_unknown(world, known):
    world.oneclick.email = known
    token = await with_page(world)
    assert (await page(world, token)).partner_needs_email == (not known)
    await on_page(world, token, email="anna@example.com")
    (asked,) = world.payments.calls["CreatePayment"]
    (shopper,) = [each.shopper for each in asked.instrument.tokens]
    assert shopper.email == (known or "anna@example.com")


@of_the_session
async def test_the_page_of_the_merchants_own_plan_offers_no_partner(world):
    token = (await world.plan()).url.rpartition("/")[2]
    assert not (await page(world, token)).takes_partner
    assert await refusal(on_page(world, token)) == "plan_not_of_partner"
