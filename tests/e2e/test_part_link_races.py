"""A missed part's link is paid at the same moment as its card is charged again: according to the PSP's
books the part is paid once, and nothing stays in progress.
"""

import asyncio
from dataclasses import dataclass

import pytest

from stack.instalment_journeys import later, parts_in, replace_card, signed
from tests.e2e.conftest import RECOVERED_WITHIN_SECONDS, address, open_shop
from tests.waiting import until

VISA = "4242424242424242"
PART_MINOR = 5_333
PARTS = 2  # raced at once
DAYS = 16  # until the second part is due
ORDERS = ("link", "retry", "neither")
OVER = {"captured", "declined", "cancelled"}
TRIED = {"succeeded", "declined", "cancelled"}


@dataclass(frozen=True)
class Missed:
    """A plan whose second part was missed, the part's link, and a card that works."""

    plan_id: str
    order: str
    link: dict[str, str]
    card_id: str


@pytest.fixture(scope="module")
async def opened(stack):
    """A separate merchant, because its clock is advanced."""
    async with open_shop(stack, "Races") as pair:
        yield pair


@pytest.fixture(scope="module")
async def missed(opened):
    """PARTS missed parts for each order of events, all created in one go since they share a due date."""
    shop, _ = opened
    count = PARTS * len(ORDERS)
    plans = await asyncio.gather(*(with_empty_card(shop) for _ in range(count)))
    await later(shop, days=DAYS)
    found = iter(await asyncio.gather(*(missed_part(shop, plan) for plan in plans)))
    return {order: [next(found) for _ in range(PARTS)] for order in ORDERS}


async def with_empty_card(shop):
    customer = await shop.customer("tok_visa", email=address())
    plan = (await signed(shop, customer, 16_000)).expect(200)
    await replace_card(shop, plan, "tok_insufficient_funds")
    return plan


async def missed_part(shop, plan):
    order = plan["order_reference"]

    async def link():
        """its link is made"""
        found = await shop.get(f"/v1/payment-links?order_reference={order}")
        return next((one for one in found["data"] if "url" in one), None)

    await parts_in(shop, plan["id"], paid=1, missed=1)
    card = await shop.attach(plan["customer_id"], "tok_visa", "sandbox-a")
    return Missed(plan["id"], order, await until(link, every_seconds=0.1), card["id"])


async def retry(shop, part):
    """Attaches another card, which the worker charges at once for the missed part."""
    path = f"/v1/instalment-plans/{part.plan_id}/instrument"
    (await shop.call("PUT", path, {"instrument_id": part.card_id})).expect(200)


async def at_rest(shop, part):
    """The plan and its order's payments, once the part is paid and nothing is in progress."""

    async def found():
        plan = await shop.get(f"/v1/instalment-plans/{part.plan_id}")
        payments = (await shop.get(f"/v1/payments?order_reference={part.order}"))["data"]
        tries = (await shop.get(f"/v1/payment-links/{part.link['id']}/payments"))["data"]
        link = await shop.get(f"/v1/payment-links/{part.link['id']}")
        rests = {one["state"] for one in payments} <= OVER and {t["state"] for t in tries} <= TRIED
        ended = link["state"] in {"paid", "cancelled"}
        is_paid = plan["instalments"][1]["state"] == "paid"
        return (plan, payments) if is_paid and rests and ended else None

    return await until(found, within_seconds=RECOVERED_WITHIN_SECONDS, every_seconds=0.1)


@pytest.mark.parametrize("first", ORDERS)
async def test_a_concurrent_link_and_retry_pay_an_instalment_once(
    shop, payer, missed, set_faults, struck, first
):
    parts = missed[first]
    pages = [await payer.open(part.link["url"]) for part in parts]

    async def pay_links():
        shown = await asyncio.gather(*(payer.pay(page, VISA) for page in pages))
        assert {page.status for page in shown} <= {200, 503}  # 503: try again, it may be paid

    async def retry_cards():
        await asyncio.gather(*(retry(shop, part) for part in parts))

    both = [pay_links, retry_cards] if first == "link" else [retry_cards, pay_links]
    if first == "neither":
        await asyncio.gather(*(act() for act in both))
    else:
        latency = {"operation": "charge", "kind": "latency", "seconds": 2, "times": PARTS}
        await set_faults(latency)
        acting = asyncio.ensure_future(both[0]())
        await struck()  # the PSP is processing the first when the second begins
        await both[1]()
        await acting
    for part in parts:
        plan, payments = await at_rest(shop, part)
        captured = {one["id"] for one in payments if one["state"] == "captured"}
        assert {one["payment_id"] for one in plan["instalments"][:2]} == captured
        rows = [row for row in (await shop.books()).values() if row["reference"] == part.order]
        kept = [(row["captured_minor"], row["refunded_minor"]) for row in rows]
        assert [one for one in kept if one != (0, 0)] == [(PART_MINOR, 0)] * 2
        assert plan["paid_minor"] == 2 * PART_MINOR
        second = plan["instalments"][1]
        assert second["paid_at"] > second["missed_at"]
