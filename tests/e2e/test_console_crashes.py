"""The console is killed in the middle of a refund: submitting the same form again refunds only once."""

import asyncio
import signal

import aiohttp
import pytest

from incasso.merchants.v1 import sessions_pb2
from stack.payer import Payer
from tests.e2e.consoles import PASSWORD, colleague, started_console
from tests.waiting import until

AMOUNT = "12.50"


@pytest.fixture
async def console(stack):
    async with started_console(stack) as running:
        yield running


@pytest.fixture
async def clerk(stack, console, merchant):
    """A member with the finance role, signed in, in a browser without scripts."""
    email = await colleague(stack, merchant, sessions_pb2.ROLE_FINANCE)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        browser = Payer(http, stack.sandbox_url)
        page = await browser.open(f"{console.url}/sign-in")
        await browser.submit(page, page.form("/sign-in"), email=email, password=PASSWORD)
        yield browser


async def entries_of(clerk, console, paid):
    """The audit log of the payment, as a page."""
    return (await clerk.open(f"{console.url}/audit?subject_id={paid['id']}")).html


async def test_a_console_killed_during_a_refund_refunds_once(
    shop, set_faults, struck, booked, console, clerk
):
    paid = (await shop.one_click(await shop.customer("tok_visa"), 12900)).expect(201)
    page = await clerk.open(f"{console.url}/payments/{paid['id']}/refund")
    form = page.form("/refund")
    await set_faults({"operation": "refund", "kind": "latency", "seconds": 5, "times": 1})
    sending = asyncio.ensure_future(clerk.submit(page, form, amount=AMOUNT))
    await struck()
    await console.end(signal.SIGKILL)
    with pytest.raises(aiohttp.ClientError):
        await sending
    await console.start()
    assert "Not known" in await entries_of(clerk, console, paid)

    async def done():
        """Resubmitted, the form is refused because its key is in use, until the refund is made."""
        answer = await clerk.submit(page, form, amount=AMOUNT)
        if answer.url.endswith("notice=refunded"):
            return True
        assert answer.form("/refund").fields["key"] == form.fields["key"]
        return False

    await until(done, every_seconds=0.5)
    found = await shop.get(f"/v1/payments/{paid['id']}")
    assert [one["amount_minor"] for one in found["refunds"]] == [1250]
    assert sum(row["refunded_minor"] for row in await booked(paid)) == 1250
    log = await entries_of(clerk, console, paid)
    assert log.count("<code>payments.RefundPayment</code>") == 1
    assert "Done" in log
    assert "Not known" not in log
