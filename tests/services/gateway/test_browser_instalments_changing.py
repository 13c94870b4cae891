"""The instalments element when a cart changes, and when there is nothing to show, in a real browser."""

import asyncio

import pytest
from playwright.async_api import expect

from incasso.instalments.v1.instalments_pb2 import ListInstalmentOffersResponse
from libs.errors import Kind, RemoteRefusal
from tests.browser import needs_chromium
from tests.services.gateway.instalment_samples import deferral, offers, too_small
from tests.services.gateway.test_browser_instalments import asked, open_component, shop, view_is

__all__ = ["shop"]  # the fixture
pytestmark = needs_chromium


async def nothing_is_shown(component):
    await expect(component).to_be_hidden()
    assert await component.evaluate("e => e.getBoundingClientRect().height") == 0


async def test_a_new_price_is_requested_and_an_open_disclosure_stays_open(shop, tab):
    offers(shop, deferral())
    component = await open_component(tab, shop)
    await component.locator("summary").click()
    offers(shop, deferral(amount_minor=300_00))
    await tab.get_by_label("Price").fill("300")
    await expect(component.locator(".label")).to_contain_text("or 3 × €100.00")
    await expect(component.get_by_role("table")).to_be_visible()
    assert asked(shop).request.amount_minor == 300_00


async def test_attributes_that_change_together_cause_one_request(shop, tab):
    offers(shop, deferral())
    component = await open_component(tab, shop)
    await view_is(component, "ready")
    before = shop.services.calls("ListInstalmentOffers")
    change = "e => { e.setAttribute('amount-minor', 20000); e.setAttribute('country', 'IT'); }"
    async with tab.expect_response("**/v1/instalment-offers?**amount_minor=20000**"):
        await component.evaluate(change)
    await view_is(component, "ready")
    assert shop.services.calls("ListInstalmentOffers") == before + 1


async def test_an_outdated_price_is_never_shown(shop, tab):
    """While waiting for a new answer it keeps its place but shows nothing; a late answer is ignored."""
    offers(shop, deferral())
    component = await open_component(tab, shop)
    panel = component.locator(".panel")
    await expect(panel).to_be_visible()
    height = await component.evaluate("e => e.offsetHeight")
    may_answer = asyncio.Event()

    async def slowly(request):
        if request.amount_minor == 200_00:
            await may_answer.wait()
        return ListInstalmentOffersResponse(data=[deferral(amount_minor=request.amount_minor)])

    shop.services.answers["ListInstalmentOffers"] = slowly
    await tab.get_by_label("Price").fill("200")
    await view_is(component, "changing")
    await expect(panel).to_be_hidden()
    assert await component.evaluate("e => e.offsetHeight") == height
    await tab.get_by_label("Price").fill("300")
    await expect(component.locator(".label")).to_contain_text("€100.00")
    may_answer.set()
    await tab.get_by_label("Price").fill("600")
    await expect(component.locator(".label")).to_contain_text("€200.00")
    assert tab.complaints == []


@pytest.mark.parametrize(
    "answer",
    [
        RemoteRefusal(Kind.UNAVAILABLE, "service_unavailable", "Not now."),
        RemoteRefusal(Kind.INTERNAL, "internal_error", "Oh."),
        RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_unknown", "No."),
    ],
    ids=lambda refusal: refusal.reason,
)
async def test_a_refusal_hides_the_element(shop, answer, tab):
    shop.services.answers["ListInstalmentOffers"] = answer
    component = await open_component(tab, shop)
    await expect(tab.locator(".event")).to_have_text(
        f"incasso-instalments-failed · {answer.reason}"
    )
    await nothing_is_shown(component)


@pytest.mark.parametrize(
    "body", [None, "<html>busy</html>", "{}", '{"data": [{"available": true}]}']
)
async def test_a_failed_or_invalid_answer_hides_the_element_until_it_recovers(page, shop, body):
    thrown = []
    page.on("pageerror", lambda error: thrown.append(str(error)))

    async def instead(route):
        await (route.abort() if body is None else route.fulfill(body=body))

    offers(shop, deferral())
    component = await open_component(page, shop)
    await view_is(component, "ready")
    await page.route("**/v1/instalment-offers**", instead)
    await page.get_by_label("Price").fill("200")
    await view_is(component, "failed")
    await nothing_is_shown(component)
    assert thrown == []
    await page.unroute("**/v1/instalment-offers**")
    await page.get_by_label("Price").fill("160")  # it recovers by itself
    await expect(component.locator(".panel")).to_be_visible()


@pytest.mark.parametrize("amount", ["", "0", "-5", "x"])
async def test_without_a_valid_price_no_request_is_sent(shop, amount, tab):
    component = await open_component(tab, shop, amount_minor=amount)
    await view_is(component, "none")
    await nothing_is_shown(component)
    assert shop.services.calls("ListInstalmentOffers") == 0


async def test_an_unavailable_plan_is_not_shown(shop, tab):
    offers(shop, too_small())
    component = await open_component(tab, shop)
    await view_is(component, "none")
    await nothing_is_shown(component)
    await expect(tab.locator(".event")).to_have_text("incasso-instalments-none · minimum_amount")


@pytest.mark.parametrize(
    ("lang", "text"),
    [("en", "Pay in instalments from €150.00"), ("it", "Pagamento a rate da 150,00 €")],
)
async def test_the_minimum_price_is_shown_if_the_shop_asks_for_it(shop, lang, text, tab):
    offers(shop, too_small())
    component = await open_component(tab, shop, lang, show_threshold="")
    await expect(component.locator(".panel")).to_have_text(text)
    await expect(component.locator("summary")).to_be_hidden()
