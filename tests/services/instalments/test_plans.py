"""Plans: created from a quote, documents handed over, signed, cancelled, expired."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import clock, ids
from libs.errors import RemoteRefusal
from services.instalments import worker
from tests.kit.payments_double import lose_answer, once

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part = pb.InstalmentPlan, pb.Instalment


async def refusal(work) -> str:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.reason


async def test_a_plan_matches_its_quote(world):
    quote = await world.quote()
    plan = await world.plan(quote_id=quote.id, metadata={"cart": "7"})
    assert (plan.state, plan.offer, plan.amount) == (Plan.STATE_OFFERED, quote.offer, quote.amount)
    assert [part.amount_minor for part in plan.instalments] == [53_33, 53_33, 53_34]
    assert {part.state for part in plan.instalments} == {Part.STATE_PLANNED}
    assert (plan.paid_minor, plan.outstanding_minor, plan.metadata["cart"]) == (0, 160_00, "7")
    assert plan.expires_at == quote.expires_at
    plan.ClearField("url")  # only in the answer to its creation
    assert await world.get(plan.id) == plan
    assert await world.published() == ["plan.created"]


async def test_the_same_key_returns_the_same_plan_and_a_quote_is_used_once(world):
    quote = await world.quote()
    plan = await world.plan(quote_id=quote.id)
    assert await world.plan(quote_id=quote.id) == plan
    assert await refusal(world.plan(quote_id=quote.id, key="other")) == "quote_used"


async def test_an_expired_quote_creates_no_plan(world):
    quote = await world.quote()
    world.ahead = timedelta(hours=24)
    assert await refusal(world.plan(quote_id=quote.id)) == "quote_expired"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"quote_id": "iqt_unknown"}, "quote_not_found"),
        ({"customer_id": "cus_unknown"}, "customer_not_found"),
        ({"customer_id": "cus_erased"}, "customer_erased"),
        ({"key": ""}, "idempotency_key_missing"),
        ({"customer_id": ""}, "invalid_argument"),
        ({"return_url": "shop"}, "invalid_argument"),
    ],
)
async def test_an_invalid_plan_is_refused(world, fields, reason):
    assert await refusal(world.plan(**fields)) == reason
    assert list((await world.call("ListInstalmentPlans")).data) == []


async def test_another_merchant_finds_nothing(world):
    quote = await world.quote()
    plan = await world.plan(quote_id=quote.id)
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(stranger.get(plan.id)) == "plan_not_found"
    assert await refusal(stranger.call("CancelInstalmentPlan", plan_id=plan.id)) == "plan_not_found"
    assert await refusal(stranger.documents(plan.id)) == "plan_not_found"
    assert await refusal(stranger.sign(plan.id, "0" * 64)) == "plan_not_found"
    assert await refusal(stranger.plan(quote_id=quote.id)) == "quote_not_found"
    assert list((await stranger.call("ListInstalmentPlans")).data) == []


async def test_plans_are_listed_newest_first_and_filtered(world):
    made = [await world.plan(key=f"k{number}") for number in range(3)]
    for plan in made:
        plan.ClearField("url")
    first = await world.call("ListInstalmentPlans", limit=2)
    rest = await world.call("ListInstalmentPlans", limit=2, cursor=first.next_cursor)
    assert [*first.data, *rest.data] == made[::-1]
    assert not rest.HasField("next_cursor")
    await world.call("CancelInstalmentPlan", plan_id=made[0].id)
    listed = await world.call("ListInstalmentPlans", state=Plan.STATE_CANCELLED)
    assert [plan.id for plan in listed.data] == [made[0].id]
    assert len((await world.call("ListInstalmentPlans", customer_id="cus_other")).data) == 0
    assert len((await world.call("ListInstalmentPlans", order_reference="A-1001")).data) == 3


async def test_a_document_is_generated_once(world):
    await world.creditor()
    plan = await world.plan()
    asked = {"plan_id": plan.id, "kind": "KIND_AGREEMENT"}
    document = (await world.call("GetInstalmentDocument", **asked)).document
    content = base64.b64decode(document.content)
    assert content.startswith(b"%PDF")
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    await world.call("UpdateInstalmentSettings", creditor_address="Via Nuova 2, Torino")
    assert (await world.call("GetInstalmentDocument", **asked)).document == document


async def test_documents_need_the_creditors_details(world):
    plan = await world.plan()
    assert await refusal(world.documents(plan.id)) == "creditor_details_missing"


async def test_signing_charges_the_first_part_once_and_activates_the_plan(world):
    plan_id, sha256 = await world.ready()
    plan = await world.sign(plan_id, sha256)
    assert plan.state == Plan.STATE_ACTIVE
    assert [part.state for part in plan.instalments] == [Part.STATE_PAID, *[Part.STATE_PLANNED] * 2]
    assert (plan.paid_minor, plan.outstanding_minor) == (53_33, 106_67)
    assert plan.acceptance.agreement_sha256 == sha256
    (payment,) = world.payments.books.values()
    assert plan.instalments[0].payment_id == payment.id
    assert (payment.method, payment.amount.amount_minor) == ("instalments", 53_33)
    assert await world.published() == [
        "plan.created",
        "plan.accepted",
        "instalment.paid",
        "plan.activated",
    ]
    assert await world.sign(plan_id, sha256) == plan
    assert await refusal(world.sign(plan_id, sha256, key="other")) == "plan_paid"


async def test_the_first_payment_is_customer_initiated_without_a_mandate(world):
    plan_id, sha256 = await world.ready()
    await world.sign(plan_id, sha256)
    (asked,) = world.payments.calls["CreatePayment"]
    assert asked.initiator == payments_pb2.INITIATOR_CUSTOMER
    assert not asked.mandate_reference
    assert (asked.order_part, asked.instrument.instrument_id) == ("instalment:1", "ins_good")


async def test_signing_needs_the_delivered_documents_and_their_hash(world):
    await world.creditor()
    plan = await world.plan()
    assert await refusal(world.sign(plan.id, "0" * 64)) == "documents_not_delivered"
    await world.documents(plan.id)
    assert await refusal(world.sign(plan.id, "0" * 64)) == "text_changed"
    assert world.payments.books == {}
    assert (await world.get(plan.id)).state == Plan.STATE_OFFERED


@pytest.mark.parametrize(
    ("instrument_id", "reason"),
    [("ins_other", "instrument_not_found"), ("ins_old", "instrument_not_usable")],
)
async def test_an_unusable_card_signs_nothing(world, instrument_id, reason):
    plan_id, sha256 = await world.ready()
    fields = {"plan_id": plan_id, "instrument_id": instrument_id, "agreement_sha256": sha256}
    assert await refusal(world.call("SignInstalmentPlan", key="k", **fields)) == reason
    assert (await world.get(plan_id)).state == Plan.STATE_OFFERED


async def test_a_plan_can_be_signed_again_after_a_decline(world):
    plan_id, sha256 = await world.ready()
    world.payments.state = payments_pb2.Payment.STATE_DECLINED
    plan = await world.sign(plan_id, sha256)
    assert (plan.state, plan.instalments[0].state) == (Plan.STATE_ACCEPTED, Part.STATE_PLANNED)
    assert plan.decline.code == payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS
    world.payments.state = payments_pb2.Payment.STATE_CAPTURED
    assert (await world.sign(plan_id, sha256, key="again")).state == Plan.STATE_ACTIVE


async def test_a_lost_answer_at_signing_blocks_the_plan_until_the_worker_settles_it(world):
    plan_id, sha256 = await world.ready()
    world.payments.after["CreatePayment"] = once(lose_answer)
    plan = await world.sign(plan_id, sha256)
    assert (plan.state, plan.instalments[0].state) == (Plan.STATE_ACCEPTED, Part.STATE_COLLECTING)
    assert await refusal(world.sign(plan_id, sha256, key="other")) == "plan_busy"
    cancelled = world.call("CancelInstalmentPlan", plan_id=plan_id)
    assert await refusal(cancelled) == "plan_not_cancellable"
    await worker.collection_worker(world.deps).run_once()
    assert (await world.get(plan_id)).state == Plan.STATE_ACTIVE
    assert len(world.payments.books) == 1


async def test_a_plan_is_cancelled_once_and_then_not_signed(world):
    plan_id, sha256 = await world.ready()
    for _ in range(2):
        plan = (await world.call("CancelInstalmentPlan", plan_id=plan_id)).plan
        assert plan.state == Plan.STATE_CANCELLED
    assert await refusal(world.sign(plan_id, sha256)) == "plan_closed"
    assert await world.published() == ["plan.created", "plan.cancelled"]


async def test_an_active_plan_is_not_cancelled(world):
    plan_id, sha256 = await world.ready()
    await world.sign(plan_id, sha256)
    cancelled = world.call("CancelInstalmentPlan", plan_id=plan_id)
    assert await refusal(cancelled) == "plan_not_cancellable"


async def test_an_unsigned_plan_expires_by_its_merchants_clock(world):
    plan_id, sha256 = await world.ready()
    expiry = worker.plan_worker(world.deps)
    await expiry.run_once()
    assert (await world.get(plan_id)).state == Plan.STATE_OFFERED
    async with world.deps.db.connection() as conn:
        await clock.follow(conn, world.merchant_id, int(timedelta(hours=24).total_seconds()))
    await expiry.run_once()
    assert (await world.get(plan_id)).state == Plan.STATE_EXPIRED
    world.ahead = timedelta(hours=24)
    assert await refusal(world.sign(plan_id, sha256)) == "plan_closed"
    assert await world.published() == ["plan.created", "plan.expired"]


async def test_a_repeated_signature_answers_the_same_although_the_card_is_gone(world):
    plan_id, sha256 = await world.ready()
    plan = await world.sign(plan_id, sha256)
    world.oneclick.good.clear()
    assert await world.sign(plan_id, sha256) == plan
    world.oneclick.down = True
    assert await world.sign(plan_id, sha256) == plan
    other = world.sign(plan_id, "0" * 64)
    assert await refusal(other) == "idempotency_key_reused"
    assert len(world.payments.books) == 1


async def test_a_repeated_request_returns_the_same_plan_after_its_quote_expired(world):
    quote = await world.quote()
    plan = await world.plan(quote_id=quote.id)
    world.ahead = timedelta(hours=25)
    assert await world.plan(quote_id=quote.id) == plan
