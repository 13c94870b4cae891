"""A new card entered on the page of a plan: saved once, with consent, and nothing is charged."""

from urllib.parse import urlsplit

import pytest

from incasso.instalments.v1 import pages_pb2
from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Payment
from libs import clock, wire
from libs.errors import Kind, RemoteRefusal, ServiceUnavailable
from tests.services.instalments.test_erasing import erase
from tests.services.instalments.test_page_forms import pay, running
from tests.services.instalments.test_pages import (
    PREFIX,
    address,
    by_token,
    handed_over,
    opened,
    page,
)
from tests.services.instalments.test_partners import offered
from tests.services.instalments.test_plans import refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Return = pb.InstalmentPlan, pages_pb2.GetPlanReturnResponse
STATES = {"plan_busy": Payment.STATE_PROCESSING, "plan_not_active": Payment.STATE_CAPTURED}


async def save(world, token: str, *, key: str = "card", **more):
    typed = {"psp_account": "sandbox-a", "card_token": "sbt_new", "ip": "203.0.113.7", **more}
    return await by_token(world, "SavePlanPageCard", key=key, token=token, **typed)


async def test_a_card_saved_on_the_page_signs_the_plan(world):
    """The consent sent to oneclick is the one that the customer saw beside the field."""
    world.oneclick.good.clear()
    _, token = await opened(world)
    shown = await page(world, token)
    assert list(shown.cards) == []
    assert (shown.card_field.psp, shown.card_field.psp_account) == ("sandbox", "sandbox-a")
    assert "La Bottega" in shown.card_field.consent
    saved = await save(world, token)
    (asked,) = world.oneclick.attached.values()
    assert (asked.customer_id, asked.psp_account, asked.token) == (
        "cus_giulia",
        "sandbox-a",
        "sbt_new",
    )
    assert asked.consent.text_version.startswith("plan-")
    assert asked.consent.ip == "203.0.113.7"
    assert wire.time_of(asked.consent.accepted_at) <= clock.world_now()
    assert world.payments.books == {}
    fields = {
        "instrument_id": saved.instrument_id,
        "agreement_sha256": await handed_over(world, token),
    }
    signed = (await by_token(world, "SignPlanPage", key="k", token=token, **fields)).page.plan
    assert (signed.state, signed.instrument_id) == (Plan.STATE_ACTIVE, "ins_sbt_new")


async def test_a_resubmitted_form_saves_one_card_with_one_consent(world):
    """Also from another address, and after a lost answer; another card under its key is refused."""
    _, token = await running(world)
    world.oneclick.lose_answers = 1
    assert await refusal(save(world, token)) == "service_unavailable"
    await world.pass_by(hours=1)
    first = await save(world, token, ip="198.51.100.9")
    assert await save(world, token) == first
    assert len(world.oneclick.attached) == 1
    another = save(world, token, card_token="sbt_other")
    assert await refusal(another) == "idempotency_key_reused"
    assert len(world.oneclick.attached) == 1


async def test_a_challenge_while_saving_a_card_returns_to_the_page(world):
    _, token = await running(world)
    world.oneclick.challenge = "https://bank.example/challenge"
    saved = await save(world, token)
    assert saved.next_action.url == "https://bank.example/challenge"
    (asked,) = world.oneclick.attached.values()
    assert token not in asked.return_url
    waiting = await back(world, asked.return_url)
    assert (waiting.token, waiting.card) == (token, Return.CARD_WAITING)
    assert waiting.next_action.url == "https://bank.example/challenge"
    world.oneclick.challenge = ""
    assert await back(world, asked.return_url) == Return(token=token, card=Return.CARD_SAVED)


@pytest.mark.parametrize(
    ("refused", "card"),
    [
        (RemoteRefusal(Kind.UNPROCESSABLE, "instrument_refused", "no"), Return.CARD_REFUSED),
        (RemoteRefusal(Kind.NOT_FOUND, "instrument_not_found", "no"), Return.CARD_REFUSED),
        (RemoteRefusal(Kind.CONFLICT, "idempotency_key_in_use", "later"), Return.CARD_WAITING),
        (RemoteRefusal(Kind.UNAVAILABLE, "psp_unavailable", "later"), Return.CARD_WAITING),
        (ServiceUnavailable(), Return.CARD_WAITING),
    ],
)
async def test_a_returning_customer_sees_a_refused_or_pending_card(world, refused, card):
    """An outcome that is not known yet is not reported as a refusal."""
    _, token = await running(world)
    world.oneclick.challenge = "https://bank.example/challenge"
    await save(world, token)
    (asked,) = world.oneclick.attached.values()
    world.oneclick.refusal = refused
    assert await back(world, asked.return_url) == Return(token=token, card=card)


async def back(world, return_url: str) -> Return:
    reference = urlsplit(return_url).path.removeprefix("/plan/return/")
    return await by_token(world, "GetPlanReturn", reference=reference)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.UNPROCESSABLE, "instrument_refused"),
        (Kind.CONFLICT, "too_many_instruments"),
        (Kind.CONFLICT, "too_many_declines"),
        (Kind.CONFLICT, "customer_erased"),
        (Kind.NOT_FOUND, "psp_account_not_found"),
    ],
)
async def test_a_card_refused_by_oneclick_is_refused_with_the_same_reason(world, kind, reason):
    _, token = await running(world)
    world.oneclick.refusal = RemoteRefusal(kind, reason, "no")
    assert await refusal(save(world, token)) == reason
    assert len(world.payments.books) == 1


async def test_erasure_removes_the_ip_address_from_the_saved_cards_answer(world):
    _, token = await running(world)
    await save(world, token)
    await erase(world)
    async with world.deps.db.connection() as conn:
        answers = await conn.fetch(
            "SELECT answer FROM idempotency_keys"
            " WHERE merchant_id = $1 AND method = 'SavePlanPageCard'",
            world.merchant_id,
        )
    assert len(answers) == 1
    assert b"203.0.113.7" not in answers[0]["answer"]


@pytest.mark.parametrize("why", ["no_psp_account", "too_many_declines"])
async def test_no_card_field_is_shown_when_payments_refuses_it(world, why):
    _, token = await running(world)

    def refuse():
        raise RemoteRefusal(Kind.CONFLICT, why, "no")

    world.payments.before["GetCardField"] = refuse
    shown = await page(world, token)
    assert not shown.HasField("card_field")
    assert [card.card.instrument_id for card in shown.cards] == ["ins_good"]


@pytest.mark.parametrize("why", ["plan_busy", "plan_not_active", "plan_closed"])
async def test_a_busy_completed_or_closed_plan_takes_no_card(world, why):
    if why == "plan_closed":
        plan_id, token = await opened(world)
        await world.call("CancelInstalmentPlan", plan_id=plan_id)
    else:
        _, token = await running(world)
        figure = (await page(world, token)).settlement.amount.amount_minor
        world.payments.state = STATES[why]
        await pay(world, token, figure)
    assert not (await page(world, token)).HasField("card_field")
    assert await refusal(save(world, token)) == why
    assert world.oneclick.attached == {}


async def test_a_partners_plan_takes_no_card(world):
    token = (await address(world, (await offered(world)).id)).removeprefix(PREFIX)
    assert not (await page(world, token)).HasField("card_field")
    assert await refusal(save(world, token)) == "plan_of_partner"
