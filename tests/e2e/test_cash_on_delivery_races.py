"""At the door the shopper pays by QR code while the courier also collects: according to the PSP's books and the
courier's cash, the order is paid exactly once.
"""

import asyncio
from uuid import uuid4

import pytest

from tests.e2e.conftest import RECOVERED_WITHIN_SECONDS
from tests.e2e.test_cash_on_delivery import COURIER, PRICE, ROME
from tests.waiting import until

VISA = "4242424242424242"
PRICE_MINOR = PRICE["amount_minor"]


async def at_the_door(shop):
    """A dispatched order, its link, and a function that reports the courier's collection."""
    courier = (await shop.call("POST", "/v1/couriers", COURIER)).expect(201)["id"]
    reference = shop.next_order()
    body = {
        "order_reference": reference,
        "amount": PRICE,
        "courier_id": courier,
        "recipient": {"name": "Giulia Bianchi", "phone": f"+39333{uuid4().int % 10**7:07d}"},
        "address": ROME,
    }
    order = (await shop.call("POST", "/v1/cod-orders", body)).expect(201)
    at = f"/v1/cod-orders/{order['id']}"
    parcel = {
        "order_reference": reference,
        "tracking_number": reference,
        "to_collect_minor": PRICE_MINOR,
    }
    booked = {"parcels": [parcel]}
    (await shop.call("POST", f"/v1/couriers/{courier}/acknowledgements", booked)).expect(200)
    (await shop.call("POST", f"{at}/dispatch", {})).expect(200)
    link = (await shop.call("POST", f"{at}/convert", {})).expect(200)["payment_link"]
    collected = {
        "event_id": reference,
        "tracking_number": reference,
        "kind": "collected",
        "occurred_at": order["created_at"],
        "amount_minor": PRICE_MINOR,
    }

    async def collect():
        path = f"/v1/couriers/{courier}/events"
        answer = (await shop.call("POST", path, {"events": [collected]})).expect(200)
        assert answer["data"][0]["outcome"] == "applied"

    return order, link, collect


async def at_rest(shop, order, link):
    """The order and the PSP's captured and refunded amounts, once its link has ended and everything is refunded."""

    async def found():
        now = await shop.get(f"/v1/cod-orders/{order['id']}")
        paylink = await shop.get(f"/v1/payment-links/{link['payment_link_id']}")
        tries = (await shop.get(f"/v1/payment-links/{paylink['id']}/payments"))["data"]
        rows = [
            row
            for row in (await shop.books()).values()
            if row["reference"] == order["order_reference"]
        ]
        taken = sum(row["captured_minor"] for row in rows)
        back = sum(row["refunded_minor"] for row in rows)
        known = (now["paid_online_minor"], now["refunded_online_minor"])
        ended = paylink["state"] in {"paid", "cancelled"}
        ended = ended and not any(one["state"] == "processing" for one in tries)
        return (now, taken, back) if ended and known == (taken, back) == (back, back) else None

    return await until(found, within_seconds=RECOVERED_WITHIN_SECONDS, every_seconds=0.1)


@pytest.mark.parametrize("first", ["link", "neither"])
async def test_a_link_paid_while_the_courier_collects_nets_the_price_once(
    shop, payer, set_faults, struck, first
):
    order, link, collect = await at_the_door(shop)
    page = await payer.open(link["url"])
    if first == "link":
        latency = {"operation": "charge", "kind": "latency", "seconds": 2, "times": 1}
        await set_faults(latency)
        paying = asyncio.ensure_future(payer.pay(page, VISA))
        await struck()  # the PSP is processing the charge when the courier collects
        await collect()
        await paying
    else:
        await asyncio.gather(payer.pay(page, VISA), collect())
    now, taken, back = await at_rest(shop, order, link)
    assert now["collected_minor"] == PRICE_MINOR
    assert now["collected_minor"] + taken - back == PRICE_MINOR
    assert (taken, back) in {(PRICE_MINOR, PRICE_MINOR), (0, 0)}
    if first == "link":
        assert taken == PRICE_MINOR
        payments = await shop.get(f"/v1/payments?order_reference={order['order_reference']}")
        refunds = [refund for payment in payments["data"] for refund in payment["refunds"]]
        assert [refund["amount_minor"] for refund in refunds] == [PRICE_MINOR]
