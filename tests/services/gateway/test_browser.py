"""The web component, the reference and the return page in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from incasso.common.v1 import money_pb2, offer_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from tests.browser import HANGING_MS, needs_chromium
from tests.services.gateway.conftest import Gateway, picture, running_gateway
from tests.services.gateway.doubles import PUBLISHABLE
from tests.services.gateway.storefront import storefront

SESSION = oneclick_pb2.OneClickSession
PAYMENT = payments_pb2.Payment
pytestmark = needs_chromium


@pytest.fixture
async def shop() -> AsyncIterator[Gateway]:
    async with running_gateway(demo_pages=True) as gateway:
        yield gateway


def session(state=SESSION.STATE_OPEN, *, payment=None, card=True):
    found = oneclick_pb2.OneClickSession(
        id="ocs_1",
        state=state,
        amount=money_pb2.Money(amount_minor=5990, currency="EUR"),
        payment=payment,
    )
    if card:
        found.card.CopyFrom(
            offer_pb2.OfferedCard(instrument_id="ins_1", brand="visa", last4="4242")
        )
    return found


def payment(state, **more):
    return payments_pb2.Payment(id="pay_1", state=state, **more)


def answers(shop, *, get=None, pay=None, undo=None):
    def wrapped(response, found):
        if isinstance(found, oneclick_pb2.OneClickSession):
            return response(session=found)
        return found

    shop.services.answers |= {
        "GetOneClickSession": wrapped(oneclick_pb2.GetOneClickSessionResponse, get or session()),
        "PayOneClickSession": wrapped(oneclick_pb2.PayOneClickSessionResponse, pay),
        "UndoOneClickPayment": undo,
    }


async def open_component(page, shop, lang="en"):
    values = f"publishable-key={PUBLISHABLE}&session-id=ocs_1&client-secret=s3cret&lang={lang}"
    await page.goto(f"{shop.url}/demo/one-click#{values}")
    return page.locator("incasso-one-click")


async def view_is(component, view):
    await expect(component).to_have_attribute("data-view", view)


@pytest.mark.parametrize(
    ("lang", "text"),
    [("en", "Pay €59.90 with •••• 4242"), ("it", "Paga 59,90\xa0€ con •••• 4242")],
)
async def test_the_button_shows_the_amount_and_the_card(page, shop, lang, text):
    answers(shop)
    addresses = []
    page.on("request", lambda request: addresses.append(request.url.partition("#")[0]))
    component = await open_component(page, shop, lang)
    button = component.get_by_role("button", name=text)
    await expect(button).to_be_enabled()
    await picture(page, f"ready-{lang}")
    seen = shop.services.last("GetOneClickSession")
    assert seen.request.client_secret == "s3cret"
    assert seen.call.publishable
    assert f"{shop.url}/v1/one-click-sessions/ocs_1" in addresses  # without a secret in any URL
    assert not any("s3cret" in address for address in addresses)
    assert page.complaints == []


async def test_a_double_click_pays_once(page, shop):
    may_end = asyncio.Event()

    async def pay(_):
        await may_end.wait()
        return oneclick_pb2.PayOneClickSessionResponse(
            session=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED))
        )

    answers(shop, pay=pay)
    component = await open_component(page, shop)
    button = component.get_by_role("button")
    await button.dblclick()
    await view_is(component, "paying")
    await expect(button).to_be_disabled()
    await picture(page, "paying")
    may_end.set()
    await view_is(component, "paid")
    await expect(component.get_by_role("status")).to_have_text("Paid €59.90. Thank you!")
    await expect(page.locator(".event")).to_have_text("incasso-paid · pay_1 captured")
    await picture(page, "paid")
    assert shop.services.calls("PayOneClickSession") == 1
    assert page.complaints == []


async def test_one_click_works_on_a_page_of_another_origin(shop, tab):
    answers(shop, pay=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED)))
    body = (
        f'<incasso-one-click publishable-key="{PUBLISHABLE}" session-id="ocs_1" '
        'client-secret="s3cret"></incasso-one-click>'
    )
    async with storefront(shop, body) as address:
        await tab.goto(address)
        component = tab.locator("incasso-one-click")
        await component.get_by_role("button", name="Pay €59.90").click()
        await view_is(component, "paid")
        assert tab.complaints == []
        await tab.goto("about:blank")


async def test_one_click_can_be_paid_with_the_keyboard(shop, tab):
    answers(shop, pay=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED)))
    component = await open_component(tab, shop)
    await view_is(component, "ready")
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Enter")
    await view_is(component, "paid")


async def test_a_declined_card_can_be_tried_again(page, shop):
    declined = payment(
        PAYMENT.STATE_DECLINED,
        decline=payments_pb2.Decline(code=payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS),
    )
    answers(shop, pay=session(payment=declined))
    component = await open_component(page, shop)
    await component.get_by_role("button").click()
    await view_is(component, "declined")
    await expect(component.get_by_role("status")).to_contain_text("Nothing was charged")
    await picture(page, "declined")
    answers(shop, pay=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED)))
    await component.get_by_role("button", name="Try again").click()
    await view_is(component, "paid")


@pytest.mark.parametrize(
    "pay",
    [
        session(SESSION.STATE_PAYING, payment=payment(PAYMENT.STATE_PROCESSING)),
        OutcomeUnknown(),
        RemoteRefusal(Kind.CONFLICT, "idempotency_key_in_use", "Still running."),
        RemoteRefusal(Kind.INTERNAL, "internal_error", "Oh."),
    ],
    ids=["processing", "no answer", "still running", "fault"],
)
async def test_an_unknown_outcome_is_checked_and_not_shown_as_an_error(page, shop, pay):
    answers(shop, pay=pay)
    component = await open_component(page, shop)
    await view_is(component, "ready")
    answers(shop, get=session(SESSION.STATE_PAYING), pay=pay)
    await component.get_by_role("button").click()
    await view_is(component, "checking")
    await expect(component.get_by_role("status")).to_contain_text("do not need to pay again")
    await expect(component.get_by_role("button")).to_have_count(0)
    await picture(page, "checking")
    answers(shop, get=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED)))
    await view_is(component, "paid")


async def test_the_outcome_is_checked_after_a_lost_connection(page, shop):
    answers(shop)
    component = await open_component(page, shop)
    await view_is(component, "ready")
    await page.route("**/pay", lambda route: route.abort())
    paid = session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CAPTURED))
    answers(shop, get=paid)
    await component.get_by_role("button").click()
    await view_is(component, "paid")


async def test_a_bank_debit_is_pending_and_not_an_error(shop, tab):
    answers(shop, pay=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_PENDING)))
    component = await open_component(tab, shop, "it")
    await component.get_by_role("button").click()
    await view_is(component, "pending")
    await expect(component.get_by_role("status")).to_contain_text("Non devi pagare di nuovo")


async def test_a_challenge_opens_the_banks_page(shop, tab):
    action = payments_pb2.NextAction(type="redirect", url=f"{shop.url}/return/{ids.new('pay')}")
    challenged = payment(PAYMENT.STATE_REQUIRES_ACTION, next_action=action)
    answers(shop, pay=session(SESSION.STATE_PAYING, payment=challenged))
    component = await open_component(tab, shop)
    await component.get_by_role("button").click()
    await tab.wait_for_url(action.url)


async def test_a_shopper_who_returns_too_early_can_go_to_the_bank_again(page, shop):
    action = payments_pb2.NextAction(type="redirect", url=f"{shop.url}/return/{ids.new('pay')}")
    challenged = payment(PAYMENT.STATE_REQUIRES_ACTION, next_action=action)
    answers(shop, get=session(SESSION.STATE_PAYING, payment=challenged))
    component = await open_component(page, shop)
    await picture(page, "requires-action")
    await component.get_by_role("button", name="Confirm with your bank").click()
    await page.wait_for_url(action.url)


async def test_an_order_can_be_undone_within_its_grace_period(page, shop):
    held = payment(PAYMENT.STATE_AUTHORISED, capture=payments_pb2.CAPTURE_MODE_DELAYED)
    held.capture_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=15))
    paid = session(SESSION.STATE_PAID, payment=held)
    answers(shop, get=paid, undo=oneclick_pb2.UndoOneClickPaymentResponse())
    component = await open_component(page, shop)
    await view_is(component, "held")
    undo = component.get_by_role("button", name="Undo (14:")
    await expect(undo).to_be_visible()
    await picture(page, "held")
    answers(
        shop,
        get=session(SESSION.STATE_PAID, payment=payment(PAYMENT.STATE_CANCELLED)),
        undo=oneclick_pb2.UndoOneClickPaymentResponse(),
    )
    await undo.click()
    await view_is(component, "undone")
    await picture(page, "undone")
    seen = shop.services.last("UndoOneClickPayment")
    assert seen.call.idempotency_key == "undo-pay_1"
    assert seen.request.client_secret == "s3cret"


@pytest.mark.parametrize(
    ("get", "view"),
    [
        (session(SESSION.STATE_EXPIRED), "expired"),
        (session(card=False), "noCard"),
        (RemoteRefusal(Kind.NOT_FOUND, "session_not_found", "No."), "broken"),
        (RemoteRefusal(Kind.UNAUTHENTICATED, "client_secret_invalid", "No."), "broken"),
    ],
    ids=["expired", "no card", "unknown", "wrong secret"],
)
async def test_a_session_that_cannot_be_paid_shows_why_and_no_button(page, shop, get, view):
    answers(shop, get=get)
    component = await open_component(page, shop)
    await view_is(component, view)
    await expect(component.get_by_role("button")).to_have_count(0)
    await picture(page, view)


async def test_the_api_reference_shows_a_call_and_loads_nothing_external(page, shop):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.set_viewport_size({"width": 1280, "height": 1000})
    reference = f"{shop.url}/docs#tag/oneclick/POST/v1/one-click-payments"
    await page.goto(reference, wait_until="commit")
    call = page.get_by_text("/v1/one-click-payments", exact=True).first
    await expect(call).to_be_visible(timeout=2 * HANGING_MS)
    key = page.get_by_text("Idempotency-Key").first
    await expect(key).to_be_visible(timeout=2 * HANGING_MS)
    await picture(page, "docs")
    assert page.complaints == []
    assert [url for url in asked if not url.startswith((f"{shop.url}/", "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("state", "name"), [(PAYMENT.STATE_CAPTURED, "paid"), (PAYMENT.STATE_DECLINED, "declined")]
)
async def test_the_return_page_shows_a_status(page, shop, state, name):
    shop.services.answers["RefreshPayment"] = payments_pb2.RefreshPaymentResponse(
        payment=payment(state)
    )
    await page.goto(f"{shop.url}/return/{ids.new('pay')}")
    await expect(page.get_by_role("status")).to_be_visible()
    await picture(page, f"return-{name}")
    assert page.complaints == []
