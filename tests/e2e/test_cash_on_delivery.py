"""An order paid at the door, from the recipient's code to the courier's collection; and one with a deposit
paid online.
"""

import re
from uuid import uuid4

from stack.link_journeys import VISA
from stack.payer import Payer
from tests.e2e.conftest import open_shop
from tests.waiting import HANGING_SECONDS, until

PRICE = {"amount_minor": 5_000, "currency": "EUR"}
ROME = {"street": "Via Roma 1", "postcode": "00185", "town": "Roma", "country": "IT"}
COURIER = {
    "name": "GLS",
    "currency": "EUR",
    "cut": {"basis_points": 300, "minimum_minor": 300},
    "modes": [{"mode": "cash", "code": "CONT"}],
}


async def test_an_order_confirmed_by_code_is_collected_by_its_courier(stack):
    async with open_shop(stack, "Contrassegno") as (shop, _):
        courier = (await shop.call("POST", "/v1/couriers", COURIER)).expect(201)["id"]
        settings = {"confirmation_needed": True}
        (await shop.call("PATCH", "/v1/cod-settings", settings)).expect(200)
        phone = f"+39333{uuid4().int % 10**7:07d}"
        body = {
            "order_reference": "A-1001",
            "amount": PRICE,
            "recipient": {"name": "Giulia Bianchi", "phone": phone},
            "address": ROME,
        }
        order = (await shop.call("POST", "/v1/cod-orders", body)).expect(201)
        assert (order["state"], order["to_collect_minor"]) == ("proposed", 5_000)
        at = f"/v1/cod-orders/{order['id']}"

        (text,) = await shop.inbox(phone, within_seconds=HANGING_SECONDS)
        code = re.search(r"\b\d{6}\b", text["text"])[0]
        wrong = f"{(int(code) + 1) % 10**6:06}"
        refused = await shop.call("POST", f"{at}/confirm", {"code": wrong})
        assert (refused.status, refused.body["code"]) == (409, "cod_code_wrong")
        (page,) = re.findall(r"https?://\S+", text["text"])
        assert page == order["page_url"]
        async with shop.http.get(page) as shown:
            key = re.search(r'name="form_key" value="([^"]+)"', await shown.text())[1]
        form = {"form_key": key, "code": code}
        async with shop.http.post(f"{page}/confirm", data=form) as shown:
            assert 'data-view="cod-confirmed"' in await shown.text()
        assert (await shop.get(at))["state"] == "confirmed"
        async with shop.http.post(
            f"{page}/pay-online"
        ) as shown:  # it may still be paid at the door
            assert (shown.status, shown.url.parts[1]) == (200, "p")

        early = await shop.call("POST", f"{at}/dispatch", {})
        assert early.body["code"] == "cod_amount_not_acknowledged"
        assert early.body["to_collect_minor"] == "5000"
        parcel = {"order_reference": "A-1001", "tracking_number": "GL1", "to_collect_minor": 5_000}
        acknowledged = await shop.call(
            "POST", f"/v1/couriers/{courier}/acknowledgements", {"parcels": [parcel]}
        )
        assert acknowledged.expect(200)["data"][0]["outcome"] == "matched"
        (await shop.call("POST", f"{at}/dispatch", {})).expect(200)
        assert len(await shop.inbox(phone, count=2, within_seconds=HANGING_SECONDS)) == 2

        collected = {
            "event_id": "e-1",
            "tracking_number": "GL1",
            "kind": "collected",
            "occurred_at": order["created_at"],
            "amount_minor": 5_000,
        }
        path = f"/v1/couriers/{courier}/events"
        answer = await shop.call("POST", path, {"events": [collected, collected]})
        assert [event["outcome"] for event in answer.expect(200)["data"]] == ["applied", "applied"]
        assert (await shop.get(at))["state"] == "collected"


async def with_deposit(shop, reference):
    """An order with a deposit of 10.00 due online, and its path."""
    body = {
        "order_reference": reference,
        "amount": PRICE,
        "recipient": {"name": "Giulia Bianchi", "phone": "+393331234567"},
        "address": ROME,
    }
    order = (await shop.call("POST", "/v1/cod-orders", body)).expect(201)
    assert (order["deposit"]["state"], order["to_collect_minor"]) == ("due", 4_200)
    return order, f"/v1/cod-orders/{order['id']}"


async def deposit_is(shop, at, state):
    async def reached():
        return (await shop.get(at))["deposit"]["state"] == state

    await until(reached, within_seconds=HANGING_SECONDS)


async def test_an_online_deposit_and_the_rest_on_delivery_are_each_booked_once(stack):
    """Also checks the books of a cancelled order, whose deposit is refunded."""
    async with open_shop(stack, "Acconti") as (shop, _):
        courier = (await shop.call("POST", "/v1/couriers", COURIER)).expect(201)["id"]
        fee = {"tiers": [{"fixed_minor": 200}], "vat_basis_points": 2200}
        settings = {"sells_to_consumers": False, "fee": fee, "deposit": {"fixed_minor": 1_000}}
        (await shop.call("PATCH", "/v1/cod-settings", settings)).expect(200)
        payer = Payer(shop.http, shop.sandbox_url)

        order, at = await with_deposit(shop, "A-1")
        parcel = {"order_reference": "A-1", "tracking_number": "GL1", "to_collect_minor": 4_200}
        path = f"/v1/couriers/{courier}"
        (await shop.call("POST", f"{path}/acknowledgements", {"parcels": [parcel]})).expect(200)
        early = (await shop.call("POST", f"{at}/dispatch", {})).expect(409)
        assert (early["code"], early["deposit_minor"]) == ("cod_deposit_unpaid", "1000")
        async with shop.http.post(f"{order['page_url']}/pay-deposit") as shown:
            page = str(shown.url)  # the page redirects to the link in the order's deposit_url
        assert page.rpartition("/")[2] == order["deposit_url"].rpartition("/")[2]
        await payer.pay(await payer.open(order["deposit_url"]), VISA)
        await deposit_is(shop, at, "paid")
        (await shop.call("POST", f"{at}/dispatch", {})).expect(200)
        collected = {
            "event_id": "e-1",
            "tracking_number": "GL1",
            "kind": "collected",
            "occurred_at": order["created_at"],
            "amount_minor": 4_200,
        }
        (await shop.call("POST", f"{path}/events", {"events": [collected]})).expect(200)

        other, elsewhere = await with_deposit(shop, "A-2")
        await payer.pay(await payer.open(other["deposit_url"]), VISA)
        await deposit_is(shop, elsewhere, "paid")
        (await shop.call("POST", f"{elsewhere}/cancel", {})).expect(200)
        await deposit_is(shop, elsewhere, "refunded")

        async def booked():
            balance = await shop.get("/v1/reports/trial-balance")
            return {row["account"]: row["balance_minor"] for row in balance["data"]} == {
                "psp_receivable": 1_000,
                "courier_receivable": 4_200,
                "sales": -(5_000 + 1_000),
                "cod_fees": -200,
                "sales_refunds": 1_000,
            }

        await until(booked, within_seconds=HANGING_SECONDS)
