"""The page of a plan: its URL, what it shows, documents and signing by its token."""

import asyncio
import contextvars
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import RemoteRefusal
from services.instalments.store import plans as store
from tests.services.instalments.test_plans import refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part = pb.InstalmentPlan, pb.Instalment
KINDS = ("KIND_INFORMATION", "KIND_AGREEMENT")
PREFIX = "https://pay.example/plan/"


async def address(world, plan_id: str) -> str:
    return (await world.call("GetInstalmentPlanAddress", plan_id=plan_id)).url


async def opened(world) -> tuple[str, str]:
    """A plan and the token of its page."""
    await world.creditor()
    plan = await world.plan()
    return plan.id, (await address(world, plan.id)).removeprefix(PREFIX)


async def by_token(world, rpc: str, *, key: str = "", **fields):
    """Calls as the gateway does for a shopper: without a merchant."""
    return await replace(world, merchant_id="", ahead=timedelta()).call(rpc, key=key, **fields)


async def page(world, token: str):
    return (await by_token(world, "GetPlanPage", token=token)).page


async def handed_over(world, token: str) -> str:
    for kind in KINDS:
        await by_token(world, "GetPlanPageDocument", token=token, kind=kind)
    return (await page(world, token)).agreement_sha256


async def sign(world, token: str, sha256: str, key: str = "k"):
    fields = {"token": token, "instrument_id": "ins_good", "agreement_sha256": sha256}
    return (await by_token(world, "SignPlanPage", key=key, **fields)).page


async def test_a_plan_has_one_address_that_only_its_merchant_can_get(world):
    plan_id, token = await opened(world)
    assert len(token) == 22
    assert await address(world, plan_id) == PREFIX + token
    world.merchant_id = ids.new("mer")
    assert await refusal(address(world, plan_id)) == "plan_not_found"


async def test_creating_a_plan_returns_its_address_again_on_replay(world):
    await world.creditor()
    quote_id = (await world.quote()).id
    plan = await world.plan(quote_id=quote_id)
    assert plan.url == await address(world, plan.id)
    assert (await world.plan(quote_id=quote_id)).url == plan.url
    assert not (await world.get(plan.id)).HasField("url")


async def test_the_token_is_in_no_row_and_no_event(world):
    _, token = await opened(world)
    async with world.deps.db.connection() as conn:
        for table in ("plan_addresses", "plans", "outbox"):
            rows = await conn.fetch(f"SELECT {table}::text AS row FROM {table}")
            assert not any(token in row["row"] for row in rows), table


async def test_the_page_shows_the_plan_without_the_merchants_private_fields(world):
    await world.creditor()
    plan = await world.plan(metadata={"cart": "7"})
    shown = await page(world, (await address(world, plan.id)).removeprefix(PREFIX))
    assert shown.plan.offer == plan.offer
    assert (shown.merchant.name, shown.merchant.primary_colour) == ("La Bottega", "#0b5cad")
    assert shown.merchant.seller.vat_number == "IT12345670017"
    assert [card.card.instrument_id for card in shown.cards] == ["ins_good"]
    assert (dict(shown.plan.metadata), shown.plan.customer_id, shown.plan.trace_id) == ({}, "", "")
    assert not shown.HasField("agreement_sha256")


async def test_the_page_hides_the_review_of_a_plan(world):
    await world.creditor()
    limit = {"amount_minor": 100, "currency": "EUR"}
    await world.call("UpdateInstalmentSettings", exposure_limit=limit)
    plan = await world.plan()
    assert plan.state == Plan.STATE_IN_REVIEW
    token = plan.url.removeprefix(PREFIX)
    shown = await page(world, token)
    assert (shown.plan.state, shown.plan.HasField("review")) == (Plan.STATE_IN_REVIEW, False)
    assert not shown.HasField("consent")
    assert list(shown.cards) == []
    document = by_token(world, "GetPlanPageDocument", token=token, kind=KINDS[0])
    assert await refusal(document) == "plan_in_review"


@pytest.mark.parametrize("token", ["x", "3xK9mQ2vT7bN4cR8wZ1pLd", "\ufffd" * 30])
async def test_every_invalid_token_is_answered_with_plan_not_found(world, token):
    await opened(world)
    assert await refusal(page(world, token)) == "plan_not_found"
    document = by_token(world, "GetPlanPageDocument", token=token, kind=KINDS[0])
    assert await refusal(document) == "plan_not_found"
    assert await refusal(sign(world, token, "0" * 64)) == "plan_not_found"


async def test_signing_on_the_page_needs_delivered_documents_with_the_current_text(world):
    _, token = await opened(world)
    assert await refusal(sign(world, token, "0" * 64)) == "documents_not_delivered"
    sha256 = await handed_over(world, token)
    assert await refusal(sign(world, token, "0" * 64)) == "text_changed"
    signed = await sign(world, token, sha256, key="other")
    assert signed.plan.state == Plan.STATE_ACTIVE
    assert signed.plan.acceptance.agreement_sha256 == sha256
    assert not signed.HasField("consent")
    again = await sign(world, token, sha256, key="other")
    assert (again.plan, len(world.payments.books)) == (signed.plan, 1)


async def test_a_page_read_during_signing_is_a_consistent_snapshot(world, monkeypatch):
    """Otherwise it could say that nothing was charged, beside the part that was."""
    _, token = await opened(world)
    sha256 = await handed_over(world, token)
    parts, signed, shopper = store.parts, [], contextvars.copy_context()

    async def read_after_signing(conn, *of):
        if not signed:
            signed.append(True)
            await asyncio.create_task(sign(world, token, sha256), context=shopper)
        return await parts(conn, *of)

    monkeypatch.setattr(store, "parts", read_after_signing)
    seen = await page(world, token)
    assert seen.plan.state != Plan.STATE_ACTIVE
    assert Part.STATE_PAID not in {part.state for part in seen.plan.instalments}
    assert (await page(world, token)).plan.state == Plan.STATE_ACTIVE


async def test_documents_can_be_read_after_signing_too(world):
    _, token = await opened(world)
    sha256 = await handed_over(world, token)
    await sign(world, token, sha256)
    answer = await by_token(world, "GetPlanPageDocument", token=token, kind=KINDS[1])
    assert answer.document.sha256 == sha256


async def test_a_declined_signature_shows_the_decline_and_the_cards(world):
    _, token = await opened(world)
    sha256 = await handed_over(world, token)
    world.payments.state = payments_pb2.Payment.STATE_DECLINED
    declined = await sign(world, token, sha256)
    assert declined.plan.decline.code == payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS
    assert [card.card.instrument_id for card in declined.cards] == ["ins_good"]


async def test_the_signers_ip_address_is_shown_only_to_the_merchant(world):
    _, token = await opened(world)
    sha256 = await handed_over(world, token)
    fields = {"token": token, "instrument_id": "ins_good", "agreement_sha256": sha256}
    answer = await by_token(world, "SignPlanPage", key="k", ip="192.0.2.7", **fields)
    assert not answer.page.plan.acceptance.HasField("ip")
    (plan,) = (await world.call("ListInstalmentPlans")).data
    assert plan.acceptance.ip == "192.0.2.7"


async def test_signing_without_an_idempotency_key_is_refused(world):
    _, token = await opened(world)
    sha256 = await handed_over(world, token)
    with pytest.raises(RemoteRefusal) as caught:
        await sign(world, token, sha256, key="")
    assert caught.value.reason == "idempotency_key_missing"
