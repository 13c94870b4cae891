"""The console's pages in a real browser: accessible, narrow and wide, light and dark, by keyboard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect

from incasso.reporting.v1 import reconciliation_pb2, reports_pb2
from tests.browser import AXE, DESK, check, needs_chromium, opened_page
from tests.services.console.cod_samples import LINE_ID, ORDER_ID, REMITTANCE_ID
from tests.services.console.conftest import TOKEN, Console
from tests.services.console.plan_samples import PLAN_ID
from tests.services.console.report_samples import CONTENT_HASH, IMPORT_ID, REPORT, RUN_ID, run
from tests.services.console.samples import (
    CART_ID,
    COURIER_ID,
    ENDPOINT_ID,
    EXCEPTION_ID,
    KEY_ID,
    LINK_ID,
    PAYMENT_ID,
    PRODUCT_ID,
    TERMS_ID,
    exception,
)

pytestmark = needs_chromium
PATHS = {
    "overview": "/",
    "payments": "/payments",
    "payments-narrowed": "/payments?last4=4242&amount=lots",
    "payments-viewed": "/payments?state=captured&last4=4242",
    "views": "/views",
    "payment": f"/payments/{PAYMENT_ID}",
    "refund": f"/payments/{PAYMENT_ID}/refund",
    "links": "/links",
    "link": f"/links/{LINK_ID}",
    "link-new": "/links/new",
    "quote-new": "/links/quotes/new",
    "products": "/links/products",
    "product": f"/links/products/{PRODUCT_ID}",
    "shop": "/links/shop",
    "carts": "/links/carts",
    "cart": f"/links/carts/{CART_ID}",
    "reconciliation": "/reconciliation",
    "exception": f"/reconciliation/exceptions/{EXCEPTION_ID}",
    "imports": "/reconciliation/imports",
    "plans": "/instalments",
    "reviews": "/instalments/reviews",
    "plan": f"/instalments/{PLAN_ID}",
    "plan-withdraw": f"/instalments/{PLAN_ID}/withdraw",
    "plan-settle": f"/instalments/{PLAN_ID}/settle",
    "cod": "/cod",
    "cod-order": f"/cod/orders/{ORDER_ID}",
    "cod-ageing": "/cod/ageing",
    "remittances": "/cod/remittances",
    "remittance": f"/cod/remittances/{REMITTANCE_ID}?line={LINE_ID}",
    "cash-refunds": "/cod/refunds",
    "entries": "/entries?order_reference=A-1001",
    "import-under-way": f"/reconciliation/imports/under-way/{CONTENT_HASH}",
    "import": f"/reconciliation/imports/{IMPORT_ID}",
    "reports": "/reports",
    "report": f"/reports/{REPORT}",
    "report-run": f"/reports/runs/{RUN_ID}",
    "months": "/months",
    "team": "/team",
    "audit": "/audit",
    "search": "/search?q=A-1001",
    "merchants": "/merchants",
    "sessions": "/sessions",
    "prove": "/prove",
    "missing": "/nothing",
    "settings": "/settings",
    "branding": "/settings/branding",
    "company": "/settings/company",
    "bank-account": "/settings/bank-account",
    "routing": "/settings/routing",
    "routing-rule": "/settings/routing/rules/1",
    "terms": "/settings/terms",
    "terms-new": "/settings/terms/new",
    "terms-one": f"/settings/terms/{TERMS_ID}",
    "couriers": "/settings/couriers",
    "courier-files": f"/settings/couriers/{COURIER_ID}/files",
    "lender": "/settings/lender",
    "cash-settings": "/settings/cash",
    "courier": f"/settings/couriers/{COURIER_ID}",
    "plan-limits": "/settings/plan",
    "keys": "/settings/keys",
    "key-new": "/settings/keys/new",
    "key-rotate": f"/settings/keys/{KEY_ID}/rotate",
    "webhooks": "/settings/webhooks",
    "webhook-new": "/settings/webhooks/new",
    "webhook": f"/settings/webhooks/{ENDPOINT_ID}",
}


@asynccontextmanager
async def opened(
    browser: Browser, console: Console, *, signed_in: bool = True
) -> AsyncIterator[Page]:
    complaints: list[str] = []
    viewport = {"width": DESK[0], "height": DESK[1]}
    async with opened_page(browser, viewport=viewport) as page:
        if signed_in:
            cookie = {"name": "incasso-session", "value": TOKEN, "url": console.url}
            await page.context.add_cookies([cookie])
        page.on(
            "console", lambda message: message.type == "error" and complaints.append(message.text)
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert [one for one in complaints if "404" not in one] == []


async def test_every_page_is_accessible_in_every_look(browser: Browser, console: Console):
    async with opened(browser, console) as page:
        await page.add_init_script(AXE)  # compiled once
        for name, path in PATHS.items():
            await page.goto(console.url + path)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await check(page, f"console-{name}")


async def test_a_quote_is_previewed_and_then_sent(browser: Browser, console: Console):
    async with opened(browser, console) as page:
        await page.goto(console.url + "/links/quotes/new")
        await page.get_by_label("Item 1").fill("Kitchen")
        await page.get_by_label("Unit price 1").fill("1000")
        await page.get_by_label("VAT % 1").fill("22")
        await page.get_by_label("Title").fill("Quote 118")
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("region", name="Quote 118")).to_contain_text(
            "VAT 22%: €180.33"
        )
        await check(page, "console-quote-preview")
        await page.get_by_role("button", name="Create and send").click()
        await expect(page.get_by_role("status")).to_be_visible()
    assert console.services.last("CreatePaymentLink").request.amount.amount_minor == 100_000


async def test_a_filtered_list_is_saved_as_a_view(browser: Browser, console: Console):
    async with opened(browser, console) as page:
        await page.goto(console.url + "/payments?state=refunded")
        await page.get_by_text("Save this view").click()
        await page.get_by_label("Name of the view").fill("Refunded")
        await page.get_by_label("Everyone sees it").check()
        await check(page, "console-view-new")
        await page.get_by_role("button", name="Save the view").click()
        await expect(page.get_by_role("status")).to_contain_text("The view is saved")
        await page.goto(console.url + "/views")
        await page.get_by_text("Change Paid with Visa").click()
        await check(page, "console-view-changed")
    asked = console.services.last("SaveView").request
    assert (asked.name, asked.query, asked.shared) == ("Refunded", "state=refunded", True)


async def test_the_sign_in_page_is_accessible(browser: Browser, console: Console):
    async with opened(browser, console, signed_in=False) as page:
        await page.goto(console.url + "/sign-in")
        await check(page, "console-sign-in")


async def test_keyboard_shortcuts_reach_the_rows_and_the_search(browser: Browser, console: Console):
    async with opened(browser, console) as page:
        await page.goto(console.url + "/payments")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await expect(page.locator("[data-row]").nth(1).get_by_role("link")).to_be_focused()
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("A-1001")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{console.url}/search?q=A-1001")


async def test_a_suggestion_is_confirmed_by_keyboard(browser: Browser, console: Console):
    one = exception(suggestions=["pyo_1"])
    answer = reconciliation_pb2.ListExceptionsResponse(data=[one])
    console.services.answers["ListExceptions"] = answer
    async with opened(browser, console) as page:
        await page.goto(console.url + "/reconciliation")
        await page.keyboard.press("j")
        await page.keyboard.press("c")
        await expect(page.get_by_role("status")).to_have_text("The exception is resolved.")
    asked = console.services.last("ResolveException").request
    assert list(asked.item_ids) == ["pyo_1"]
    assert asked.resolved_as == reconciliation_pb2.EXCEPTION_RESOLUTION_MATCHED


async def test_a_month_is_closed_after_ticking_the_box(browser: Browser, console: Console):
    async with opened(browser, console) as page:
        await page.goto(console.url + "/months")
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Close the month").click()
        await expect(page.get_by_role("status")).to_have_text("The month is closed.")
    assert console.services.last("ClosePeriod").request.month == "2026-10"


async def test_a_running_report_updates_to_its_download(browser: Browser, console: Console):
    def answer(state: int) -> reports_pb2.GetReportRunResponse:
        return reports_pb2.GetReportRunResponse(run=run(state))

    console.services.answers["GetReportRun"] = answer(reports_pb2.ReportRun.STATE_RUNNING)
    async with opened(browser, console) as page:
        await page.goto(f"{console.url}/reports/runs/{RUN_ID}")
        await expect(page.get_by_role("link", name="Look again")).to_be_visible()
        console.services.answers["GetReportRun"] = answer(reports_pb2.ReportRun.STATE_DONE)
        await expect(page.get_by_role("link", name="Download")).to_be_visible()
