"""What a customer can do on the page of a plan: figures before consent, and what each form requests."""

import re

import pytest

from incasso.instalments.v1 import pages_pb2
from libs.errors import Kind, RemoteRefusal
from services.gateway.pay import plan_forms
from tests.services.gateway.plan_samples import (
    PAID,
    PATH,
    PLAN,
    STATES,
    TOKEN,
    UNKNOWN,
    owed,
    running,
    show,
    signed,
)
from tests.services.gateway.test_pay_security import NASTY
from tests.services.gateway.test_plan_forms import OURS, location, post
from tests.services.gateway.test_plan_page import html

PAY = {"form_key": "k-1", "part": "2:4085", "instrument_id": "ins_1881"}
WHO = {"name": "Giulia Bianchi", "sent_to": "giulia@example.com"}


async def test_every_figure_is_shown_before_the_customer_pays(gateway):
    show(gateway, STATES["active-credit"]())
    text = re.sub(r"\s+", " ", await html(gateway))
    assert "26 dicembre 2026, invece di 41,25 €" in text
    assert "Paga ora questa rata" in text
    for figure in ("40,85", "120,00", "3,75", "-1,20", "122,55"):
        assert figure in text
    assert text.index("Spese non maturate") < text.index("Paga 122,55")
    assert "fino al 10 dicembre 2026, senza indicare il motivo" in text


async def test_a_plan_that_is_not_active_offers_no_actions(gateway):
    for name in ("sign", "confirm-part", "completed", "cancelled", "in-review"):
        show(gateway, STATES[name]())
        text = await html(gateway)
        assert "Che cosa puoi fare" not in text
        assert f"{PATH}/pay" not in text


async def test_the_last_part_is_paid_alone_and_one_card_cannot_be_changed(gateway):
    show(gateway, STATES["active-last"]())
    text = await html(gateway)
    assert "Paga ora tutto il resto" not in text
    assert 'value="3:5334"' in text
    assert "Nessun'altra carta salvata" in text.replace("&#39;", "'")
    assert "Recedere dal contratto qui" not in text


async def test_paying_one_part_sends_the_amount_that_was_shown(gateway):
    for _ in range(2):
        assert await location(gateway, "pay", PAY, path=PATH) == PATH
    seen = [seen for seen in gateway.services.seen if seen.name == "PayPlanPage"]
    assert {one.call.idempotency_key for one in seen} == {"k-1"}
    assert seen[0].request == pages_pb2.PayPlanPageRequest(
        token=TOKEN, number=2, amount_minor=4085, instrument_id="ins_1881"
    )


async def test_paying_the_rest_sends_the_amount_that_was_shown(gateway):
    form = {"form_key": "k", "part": "all:12255"}
    assert await location(gateway, "pay", form, path=PATH) == PATH
    assert gateway.services.last("PayPlanPage").request == pages_pb2.PayPlanPageRequest(
        token=TOKEN, amount_minor=12255
    )


@pytest.mark.parametrize(
    ("field", "value", "notice"),
    [
        ("part", "", "invalid_argument"),
        ("part", "2", "invalid_argument"),
        ("part", "2:0", "invalid_argument"),
        ("part", "2:-5", "invalid_argument"),
        ("part", "2:4085.5", "invalid_argument"),
        ("part", "0:4085", "invalid_argument"),
        ("part", "122:4085", "invalid_argument"),
        ("part", f"{10**14}:4085", "invalid_argument"),
        ("part", "x:4085", "invalid_argument"),
        ("part", f"2:{10**30}", "invalid_argument"),
        ("instrument_id", "i" * 41, "invalid_argument"),
        ("form_key", "", "idempotency_key_missing"),
    ],
)
async def test_a_payment_with_one_wrong_field_takes_nothing(gateway, field, value, notice):
    assert await location(gateway, "pay", {**PAY, field: value}) == f"{PATH}?notice={notice}"
    assert gateway.services.calls("PayPlanPage") == 0


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.CONFLICT, "amount_changed"),
        (Kind.CONFLICT, "plan_not_active"),
        (Kind.CONFLICT, "plan_busy"),
        (Kind.CONFLICT, "instalment_closed"),
        (Kind.NOT_FOUND, "instalment_not_found"),
        (Kind.CONFLICT, "nothing_to_pay"),
        (Kind.CONFLICT, "withdrawal_too_late"),
    ],
)
async def test_a_refusal_redirects_to_the_page_with_a_message(gateway, kind, reason):
    refusal = RemoteRefusal(kind, reason, "No.")
    gateway.services.answers |= {"PayPlanPage": refusal, "WithdrawPlanPage": refusal}
    show(gateway, STATES["active"]())
    for form, fields in (("pay", PAY), ("withdraw", WHO)):
        assert await location(gateway, form, fields) == f"{PATH}?notice={reason}"
    assert 'role="alert"' in await html(gateway, f"{PATH}?notice={reason}")


async def test_replacing_the_card_is_confirmed_on_the_page(gateway):
    where = await location(gateway, "card", {"instrument_id": "ins_1881"}, path=PATH)
    assert where == f"{PATH}?notice=plan_card_replaced"
    seen = gateway.services.last("ReplacePlanPageCard").request
    assert (seen.token, seen.instrument_id) == (TOKEN, "ins_1881")
    show(gateway, STATES["active"]())
    assert "viene addebitata la carta che hai scelto" in await html(gateway, where)
    nothing = await location(gateway, "card", {})
    assert nothing == f"{PATH}?notice=invalid_argument"


async def test_a_withdrawal_is_shown_before_it_is_confirmed(gateway):
    gateway.services.answers["WithdrawPlanPage"] = owed(running(signed(PLAN.STATE_ACTIVE, PAID)))
    async with post(gateway, "withdraw", WHO) as response:
        assert response.status == 200
        text = await response.text()
    for words in ("Conferma recesso", "119,08", "120,00", "0,33", "-1,25", "31 dicembre 2026"):
        assert words in text
    assert not gateway.services.last("WithdrawPlanPage").request.confirm
    fields = dict(re.findall(r'name="(name|sent_to|confirm)" value="([^"]*)"', text))
    assert await location(gateway, "withdraw", fields) == PATH
    seen = gateway.services.last("WithdrawPlanPage").request
    assert (seen.name, seen.sent_to, seen.confirm) == (*WHO.values(), True)


@pytest.mark.parametrize(
    ("field", "value", "notice"),
    [
        ("name", "", "name"),
        ("name", "x" * 201, "name"),
        ("sent_to", "", "contact"),
        ("sent_to", "giulia", "contact"),
        ("sent_to", "333 123 4567", "contact"),
        ("sent_to", "a b@c.d", "contact"),
    ],
)
async def test_a_notice_with_one_wrong_field_changes_nothing(gateway, field, value, notice):
    form = {**WHO, "confirm": "yes", field: value}
    assert await location(gateway, "withdraw", form) == f"{PATH}?notice={notice}"
    assert gateway.services.calls("WithdrawPlanPage") == 0


async def test_the_receipt_of_a_withdrawal_may_go_to_a_phone(gateway):
    gateway.services.answers["WithdrawPlanPage"] = owed(running(signed(PLAN.STATE_ACTIVE, PAID)))
    async with post(gateway, "withdraw", {**WHO, "sent_to": "+39 333 123 4567"}) as response:
        assert "+39 333 123 4567" in await response.text()
    assert gateway.services.last("WithdrawPlanPage").request.sent_to == "+393331234567"


async def test_a_hostile_name_is_escaped(gateway):
    gateway.services.answers["WithdrawPlanPage"] = owed(running(signed(PLAN.STATE_ACTIVE, PAID)))
    async with post(gateway, "withdraw", {**WHO, "name": NASTY}) as response:
        text = await response.text()
    assert "<script>alert" not in text
    assert "<img src=x" not in text


@pytest.mark.parametrize("form", plan_forms.ACTIONS)
async def test_cross_site_forms_and_forms_of_unknown_plans_are_refused(gateway, form):
    fields = {**PAY, **WHO, "consent": "yes", "agreement_sha256": "ab" * 32}
    async with post(gateway, form, fields, headers={"Sec-Fetch-Site": "cross-site"}) as response:
        assert response.status == 403
    assert gateway.services.seen == []
    pays = ("SignPlanPage", "PayPlanPage", "PayPlanPageByPartner")
    for name in (*pays, "ReplacePlanPageCard", "WithdrawPlanPage"):
        gateway.services.answers[name] = UNKNOWN
    async with post(gateway, form, fields) as response:
        assert response.status == 404


async def test_returning_from_the_bank_redirects_to_the_page(gateway):
    gateway.services.answers["GetPlanReturn"] = pages_pb2.GetPlanReturnResponse(token=TOKEN)
    path = "/plan/return/gAAAA-_b=?payment_intent=pi_1"
    async with gateway.request("GET", path, key=None, headers=OURS) as response:
        assert (response.status, response.headers["Location"]) == (303, PATH)
    assert gateway.services.last("GetPlanReturn").request.reference == "gAAAA-_b="
    gateway.services.answers["GetPlanReturn"] = UNKNOWN
    await html(gateway, path, status=404)
