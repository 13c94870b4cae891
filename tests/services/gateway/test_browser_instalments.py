"""What the instalments element shows beside a price, in a real browser; golden texts are in golden/."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import OVERFLOW, check, faults, looks, needs_chromium
from tests.services.gateway.conftest import Gateway, running_gateway
from tests.services.gateway.doubles import PUBLISHABLE
from tests.services.gateway.instalment_samples import (
    DEFERRAL_LAW,
    EXAMPLE,
    WARNING,
    credit,
    deferral,
    offers,
    too_small,
)
from tests.services.gateway.storefront import storefront

pytestmark = needs_chromium
# Whether the characters of all visible texts are displayed in their logical order.
FROM_LEFT_TO_RIGHT = """elements => elements.filter(e => e.checkVisibility()).every(e => {
  const range = document.createRange();
  const lefts = [...e.firstChild.data].map((_, at) => {
    range.setStart(e.firstChild, at);
    range.setEnd(e.firstChild, at + 1);
    return range.getBoundingClientRect().left;
  });
  return lefts.every((left, at) => at === 0 || left >= lefts[at - 1]);
})"""
DEMO = "/demo/instalments"


@pytest.fixture
async def shop() -> AsyncIterator[Gateway]:
    async with running_gateway(demo_pages=True) as gateway:
        yield gateway


async def open_component(page, shop, lang="en", **attributes):
    more = "".join(f"&{name.replace('_', '-')}={value}" for name, value in attributes.items())
    await page.goto(f"{shop.url}{DEMO}#publishable-key={PUBLISHABLE}&lang={lang}{more}")
    return page.locator("incasso-instalments")


async def view_is(component, view):
    await expect(component).to_have_attribute("data-view", view)


def asked(shop):
    return shop.services.last("ListInstalmentOffers")


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "or 3 × €53.34 without interest or fees"),
        ("it", "oppure 3 × 53,34\xa0€ senza interessi e spese"),
        ("it-CH", "oppure 3 × 53,34\xa0€ senza interessi e spese"),
        ("de", "or 3 × €53.34 without interest or fees"),
    ],
)
async def test_the_element_shows_the_instalments_of_a_price(shop, lang, text, tab):
    offers(shop, deferral("it" if lang.startswith("it") else "en"))
    component = await open_component(tab, shop, lang)
    await expect(component.locator(".label")).to_have_text(text.replace("\xa0", " "))
    assert asked(shop).request.locale == ("it" if lang.startswith("it") else "en")
    assert asked(shop).call.publishable
    await expect(tab.locator(".event")).to_contain_text("incasso-instalments-ready · 3 × ")
    assert tab.complaints == []


@pytest.mark.parametrize("lang", ["en", "it"])
async def test_the_price_of_credit_is_shown_with_its_warning_and_example(shop, lang, tab):
    offers(shop, credit(lang))
    component = await open_component(tab, shop, lang)
    await expect(component.get_by_text(WARNING[lang])).to_be_visible()
    await expect(component.get_by_text(EXAMPLE[lang])).to_be_visible()
    await expect(component.get_by_role("table")).to_be_hidden()  # the disclosure is closed
    assert "without interest" not in await component.locator(".label").inner_text()


@pytest.mark.parametrize("lang", ["en", "it"])
async def test_a_deferral_shows_no_warning_and_no_example(shop, lang, tab):
    offers(shop, deferral(lang))
    component = await open_component(tab, shop, lang)
    await component.locator("summary").click()
    await expect(component.get_by_text(DEFERRAL_LAW[lang])).to_be_visible()
    await expect(component.locator(".warning, .example")).to_have_count(0)


async def test_each_credit_plan_among_several_has_its_own_warning_and_example(shop, tab):
    offers(shop, credit(), deferral(), credit(payments=14), too_small())
    component = await open_component(tab, shop)
    await expect(component.locator(".label").first).to_contain_text("or 3 × €53.34")
    await expect(component.locator(".warning").first).to_be_hidden()  # no credit price is visible
    await component.get_by_text("Dates and costs of 3 plans").click()
    for plan in await component.get_by_role("listitem").all():
        of_credit = "€41.25" in await plan.locator(".label").inner_text()
        await expect(plan.get_by_text(WARNING["en"])).to_have_count(int(of_credit))
        await expect(plan.get_by_text(EXAMPLE["en"])).to_have_count(int(of_credit))
    await expect(component.locator(".warning >> visible=true")).to_have_count(2)


@pytest.mark.parametrize("lang", ["en", "it"])
@pytest.mark.parametrize("kind", [deferral, credit])
async def test_the_open_panel_matches_its_golden_text(shop, kind, lang, tab):
    offers(shop, kind(lang))
    component = await open_component(tab, shop, lang)
    await component.locator("summary").click()
    lines = (await component.locator(".panel").inner_text()).replace("\xa0", " ").splitlines()
    golden = Path(__file__).parent / "golden" / f"instalments_{kind.__name__}_{lang}.txt"
    assert [" ".join(line.split()) for line in lines if line.strip()] == (
        golden.read_text().splitlines()
    )


async def test_the_keyboard_opens_and_closes_the_disclosure(shop, tab):
    offers(shop, deferral(), credit(payments=14))
    component = await open_component(tab, shop)
    await expect(component.locator("summary")).to_be_visible()  # otherwise Tab skips it
    await tab.get_by_label("Price").focus()
    await tab.keyboard.press("Tab")
    await expect(component.get_by_role("table")).to_have_count(0)
    await tab.keyboard.press("Enter")
    await expect(component.get_by_role("table")).to_have_count(2)
    await tab.keyboard.press("Tab")  # a long schedule can be scrolled with the keyboard
    assert await component.evaluate("e => e.shadowRoot.activeElement.className") == "long"
    await tab.keyboard.press("Shift+Tab")
    await tab.keyboard.press("Enter")
    await expect(component.get_by_role("table")).to_have_count(0)


async def test_the_schedule_has_accessible_names_and_headers(shop, tab):
    offers(shop, deferral())
    component = await open_component(tab, shop)
    await component.locator("summary").click()
    group = component.get_by_role("group", name="Pay in instalments")
    table = group.get_by_role("table", name="What is paid when: 3 × €53.34")
    await expect(table.get_by_role("columnheader")).to_have_text(["Due", "To pay"])
    row = table.get_by_role("row").nth(1)
    await expect(row.get_by_role("rowheader")).to_have_text("Nov 26, 2026 with the order")
    await expect(row.get_by_role("cell")).to_have_text("€53.33")


async def test_the_request_carries_the_cart_attributes_set_by_the_shop(shop, tab):
    offers(shop, deferral())
    component = await open_component(
        tab, shop, country="IT", categories="shoes, bags for travel,", amount_minor=12345
    )
    await view_is(component, "ready")
    request = asked(shop).request
    assert (request.amount_minor, request.currency, request.country) == (123_45, "EUR", "IT")
    assert list(request.categories) == ["shoes", "bags for travel"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("deferral", [deferral()]),
        ("credit", [credit()]),
        ("several", [deferral(), credit(payments=14)]),
        ("threshold", [too_small()]),
    ],
)
async def test_every_state_is_accessible(shop, tab, name, found):
    offers(shop, *found)
    component = await open_component(tab, shop, show_threshold="")
    await expect(component.locator(".panel")).to_be_visible()
    for opened in (False, True):
        if opened and name != "threshold":
            await component.locator("summary").click()
        await check(tab, f"instalments-{name}-{'open' if opened else 'closed'}")
        await tab.set_viewport_size({"width": 320, "height": 640})  # 1280 pixels at 400% zoom
        assert await tab.evaluate(OVERFLOW) <= 0


async def test_amounts_and_dates_read_left_to_right_on_a_right_to_left_page(shop, tab):
    offers(shop, deferral(), credit("it", payments=14))
    component = await open_component(tab, shop, "it")
    await tab.evaluate("document.documentElement.dir = 'rtl'")
    await component.locator("summary").click()
    async for manner in looks(tab, "instalments-rtl"):
        assert await faults(tab) == [], manner
    await expect(component.locator("time bdi")).to_have_count(3 + 14)
    assert await component.locator("bdi").evaluate_all(FROM_LEFT_TO_RIGHT)


async def test_both_elements_work_on_another_origin_with_the_strictest_csp(page, shop):
    offers(shop, deferral())
    origins = set()
    page.on("request", lambda request: origins.add("/".join(request.url.split("/")[:3])))
    body = (
        f'<incasso-one-click publishable-key="{PUBLISHABLE}" session-id="ocs_1"></incasso-one-click>'
        f'<incasso-instalments publishable-key="{PUBLISHABLE}" amount-minor="16000" currency="EUR">'
        "</incasso-instalments>"
    )
    async with storefront(shop, body) as address:
        await page.goto(address)
        await expect(page.locator("incasso-instalments .label")).to_contain_text("or 3 × €53.34")
        await expect(page.locator("incasso-one-click")).to_have_attribute("data-view", "noCard")
        assert page.complaints == []
        assert {one for one in origins if one.startswith("http")} == {shop.url, address.rstrip("/")}
        await page.goto("about:blank")
