import pytest

from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.return_page import TEXTS, with_outcome

PAYMENT_ID = ids.new("pay")
PATH = f"/return/{PAYMENT_ID}"


def answer(state, return_url=""):
    return payments_pb2.RefreshPaymentResponse(
        payment=payments_pb2.Payment(id=PAYMENT_ID, state=state), return_url=return_url
    )


async def page(gateway, path=PATH, language="en"):
    headers = {"Accept-Language": language}
    async with gateway.request("GET", path, key=None, headers=headers) as response:
        assert response.content_type == "text/html"
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, await response.text()


async def test_the_shopper_is_redirected_to_the_shop_with_the_outcome(gateway):
    gateway.services.answers["RefreshPayment"] = answer(
        payments_pb2.Payment.STATE_CAPTURED, "https://shop.example/thanks?order=7&state=old#top"
    )
    async with gateway.request("GET", PATH, key=None) as response:
        assert response.status == 303
        assert response.headers["Location"] == (
            f"https://shop.example/thanks?order=7&payment_id={PAYMENT_ID}&state=captured#top"
        )
    seen = gateway.services.last("RefreshPayment")
    assert seen.request.payment_id == PAYMENT_ID
    assert (seen.call.caller, seen.call.merchant_id) == ("gateway", "")


@pytest.mark.parametrize(
    ("state", "view"),
    [
        ("STATE_CAPTURED", "paid"),
        ("STATE_AUTHORISED", "paid"),
        ("STATE_PROCESSING", "checking"),
        ("STATE_PENDING", "checking"),
        ("STATE_DECLINED", "declined"),
        ("STATE_CANCELLED", "cancelled"),
        ("STATE_REQUIRES_ACTION", "requires_action"),
    ],
)
@pytest.mark.parametrize("language", ["en", "it"])
async def test_without_a_return_url_a_page_shows_the_state(gateway, state, view, language):
    gateway.services.answers["RefreshPayment"] = answer(payments_pb2.Payment.State.Value(state))
    status, text = await page(gateway, language=f"{language}-XX,de;q=0.5")
    assert status == 200
    assert TEXTS[language][view][0] in text
    assert ('http-equiv="refresh"' in text) == (view == "checking")


async def test_an_unknown_outcome_is_not_shown_as_a_failure(gateway):
    gateway.services.answers["RefreshPayment"] = OutcomeUnknown()
    status, text = await page(gateway)
    assert status == 200
    assert TEXTS["en"]["checking"][0] in text


async def test_an_unknown_payment_is_not_found(gateway):
    gateway.services.answers["RefreshPayment"] = RemoteRefusal(
        Kind.NOT_FOUND, "payment_not_found", "No."
    )
    for path in (PATH, "/return/pay_short", "/return/x%22%3Cscript%3E%221"):
        status, text = await page(gateway, path)
        assert status == 404
        assert TEXTS["en"]["missing"][0] in text
        assert "<script" not in text


def test_the_outcome_is_added_to_a_url_without_parameters():
    assert with_outcome("https://s.example/x", "pay_1", "declined") == (
        "https://s.example/x?payment_id=pay_1&state=declined"
    )
