"""Card testing on the real stack: a flood of declined cards is bounded, genuine shoppers pay."""

import asyncio

from tests.e2e.conftest import open_shop
from tests.e2e.test_links import DECLINED

FLOOD = 60


async def test_a_flooded_link_closes_to_new_cards_and_a_saved_one_still_pays(stack, payer):
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


async def test_one_address_cannot_try_card_after_card_over_many_links(stack, payer):
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
