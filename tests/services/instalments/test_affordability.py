"""Affordability: concerns about one more plan, and the person who has the last word."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Decline
from libs import clock, ids
from libs.errors import RemoteRefusal
from libs.idempotency import Key
from libs.money import Money
from services.instalments import scorer_client, worker
from services.instalments.flows import plans
from services.instalments.flows.plans import CreatePlan
from services.instalments.rules.affordability import Concern, History, concerns_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Review = pb.InstalmentPlan, pb.Review
LIMIT = Money(1_500_00, "EUR")
NOTHING = History([], 0, 0)
YES = {"decision": "DECISION_APPROVE", "reason": "Pays on time", "decided_by": "Anna"}
NO = {"decision": "DECISION_REFUSE", "reason": "Owes enough", "decided_by": "Anna"}


async def refusal(work) -> str:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.reason


@pytest.mark.parametrize(
    ("asked", "history", "found"),
    [
        (Money(1_500_00, "EUR"), NOTHING, []),
        (Money(1_500_01, "EUR"), NOTHING, [Concern.EXPOSURE_LIMIT]),
        (Money(1, "EUR"), History([Money(1_499_99, "EUR")], 0, 0), []),
        (Money(1, "EUR"), History([Money(1_500_00, "EUR")], 0, 0), [Concern.EXPOSURE_LIMIT]),
        (Money(1, "EUR"), History([Money(10_000_00, "USD")], 0, 0), [Concern.EXPOSURE_LIMIT]),
        (Money(100_00, "EUR"), History([Money(100_00, "USD")], 0, 0), []),
        (Money(1, "EUR"), History([], 1, 1), [Concern.MISSED_PAYMENTS, Concern.DEFAULTED]),
        (Money(1, "EUR"), History([], 1, 0), [Concern.MISSED_PAYMENTS]),
        (Money(1, "EUR"), History([], 0, 1), [Concern.DEFAULTED]),
    ],
)
async def test_exposure_missed_payments_and_defaults_raise_concerns(asked, history, found):
    assert list(concerns_of(asked, history, LIMIT)) == found


async def test_a_currency_without_an_exchange_rate_raises_a_concern():
    assert concerns_of(Money(1, "UYI"), NOTHING, LIMIT) == (Concern.CURRENCY,)


async def limit(world, amount_minor: int) -> None:
    money = {"amount_minor": amount_minor, "currency": "EUR"}
    await world.call("UpdateInstalmentSettings", exposure_limit=money)


async def in_review(world) -> pb.InstalmentPlan:
    await limit(world, 100_00)
    plan = await world.plan()
    await world.creditor()
    return plan


async def test_a_plan_beyond_the_exposure_limit_goes_to_review(world):
    await limit(world, 106_67)  # 160.00 less the first part, paid on signing
    assert (await world.plan(key="fits")).state == Plan.STATE_OFFERED
    await limit(world, 106_66)
    plan = await world.plan(key="too much")
    assert plan.state == Plan.STATE_IN_REVIEW
    assert list(plan.review.concerns) == [Review.CONCERN_EXPOSURE_LIMIT]
    assert not plan.review.HasField("decision")
    assert (await world.published())[-2:] == ["plan.created", "plan.in_review"]
    assert [each.id for each in (await world.call("ListInstalmentReviews")).data] == [plan.id]


async def test_a_plan_in_review_hands_over_no_documents_and_is_not_signed(world):
    plan = await in_review(world)
    assert await refusal(world.documents(plan.id)) == "plan_in_review"
    assert await refusal(world.sign(plan.id, "0" * 64)) == "plan_in_review"
    assert world.payments.books == {}


async def test_an_approved_plan_is_signed_although_it_exceeds_the_limit(world):
    plan = await in_review(world)
    approved = (await world.call("ReviewInstalmentPlan", plan_id=plan.id, **YES)).plan
    assert (approved.state, approved.review.decided_by) == (Plan.STATE_OFFERED, "Anna")
    assert approved.review.decision == Review.DECISION_APPROVE
    assert (await world.call("ReviewInstalmentPlan", plan_id=plan.id, **YES)).plan == approved
    signed = await world.sign(plan.id, await world.documents(plan.id))
    assert signed.state == Plan.STATE_ACTIVE
    assert "plan.approved" in await world.published()
    assert list((await world.call("ListInstalmentReviews")).data) == []


async def test_a_plan_refused_in_review_is_neither_signed_nor_approved_later(world):
    plan = await in_review(world)
    refused = (await world.call("ReviewInstalmentPlan", plan_id=plan.id, **NO)).plan
    assert (refused.state, refused.review.reason) == (Plan.STATE_REFUSED, "Owes enough")
    assert await refusal(world.sign(plan.id, "0" * 64)) == "plan_closed"
    again = world.call("ReviewInstalmentPlan", plan_id=plan.id, **YES)
    assert await refusal(again) == "review_closed"
    assert (await world.published())[-1] == "plan.refused"


async def test_only_one_of_two_concurrent_review_decisions_counts(world):
    plan = await in_review(world)
    decided = await asyncio.gather(
        world.call("ReviewInstalmentPlan", plan_id=plan.id, **YES),
        world.call("ReviewInstalmentPlan", plan_id=plan.id, **{**NO, "decided_by": "Bruno"}),
        return_exceptions=True,
    )
    assert [each.reason for each in decided if isinstance(each, RemoteRefusal)] == ["review_closed"]


async def test_review_decisions_are_recorded_append_only(world):
    plan = await in_review(world)
    await world.call("ReviewInstalmentPlan", plan_id=plan.id, **NO)
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT before, after, reason, decided_by, actor FROM reviews WHERE merchant_id = $1"
            " ORDER BY id",
            world.merchant_id,
        )
        assert [tuple(row)[:4] for row in rows] == [
            ("offered", "in_review", "exposure_limit", "incasso"),
            ("in_review", "refused", "Owes enough", "Anna"),
        ]
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append only"):
            await conn.execute("DELETE FROM reviews WHERE merchant_id = $1", world.merchant_id)


async def test_a_plan_left_in_review_expires(world):
    plan = await in_review(world)
    world.ahead = timedelta(days=3, minutes=1)
    async with world.deps.db.connection() as conn:
        await clock.follow(conn, world.merchant_id, int(world.ahead.total_seconds()))
    late = world.call("ReviewInstalmentPlan", plan_id=plan.id, **YES)
    assert await refusal(late) == "review_closed"
    await worker.plan_worker(world.deps).run_once()
    assert (await world.get(plan.id)).state == Plan.STATE_EXPIRED


async def test_a_plan_in_review_can_be_cancelled(world):
    plan = await in_review(world)
    cancelled = (await world.call("CancelInstalmentPlan", plan_id=plan.id)).plan
    assert cancelled.state == Plan.STATE_CANCELLED


async def ready(world, key: str) -> tuple[str, str]:
    quote = await world.quote(key=key, order_reference=key)
    plan = await world.plan(quote_id=quote.id, key=key)
    assert plan.state == Plan.STATE_OFFERED
    return plan.id, await world.documents(plan.id)


async def test_only_one_of_two_concurrently_signed_plans_fits_the_limit(world):
    await world.creditor()
    await limit(world, 150_00)
    offered = [await ready(world, key) for key in ("one", "two")]
    done = await asyncio.gather(
        *(world.sign(*each, key=each[0]) for each in offered), return_exceptions=True
    )
    assert [each.reason for each in done if isinstance(each, RemoteRefusal)] == ["plan_in_review"]
    found = sorted([(await world.get(plan_id)).state for plan_id, _ in offered])
    assert found == [Plan.STATE_ACTIVE, Plan.STATE_IN_REVIEW]
    assert len(world.payments.books) == 1


async def test_a_plan_that_was_sent_to_review_at_its_signature_is_signed_once_approved(world):
    await world.creditor()
    plan_id, sha256 = await ready(world, "one")
    await limit(world, 1_00)
    assert await refusal(world.sign(plan_id, sha256)) == "plan_in_review"
    await world.call("ReviewInstalmentPlan", plan_id=plan_id, **YES)
    assert (await world.sign(plan_id, sha256)).state == Plan.STATE_ACTIVE


async def test_exposure_and_reviews_are_separate_by_customer_and_merchant(world):
    await limit(world, 150_00)
    await world.creditor()
    await world.sign(*await ready(world, "one"))
    assert (await world.plan(key="two")).state == Plan.STATE_IN_REVIEW
    assert (await world.plan(key="three", customer_id="cus_marco")).state == Plan.STATE_OFFERED
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert (await stranger.plan()).state == Plan.STATE_OFFERED
    assert list((await stranger.call("ListInstalmentReviews")).data) == []
    theirs = (await world.call("ListInstalmentReviews")).data[0]
    decided = stranger.call("ReviewInstalmentPlan", plan_id=theirs.id, **YES)
    assert await refusal(decided) == "plan_not_found"


async def test_a_customer_with_a_missed_part_goes_to_review(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    other = await world.plan(key="soon after")
    assert list(other.review.concerns) == [Review.CONCERN_MISSED_PAYMENTS]


async def test_a_missed_part_paid_within_a_week_raises_no_concern(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    world.say_yes()
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="late")
    assert (await world.plan(key="after")).state == Plan.STATE_OFFERED


@pytest.mark.parametrize("field", ["decision", "reason", "decided_by", "plan_id"])
async def test_a_decision_without_a_required_field_is_refused(world, field):
    plan = await in_review(world)
    fields = {"plan_id": plan.id, **YES}
    del fields[field]
    with pytest.raises(RemoteRefusal) as caught:
        await world.call("ReviewInstalmentPlan", **fields)
    assert (caught.value.reason, caught.value.violations[0].field) == ("invalid_argument", field)
    assert (await world.get(plan.id)).state == Plan.STATE_IN_REVIEW


async def no(applicant) -> bool:
    return applicant.lent.amount_minor < 100_00


async def broken(applicant) -> bool:
    raise RuntimeError(applicant.customer_id)


@pytest.mark.parametrize(
    ("accepts", "concern"),
    [(no, Review.CONCERN_SCORE), (broken, Review.CONCERN_SCORE_UNAVAILABLE)],
)
async def test_a_custom_scorer_that_refuses_or_fails_sends_the_plan_to_review(
    world, accepts, concern
):
    deps = replace(world.deps, scorer=SimpleNamespace(accepts=accepts))
    quote = await world.quote()
    cmd = CreatePlan(quote.id, "cus_giulia", "https://shop.example/thanks", {})
    key = Key(world.merchant_id, "CreateInstalmentPlan", "scored", b"hash")
    plan = Plan.FromString(await plans.create_plan(deps, cmd, key))
    assert (plan.state, list(plan.review.concerns)) == (Plan.STATE_IN_REVIEW, [concern])


async def test_a_scorer_is_loaded_by_its_class_path():
    named = scorer_client.load("services.instalments.scorer_client:Everybody")
    assert isinstance(named, scorer_client.Everybody)
    for wrong in ("nowhere:Scorer", "services.instalments.config:Nothing", "libs.money:exponent"):
        with pytest.raises(ValueError, match="INCASSO_SCORER"):
            scorer_client.load(wrong)
