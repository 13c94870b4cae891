"""Console journeys on the whole stack, in a real browser: a payment is refunded, a colleague may not refund."""

import json
import re
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from playwright.async_api import expect

from incasso.merchants.v1 import sessions_pb2
from tests.browser import needs_chromium, opened_page
from tests.e2e.conftest import open_shop
from tests.e2e.consoles import PASSWORD, colleague, started_console
from tests.waiting import HANGING_SECONDS, until

pytestmark = needs_chromium
INVITATION = re.compile(r"http://[^\s\"\\<]+/invitations/[A-Za-z0-9_-]+")


@pytest.fixture(scope="module")
async def console(stack):
    """The console's URL."""
    async with started_console(stack) as running:
        yield running.url


@asynccontextmanager
async def signed_in(browser, console, email):
    async with opened_page(browser, locale="en-GB") as page:
        await page.goto(f"{console}/payments")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{console}/payments")
        yield page


@pytest.fixture(scope="module")
async def paid(opened):
    """A payment of 129.00."""
    shop, _ = opened
    customer = await shop.customer("tok_visa")
    return (await shop.one_click(customer, 12900)).expect(201)


async def test_a_refund_in_the_console_is_recorded_in_the_audit_log(
    stack, console, browser, shop, merchant, paid
):
    owner = await colleague(stack, merchant, sessions_pb2.ROLE_OWNER)
    async with signed_in(browser, console, owner) as page:
        await page.get_by_role("link", name=paid["order_reference"]).click()
        await page.get_by_role("link", name="Refund").click()
        await page.get_by_label("Amount").fill("12,50")
        await page.get_by_role("button", name="Refund", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("on its way")
        await page.get_by_role("link", name="Audit log").click()
        entry = page.get_by_role("row").filter(has_text="Refund a payment").first
        await expect(entry).to_contain_text("Done")
        await expect(entry).to_contain_text(paid["id"])

    async def given_back():
        return (await shop.get(f"/v1/payments/{paid['id']}"))["refunded_minor"] == 1250

    await until(given_back, every_seconds=0.1)


async def test_a_viewer_sees_a_payment_but_cannot_refund_it(
    stack, console, browser, merchant, paid
):
    viewer = await colleague(stack, merchant, sessions_pb2.ROLE_VIEWER)
    async with signed_in(browser, console, viewer) as page:
        await page.get_by_role("link", name=paid["order_reference"]).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(paid["order_reference"])
        await expect(page.get_by_role("link", name="Refund")).to_have_count(0)
        answer = await page.goto(f"{console}/payments/{paid['id']}/refund")
        assert answer.status == 403


async def test_a_link_is_created_and_sent_on_a_phone_screen(
    stack, console, browser, shop, merchant
):
    operator = await colleague(stack, merchant, sessions_pb2.ROLE_OPERATOR)
    address = f"{uuid4().hex[:8]}@example.com"
    async with signed_in(browser, console, operator) as page:
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(f"{console}/links/new")
        await page.get_by_label("Amount").fill("49,90")
        await page.get_by_label("E-mail or mobile number").fill(address)
        await page.get_by_label("What for").fill("Due tazze")
        await page.get_by_role("button", name="Create and send").click()
        await expect(page.get_by_role("status")).to_contain_text("on its way")
    assert await shop.inbox(address, within_seconds=HANGING_SECONDS)


async def invitation_of(shop, email):
    """The invitation URL in the e-mail."""
    (letter, *_) = await shop.inbox(email, within_seconds=HANGING_SECONDS)
    found = INVITATION.search(json.dumps(letter))
    assert found is not None
    return found[0]


async def test_an_invited_viewer_can_refund_only_after_becoming_finance(
    stack, console, browser, shop, merchant, paid
):
    owner = await colleague(stack, merchant, sessions_pb2.ROLE_OWNER)
    email = f"{uuid4().hex[:8]}@bottega.example"
    async with signed_in(browser, console, owner) as page:
        await page.get_by_role("link", name="Team").click()
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Viewer").check()
        await page.get_by_role("button", name="Send invitation").click()
        await expect(page.get_by_role("status")).to_contain_text("on its way")
        invitation = await invitation_of(shop, email)
        async with opened_page(browser, locale="en-GB") as other:
            await other.goto(invitation)
            await other.get_by_label("Name").fill("Luca")
            await other.get_by_label("Password").fill(PASSWORD)
            await other.get_by_role("button", name="Join").click()
            await other.wait_for_url(f"{console}/**")
            refund = f"{console}/payments/{paid['id']}/refund"
            assert (await other.goto(refund)).status == 403
            await page.reload()
            row = page.get_by_role("row").filter(has_text=email)
            await row.get_by_role("combobox").select_option("finance")
            await row.get_by_role("button", name="Change").click()
            await expect(page.get_by_role("status")).to_contain_text("role was changed")
            assert (await other.goto(refund)).status == 200
            await row.get_by_role("button", name="Remove").click()
            await expect(page.get_by_role("status")).to_contain_text("sessions have ended")
            await other.goto(refund)
            await expect(other.get_by_role("button", name="Refund", exact=True)).to_have_count(0)


async def test_a_saved_view_is_shown_only_to_the_user_who_saved_it(
    stack, console, browser, merchant
):
    viewer = await colleague(stack, merchant, sessions_pb2.ROLE_VIEWER)
    async with signed_in(browser, console, viewer) as page:
        await page.goto(f"{console}/payments?state=captured")
        await page.get_by_text("Save this view").click()
        await page.get_by_label("Name of the view").fill("My mornings")
        await page.get_by_role("button", name="Save the view").click()
        await expect(page.get_by_role("status")).to_contain_text("The view is saved")
        await page.goto(f"{console}/payments")
        await page.get_by_role("link", name="My mornings").click()
        await page.wait_for_url(f"{console}/payments?state=captured")
    owner = await colleague(stack, merchant, sessions_pb2.ROLE_OWNER)
    async with signed_in(browser, console, owner) as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("Payments")
        await expect(page.get_by_role("link", name="My mornings")).to_have_count(0)


async def test_a_bank_account_change_is_notified_by_mail_and_can_be_cancelled(
    stack, console, browser
):
    warned = f"{uuid4().hex[:8]}@bottega.example"
    async with open_shop(stack, "Conti") as (shop, merchant):
        branding = {"branding": {"reply_to": warned}}
        (await shop.call("PATCH", "/v1/merchant", branding)).expect(200)
        account = {"holder": "Conti S.r.l.", "iban": "IT60X0542811101000000123456"}
        (await shop.call("PUT", "/v1/merchant/bank-account", account)).expect(200)
        owner = await colleague(stack, merchant, sessions_pb2.ROLE_OWNER)
        async with signed_in(browser, console, owner) as page:
            await page.goto(f"{console}/settings/bank-account")
            await page.get_by_label("Holder").fill("Conti Nuovi S.r.l.")
            await page.get_by_label("IBAN", exact=True).fill("DE89 3704 0044 0532 0130 00")
            await page.get_by_role("checkbox").check()
            await page.get_by_role("button", name="Request the change").click()
            await expect(page.get_by_role("status")).to_contain_text("waits for 48 hours")
            letters = await shop.inbox(warned, count=2, within_seconds=HANGING_SECONDS)
            assert any("3000" in json.dumps(letter) for letter in letters)  # the new IBAN
            await page.get_by_role("button", name="Cancel this change").click()
            await expect(page.get_by_role("status")).to_contain_text("is cancelled")
        left = await shop.get("/v1/merchant")
    assert left["bank_account"]["iban"] == account["iban"]
    assert "pending_bank_account" not in left
