"""An order that is paid at the door, from the code that its recipient gets to the money that the courier has."""

import re
from uuid import uuid4

from tests.e2e.conftest import open_shop
from tests.waiting import HANGING_SECONDS

PRICE = {"amount_minor": 5_000, "currency": "EUR"}
ROME = {"street": "Via Roma 1", "postcode": "00185", "town": "Roma", "country": "IT"}
COURIER = {
    "name": "GLS",
    "currency": "EUR",
    "cut": {"basis_points": 300, "minimum_minor": 300},
    "modes": [{"mode": "cash", "code": "CONT"}],
}


async def test_a_code_confirms_an_order_that_its_courier_collects(stack):
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
        ) as shown:  # it may be paid at the door still
            assert (shown.status, shown.url.parts[1]) == (200, "p")

        early = await shop.call("POST", f"{at}/dispatch", {})
        assert early.body["code"] == "cod_amount_not_acknowledged"
        assert early.body["to_collect_minor"] == "5000"
        parcel = {"order_reference": "A-1001", "tracking_number": "GL1", "to_collect_minor": 5_000}
        said = await shop.call(
            "POST", f"/v1/couriers/{courier}/acknowledgements", {"parcels": [parcel]}
        )
        assert said.expect(200)["data"][0]["outcome"] == "matched"
        (await shop.call("POST", f"{at}/dispatch", {})).expect(200)
        assert len(await shop.inbox(phone, count=2, within_seconds=HANGING_SECONDS)) == 2

        told = {
            "event_id": "e-1",
            "tracking_number": "GL1",
            "kind": "collected",
            "occurred_at": order["created_at"],
            "amount_minor": 5_000,
        }
        path = f"/v1/couriers/{courier}/events"
        first = (await shop.call("POST", path, {"events": [told, told]})).expect(200)["data"]
        assert [event["outcome"] for event in first] == ["applied", "applied"]
        assert (await shop.get(at))["state"] == "collected"
