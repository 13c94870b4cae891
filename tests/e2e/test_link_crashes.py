"""paylink or payments is killed while several people pay one link, or the PSP's answer is lost.

The sandbox waits, or books without answering, or a process is frozen; once the call has reached it, SIGKILL.
Afterwards there is one charge, the link is paid, and shopper and merchant are notified once.
"""

import asyncio
import signal
from collections import Counter

import pytest

from tests.e2e.conftest import RECOVERED_WITHIN_SECONDS, address, mailed, until_back

VISA, LOST_ANSWER, PENDING = "4242424242424242", "4000000000000341", "4000000000000077"
AMOUNT_MINOR = 5_500
PAYERS = 4
BOOKED = "after the PSP booked it"
MOMENTS = {
    "before the PSP has it": {"kind": "timeout_before", "seconds": 5},
    "while the PSP works": {"kind": "latency", "seconds": 5},
    BOOKED: {"kind": "timeout_after", "seconds": 5},
}
# Views that a shopper may see while paying in the middle of it; "" is the busy page.
HONEST = {"processing", "paid", ""}


@pytest.fixture(autouse=True)
async def recovered_from_the_last_test(shop, payer):
    """Waits until a link can be created and its page offers payment by card."""

    async def offers_cards():
        link = (await shop.link(100)).expect(201)
        return (await payer.open(link["url"])).form("/pay", having="card_token")

    await until_back(offers_cards)


@pytest.fixture
async def link(shop):
    """A link whose mail has arrived, since sending it needs paylink."""
    made = (await shop.link(AMOUNT_MINOR, **mailed(address()))).expect(201)
    await shop.inbox(made["recipient"]["email"])
    return made


@pytest.fixture
async def crowd(payer, link):
    """`crowd()` pays from all pages at once; they were opened before."""
    pages = [await payer.open(link["url"]) for _ in range(PAYERS)]
    return lambda: asyncio.gather(*(payer.pay(page, VISA) for page in pages))


async def payments_of(shop, link):
    return (await shop.get(f"/v1/payments?order_reference={link['order_reference']}"))["data"]


async def rows_of(shop, link):
    """The link's rows in the sandbox's books."""
    wanted = {link["order_reference"], *(one["id"] for one in await payments_of(shop, link))}
    return [row for row in (await shop.books()).values() if row["reference"] in wanted]


async def paid(shop, link):
    async def is_paid():
        """the link is paid"""
        found = await shop.get(f"/v1/payment-links/{link['id']}")
        return found if found["state"] == "paid" else None

    return await until_back(is_paid, within_seconds=RECOVERED_WITHIN_SECONDS)


async def booked(shop, link):
    async def is_booked():
        """the sandbox has booked the charge"""
        return [row for row in await rows_of(shop, link) if row["captured_minor"]]

    return await until_back(is_booked)


async def expect_paid_once(shop, payer, link, caught_up):
    """Checks the sandbox's books, payments, paylink, the page, mails and events."""
    found = await paid(shop, link)

    async def is_back():
        """payments, which was killed or has just notified paylink, is back"""
        return await payments_of(shop, link)

    await until_back(is_back)
    assert (found["paid_minor"], found.get("surplus_minor", 0)) == (AMOUNT_MINOR, 0)
    rows = await rows_of(shop, link)
    assert [row["captured_minor"] for row in rows] == [AMOUNT_MINOR]
    assert [one["state"] for one in await payments_of(shop, link)] == ["captured"]
    tries = (await shop.get(f"/v1/payment-links/{link['id']}/payments"))["data"]
    assert [one["state"] for one in tries] == ["succeeded"]
    assert (await payer.open(link["url"])).view == "paid"
    await shop.inbox(link["recipient"]["email"], count=2)
    await caught_up()
    messages = (await shop.get(f"/v1/messages?payment_link_id={link['id']}"))["data"]
    assert Counter(message["kind"] for message in messages) == {"link": 1, "receipt": 1}
    assert len(await shop.inbox(link["recipient"]["email"])) == 2
    published = (await shop.get("/v1/events?type=payment_link.paid&limit=100"))["data"]
    assert sum(event["data"]["payment_link"]["id"] == link["id"] for event in published) == 1


def expect_honest(pages):
    assert {page.status for page in pages} <= {200, 503}
    assert {page.view for page in pages} <= HONEST


@pytest.mark.parametrize("killed", ["paylink", "payments"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_kill_during_the_psp_call_leaves_one_charge_and_a_paid_link(
    stack, shop, payer, set_faults, struck, caught_up, link, crowd, killed, moment
):
    await set_faults({"operation": "charge", "times": 1, **MOMENTS[moment]})
    paying = asyncio.ensure_future(crowd())
    await struck()
    if moment == BOOKED:
        await booked(shop, link)
    stack.kill(killed)
    expect_honest(await paying)
    await expect_paid_once(shop, payer, link, caught_up)


async def test_paylink_killed_before_payments_gets_the_charge_pays_the_link_once(
    stack, shop, payer, caught_up, link, crowd
):
    stack.kill("payments", signal.SIGSTOP)
    try:
        paying = asyncio.ensure_future(crowd())
        await shop.link_in(link["id"], "paying")  # and cannot end while payments is frozen
        stack.kill("paylink")
    finally:
        stack.kill("payments", signal.SIGCONT)
    expect_honest(await paying)
    await expect_paid_once(shop, payer, link, caught_up)


async def test_paylink_killed_before_it_reads_payments_reply_pays_the_link_once(
    stack, shop, payer, set_faults, struck, caught_up, link, crowd
):
    await set_faults({"operation": "charge", "times": 1, "kind": "latency", "seconds": 5})
    paying = asyncio.ensure_future(crowd())
    await struck()
    stack.kill("paylink", signal.SIGSTOP)

    async def is_captured():
        """payments has captured"""
        return [one for one in await payments_of(shop, link) if one["state"] == "captured"]

    try:
        await until_back(is_captured)
    finally:
        stack.kill("paylink")
    expect_honest(await paying)
    await expect_paid_once(shop, payer, link, caught_up)


async def test_killing_paylink_and_payments_leaves_one_charge_and_a_paid_link(
    stack, shop, payer, set_faults, struck, caught_up, link, crowd
):
    await set_faults({"operation": "charge", "times": 1, "kind": "latency", "seconds": 5})
    paying = asyncio.ensure_future(crowd())
    await struck()
    stack.kill("paylink")
    stack.kill("payments")
    expect_honest(await paying)
    await expect_paid_once(shop, payer, link, caught_up)


async def test_a_lost_psp_response_is_shown_as_processing_and_is_paid_once(
    shop, payer, set_faults, caught_up, link
):
    await set_faults(
        {"operation": "lookup", "kind": "error_before", "times": 2},
        {"operation": "webhook", "kind": "delay", "seconds": 8},
    )
    page = await payer.pay(await payer.open(link["url"]), LOST_ANSWER)
    assert page.view == "processing"
    other = await payer.open(link["url"])
    assert other.view == "processing"
    assert not [form for form in other.forms if form.action.endswith("/pay")]
    assert (await shop.get(f"/v1/payment-links/{link['id']}"))["state"] in ("paying", "paid")
    await expect_paid_once(shop, payer, link, caught_up)


async def test_a_pending_charge_is_shown_as_pending_and_is_paid_once(shop, payer, caught_up, link):
    page = await payer.pay(await payer.open(link["url"]), PENDING)
    assert page.view == "pending"
    assert (await payer.open(link["url"])).view == "pending"
    (row,) = await rows_of(shop, link)
    async with shop.http.post(
        f"{shop.sandbox_url}/control/charges/{row['id']}/settle", json={"outcome": "approved"}
    ) as answer:
        assert answer.status == 200, await answer.text()
    await expect_paid_once(shop, payer, link, caught_up)
