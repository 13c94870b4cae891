"""Card testing on the real stack: a flood of declined cards is bounded, genuine shoppers pay."""

import asyncio

from stack.shop import Shop
from tests.e2e.conftest import open_shop
from tests.e2e.test_links import DECLINED

FLOOD = 40


async def test_a_link_under_card_testing_refuses_new_cards_but_takes_a_saved_one(stack, payer):
    async with open_shop(stack, "Flooded") as (shop, _):
        customer = await shop.customer("tok_visa")
        link = (await shop.link(3_000, customer_id=customer)).expect(201)
        for page in [await payer.open(link["url"]) for _ in range(12)]:
            last = await payer.pay(page, DECLINED)
        assert "Too many cards were declined lately" in last.html
        listed = (await shop.get(f"/v1/payments?order_reference={link['order_reference']}"))["data"]
        assert [payment["state"] for payment in listed] == ["declined"] * 10
        closed = await payer.open(link["url"])
        assert "no new one is taken for now" in closed.html
        paid = await payer.submit(closed, closed.form("/pay", having="instrument_id"))
        assert paid.view == "paid"
        events = (await shop.get("/v1/events?type=card_testing.suspected"))["data"]
        assert [(event["data"]["kind"], event["data"]["reference"]) for event in events] == [
            ("link", link["id"])
        ]


async def test_declines_from_one_address_are_capped_across_links(stack, payer):
    async with open_shop(stack, "Swept") as (shop, _):
        links = [(await shop.link(100)).expect(201) for _ in range(FLOOD)]

        async def attempt(link):
            return await payer.pay(await payer.open(link["url"]), DECLINED)

        for n in range(0, FLOOD, 5):
            await asyncio.gather(*(attempt(link) for link in links[n : n + 5]))
        declined = (await shop.get("/v1/payments?state=declined&limit=100"))["data"]
        assert 20 <= len(declined) <= 25
        customer = await shop.customer("tok_visa")
        assert (await shop.one_click(customer, 100)).expect(201)["state"] == "captured"
        assert (await payer.open(links[-1]["url"])).view == "open"


async def test_one_click_declines_from_one_browser_address_are_capped(stack):
    async with open_shop(stack, "Clicked") as (shop, merchant):
        browser = Shop(
            shop.http, shop.url, merchant.publishable_key, shop.sandbox_url, shop.localstripe_url
        )

        async def click(token, *, at=browser):
            order = {
                "customer_id": await shop.customer(token),
                "amount": {"amount_minor": 100, "currency": "EUR"},
                "order_reference": shop.next_order(),
            }
            session = (await shop.call("POST", "/v1/one-click-sessions", order)).expect(201)
            path = f"/v1/one-click-sessions/{session['id']}/pay"
            return await at.call("POST", path, {}, client_secret=session["client_secret"])

        clicks = [await click("tok_stolen") for _ in range(22)]
        assert [each.status for each in clicks] == [200] * 20 + [409] * 2
        assert clicks[-1].body["code"] == "too_many_declines"
        assert (await click("tok_visa")).status == 409  # any click from that address
        assert (await click("tok_visa", at=shop)).expect(200)["state"] == "paid"
        events = (await shop.get("/v1/events?type=card_testing.suspected"))["data"]
        assert [event["data"]["kind"] for event in events] == ["clicking_address"]
