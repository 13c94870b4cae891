"""One order, one payment, across all methods on the real stack, checked against the PSP's books."""

import asyncio

import pytest

from tests.e2e.conftest import open_shop
from tests.e2e.test_links import VISA


@pytest.fixture
def paid_of(shop):
    """An order's payments that took money, and the captured amount in the PSP's books."""

    async def find(order):
        listed = (await shop.get(f"/v1/payments?order_reference={order}"))["data"]
        taken = [payment for payment in listed if payment["captured_minor"]]
        known = {order, *(payment["id"] for payment in listed)}
        rows = [row for row in (await shop.books()).values() if row["reference"] in known]
        return taken, sum(row["captured_minor"] for row in rows)

    return find


async def test_three_clicks_with_different_keys_make_one_capture_per_order(shop, paid_of):
    customer, order = await shop.customer("tok_visa"), shop.next_order()
    first, second = await asyncio.gather(
        *(shop.one_click(customer, 7_700, order_reference=order) for _ in range(2))
    )
    made, refused = sorted((first, second), key=lambda answer: answer.status)
    third = await shop.one_click(customer, 7_700, order_reference=order)
    assert (made.status, refused.status, third.status) == (201, 409, 409)
    assert refused.body["code"] == third.body["code"] == "order_already_paid"
    assert refused.body["payment_id"] == third.body["payment_id"] == made.body["id"]
    assert third.body["payment_state"] == "captured"
    taken, booked_minor = await paid_of(order)
    assert ([payment["id"] for payment in taken], booked_minor) == ([made.body["id"]], 7_700)


async def test_a_concurrent_click_and_two_links_make_one_capture_per_order(
    shop, payer, webhooks, paid_of
):
    customer, order = await shop.customer("tok_visa"), shop.next_order()
    links = [(await shop.link(7_700, order_reference=order)).expect(201) for _ in range(2)]
    pages = [await payer.open(link["url"]) for link in links]
    click, *answers = await asyncio.gather(
        shop.one_click(customer, 7_700, order_reference=order),
        *(payer.pay(page, VISA) for page in pages),
    )
    assert click.status in (201, 409)
    reasons = "order had been paid already", "payment of this order is under way"
    refused = [page for page in answers if any(text in page.html for text in reasons)]
    paid = [page for page in answers if page.view == "paid"]
    assert len(paid) + len(refused) == 2
    assert len(paid) == (0 if click.status == 201 else 1)
    taken, booked_minor = await paid_of(order)
    assert (len(taken), booked_minor) == (1, 7_700)

    def wanted(event):
        about = event["data"].get("payment", {})
        return event["type"] == "payment.duplicate_found" and about.get("order_reference") == order

    event = await webhooks.wait_for(wanted)
    assert event["data"]["payment"]["id"] == taken[0]["id"]
    assert event["data"]["duplicate_orders"] == "refuse"
    assert "duplicate" not in event["data"]
    # The links are unchanged: the shopper may pay again after the refund.
    refund = f"/v1/payments/{taken[0]['id']}/refund"
    (await shop.call("POST", refund, {})).expect(200)
    left = next(page for page in refused)
    assert (await payer.pay(left, VISA)).view == "paid"


async def test_an_order_with_a_paid_deposit_takes_its_balance_but_not_the_full_price(shop, payer):
    order = shop.next_order()
    deposit = {"amount_minor": 2_000, "currency": "EUR"}
    link = (await shop.link(9_000, order_reference=order, deposit=deposit)).expect(201)
    assert (await payer.pay(await payer.open(link["url"]), VISA)).view == "paid"
    customer = await shop.customer("tok_visa")
    whole = await shop.one_click(customer, 9_000, order_reference=order)
    assert (whole.status, whole.body["code"]) == (409, "order_already_paid")
    balance = await shop.call("POST", f"/v1/payment-links/{link['id']}/balance-link", {})
    page = await payer.open(balance.expect(201)["url"])
    assert (await payer.pay(page, VISA)).view == "paid"
    listed = (await shop.get(f"/v1/payments?order_reference={order}"))["data"]
    assert [payment["order_part"] for payment in listed] == ["balance", "deposit"]


async def test_the_payment_policy_can_flag_or_allow_duplicate_orders(stack):
    async with open_shop(stack, "Repeats") as (shop, _):
        customer = await shop.customer("tok_visa")
        assert await shop.get("/v1/payment-policy") == {"duplicate_orders": "refuse"}
        for policy, marked in (("flag", True), ("allow", False)):
            body = {"duplicate_orders": policy}
            assert (await shop.call("PUT", "/v1/payment-policy", body)).expect(200) == body
            first = (await shop.one_click(customer, 100, order_reference=policy)).expect(201)
            second = (await shop.one_click(customer, 100, order_reference=policy)).expect(201)
            assert second.get("duplicate_of") == (first["id"] if marked else None)
