"""The forms of the pay page: each makes one request to paylink, then returns to the page."""

import asyncio

import pytest

from incasso.paylink.v1 import pages_pb2
from libs.errors import FieldViolation, Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay.guard import MAX_FORM_BYTES
from services.gateway.pay.texts import REFUSALS
from tests.services.gateway import pay_samples as samples
from tests.services.gateway.pay_pieces import SHA
from tests.services.gateway.pay_samples import KEY, OFFER, PATH, TOKEN, UNKNOWN, USE, shown
from tests.waiting import HANGING_SECONDS

OURS = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Browser/1"}
SAVED = {"form_key": KEY, "offer": OFFER, "instrument_id": "ins_1", "use": ""}
TYPED = {
    "form_key": KEY,
    "offer": OFFER,
    "shown_minor": "1",
    "psp_account": "another",
    "card_token": "tok_1",
    "brand": "visa",
    "last4": "4242",
    "payer_email": "giulia@example.com",
}


def post(gateway, action, form=None, headers=OURS, query=""):
    path = f"{PATH}/{action}{query}"
    return gateway.request("POST", path, key=None, data=form or {}, headers=headers)


async def location(gateway, action, form=None, **more):
    async with post(gateway, action, form, **more) as response:
        assert response.status == 303, await response.text()
        return response.headers["Location"]


async def test_a_saved_card_pays(gateway):
    paid = pages_pb2.PagePayment(use=USE)
    gateway.services.answers["PayByCard"] = pages_pb2.PayByCardResponse(payment=paid)
    assert await location(gateway, "pay", SAVED, query="?lang=it") == f"{PATH}?lang=it&use={USE}"
    seen = gateway.services.last("PayByCard")
    assert (seen.request.instrument_id, seen.request.offer) == ("ins_1", OFFER)
    assert not seen.request.HasField("card_token")
    assert seen.call.idempotency_key == KEY


async def test_a_new_card_pays_by_its_token(gateway):
    assert await location(gateway, "pay", TYPED) == PATH
    request = gateway.services.last("PayByCard").request
    assert (request.offer, request.card_token) == (OFFER, "tok_1")
    assert (request.psp_account, request.shown_minor) == ("", 0)
    assert (request.brand, request.last4) == ("visa", "4242")
    assert request.payer_email == "giulia@example.com"
    assert not request.HasField("instrument_id")


async def test_a_form_sent_twice_uses_one_idempotency_key(gateway):
    for _ in range(2):
        await location(gateway, "pay", SAVED)
    keys = {s.call.idempotency_key for s in gateway.services.seen if s.name == "PayByCard"}
    assert keys == {KEY}


async def test_a_form_without_a_valid_idempotency_key_pays_nothing(gateway):
    for key in ("", "naïve", "x" * 300):
        form = {**SAVED, "form_key": key}
        assert await location(gateway, "pay", form) == f"{PATH}?notice=idempotency_key_missing"
    assert gateway.services.calls("PayByCard") == 0  # the service refuses calls without a key


async def test_a_payment_completes_even_if_the_shopper_leaves(gateway):
    started, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def pay(_):
        started.set()
        await may_end.wait()
        ended.set()
        return pages_pb2.PayByCardResponse()

    gateway.services.answers["PayByCard"] = pay

    async def send():
        async with post(gateway, "pay", SAVED):
            pass

    leaving = asyncio.create_task(send())
    await started.wait()
    leaving.cancel()
    may_end.set()
    async with asyncio.timeout(HANGING_SECONDS):
        await ended.wait()


async def test_accepting_a_quote_records_its_hash_ip_and_user_agent(gateway):
    assert await location(gateway, "accept-quote", {"text_sha256": SHA}) == PATH
    request = gateway.services.last("AcceptQuote").request
    assert (request.text_sha256, request.ip) == (SHA, "127.0.0.1")
    assert request.user_agent == "Browser/1"


async def test_a_bank_transfer_is_announced_and_withdrawn(gateway):
    own = pages_pb2.PagePayment(use=USE)
    gateway.services.answers["AnnounceBankTransfer"] = pages_pb2.AnnounceBankTransferResponse(
        payment=own
    )
    assert await location(gateway, "announce-transfer") == f"{PATH}?use={USE}"
    assert await location(gateway, "withdraw-transfer", {"use": USE}) == f"{PATH}?use={USE}"
    assert gateway.services.last("WithdrawBankTransfer").request.token == TOKEN


async def test_a_challenge_can_be_given_up(gateway):
    assert await location(gateway, "give-up", {"use": USE}) == f"{PATH}?use={USE}"
    request = gateway.services.last("GiveUpPayment").request
    assert (request.token, request.use) == (TOKEN, USE)
    paying = RemoteRefusal(Kind.CONFLICT, "payment_link_paying", "No.")
    gateway.services.answers["GiveUpPayment"] = paying
    assert await location(gateway, "give-up") == f"{PATH}?notice=payment_link_paying"


async def test_a_satisfaction_score_is_sent_and_an_invalid_one_refused(gateway):
    assert await location(gateway, "rate", {"score": "4", "use": USE}) == f"{PATH}?use={USE}"
    request = gateway.services.last("RateSatisfaction").request
    assert (request.score, request.use) == (4, USE)
    for score in ("6", "0", "-1", "four"):
        assert "notice=invalid_argument" in await location(gateway, "rate", {"score": score})


async def test_the_seen_form_marks_the_link_seen(gateway):
    async with post(gateway, "seen") as response:
        assert response.status == 204
    assert gateway.services.last("MarkSeen").request.token == TOKEN


async def test_reminders_stop_by_the_pages_button_and_by_one_click_unsubscribe(gateway):
    gateway.services.answers["GetPayPage"] = shown(samples.page())
    async with gateway.request("GET", f"{PATH}/stop-reminders?lang=en", key=None) as response:
        assert "No more reminders?" in await response.text()
    assert gateway.services.calls("StopReminders") == 0
    # Mail programs send neither Origin nor Sec-Fetch-Site, and must not be redirected (RFC 8058).
    one_click = {"List-Unsubscribe": "One-Click"}
    for headers in ({}, {"Content-Type": "multipart/form-data; boundary=x"}):
        async with post(gateway, "stop-reminders", one_click, headers=headers) as response:
            assert response.status == 200
            assert "No more reminders" in await response.text()
    to = await location(gateway, "stop-reminders", {"by_hand": "yes"})
    assert to == f"{PATH}/stop-reminders?notice=stopped"
    async with gateway.request("GET", f"{to}&lang=en", key=None) as response:
        assert "You will not be reminded" in await response.text()


async def test_a_new_link_is_sent_to_its_own_recipient(gateway):
    gateway.services.answers["RequestNewLink"] = pages_pb2.RequestNewLinkResponse(
        recipient="g•••@example.com"
    )
    async with post(gateway, "new-link") as response:
        assert response.status == 200  # the old URL no longer shows anything
        assert "g•••@example.com" in await response.text()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.CONFLICT, "payment_link_closed"),
        (Kind.CONFLICT, "payment_link_paying"),
        (Kind.CONFLICT, "payment_link_paid"),
        (Kind.CONFLICT, "quote_not_accepted"),
        (Kind.CONFLICT, "quote_changed"),
        (Kind.CONFLICT, "method_not_offered"),
        (Kind.NOT_FOUND, "instrument_not_found"),
        (Kind.CONFLICT, "instrument_not_usable"),
        (Kind.CONFLICT, "no_psp_account"),
        (Kind.CONFLICT, "amount_changed"),
        (Kind.CONFLICT, "order_already_paid"),
        (Kind.CONFLICT, "too_many_declines"),
        (Kind.UNPROCESSABLE, "idempotency_key_reused"),
        (Kind.CONFLICT, "idempotency_key_in_use"),
        (Kind.RATE, "reissued_lately"),
    ],
)
async def test_a_refusal_redirects_to_the_page_with_a_message(gateway, kind, reason):
    gateway.services.answers["PayByCard"] = RemoteRefusal(kind, reason, "No.")
    assert (
        await location(gateway, "pay", {**SAVED, "use": USE}) == f"{PATH}?use={USE}&notice={reason}"
    )
    assert reason in REFUSALS


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        ("captured", "order_already_paid"),
        ("authorised", "order_already_paid"),
        ("partially_refunded", "order_already_paid"),
        ("processing", "order_being_paid"),
        ("requires_action", "order_being_paid"),
        ("pending", "order_being_paid"),
    ],
)
async def test_an_order_that_is_being_paid_is_not_called_paid(gateway, state, notice):
    facts = {"payment_id": "pay_1", "payment_state": state}
    refusal = RemoteRefusal(Kind.CONFLICT, "order_already_paid", "No.", facts=facts)
    gateway.services.answers["PayByCard"] = refusal
    assert await location(gateway, "pay", SAVED) == f"{PATH}?notice={notice}"


async def test_unknown_failed_and_invalid_outcomes_redirect_with_different_messages(gateway):
    gateway.services.answers["AnnounceBankTransfer"] = OutcomeUnknown()
    assert await location(gateway, "announce-transfer") == f"{PATH}?notice=unknown"
    gateway.services.answers["AnnounceBankTransfer"] = RemoteRefusal(Kind.INTERNAL, "x_y", "Oh.")
    assert await location(gateway, "announce-transfer") == f"{PATH}?notice=failed"
    wrong = RemoteRefusal(Kind.INVALID, "invalid_argument", "x", [FieldViolation("last4", "no")])
    gateway.services.answers["AnnounceBankTransfer"] = wrong
    assert await location(gateway, "announce-transfer") == f"{PATH}?notice=invalid_argument"


@pytest.mark.parametrize("action", ["pay", "seen", "accept-quote", "new-link", "nonsense"])
async def test_forms_of_unknown_links_get_the_not_found_page(gateway, action):
    for name in ("PayByCard", "MarkSeen", "AcceptQuote", "RequestNewLink"):
        gateway.services.answers[name] = UNKNOWN
    async with post(gateway, action, {**SAVED, "text_sha256": SHA}) as response:
        assert response.status == 404
        assert "We do not know this address" in await response.text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://127.0.0.1"}, 303),
        ({"Origin": "null"}, 303),
    ],
)
async def test_other_sites_cannot_send_our_forms(gateway, headers, status):
    async with post(gateway, "pay", SAVED, headers=headers) as response:
        assert response.status == status
    assert gateway.services.calls("PayByCard") == (status == 303)


async def test_forms_of_one_link_are_rate_limited(new_gateway):
    async with new_gateway() as gateway:
        statuses = []
        for _ in range(70):
            async with post(gateway, "seen") as response:
                statuses.append(response.status)
        assert statuses[:60] == [204] * 60
        assert 429 in statuses


async def test_malformed_and_oversized_forms_are_refused(gateway):
    for data, kind in ((b"{}", "application/json"), (b"\xff=\xff", samples_form()), (b"", "")):
        headers = {**OURS, "Content-Type": kind} if kind else OURS
        async with post(gateway, "accept-quote", data, headers=headers) as response:
            assert response.headers["Location"] == f"{PATH}?notice=invalid_argument"
    large = b"a=" + b"x" * MAX_FORM_BYTES
    headers = {**OURS, "Content-Type": samples_form()}
    async with post(gateway, "pay", large, headers=headers) as response:
        assert response.status == 413
    many = "&".join(f"f{number}=1" for number in range(600)).encode()
    async with post(gateway, "pay", many, headers=headers) as response:
        assert response.status == 413


def samples_form():
    return "application/x-www-form-urlencoded"
