"""The demo's journeys of instalments: offered with their law, signed with proof, taken part by part."""

from typing import Any

from stack.shop import Answer, JourneyFailedError, Shop
from stack.told import Journey, Told, expect

CREDITOR = {
    "creditor_address": "Via Roma 1, 10121 Torino, Italia",
    "creditor_email": "info@bottega.example",
}
DOCUMENTS = ("information", "agreement")


async def instalments(shop: Shop) -> Told:
    """Three payments, signed with proof"""
    customer = await shop.customer("tok_visa")
    answer = await signed(shop, customer, 16_000)
    plan = answer.expect(200)
    expect(plan, state="active", paid_minor=5_333, outstanding_minor=10_667)
    payment_id = plan["instalments"][0]["payment_id"]
    shop.payment_ids.append(payment_id)
    offer = plan["offer"]
    return Told(
        f"{offer['label']}, TAEG {offer['taeg']} %, {offer['legal_class']}: documents handed over,"
        " accepted, first part captured",
        answer.trace_id,
        payment_id,
    )


async def signed(shop: Shop, customer_id: str, amount_minor: int, **more: Any) -> Answer:
    """A plan on the merchant's first terms, with all that comes before its signature."""
    instrument = (await shop.get(f"/v1/customers/{customer_id}/instruments"))["data"][0]
    plan = await planned(shop, customer_id, amount_minor, **more)
    for kind in DOCUMENTS:
        document = await shop.get(f"/v1/instalment-plans/{plan['id']}/documents?kind={kind}")
    body = {
        "instrument_id": instrument["id"],
        "agreement_sha256": document["sha256"],
        "ip": "203.0.113.7",
    }
    return await shop.call("POST", f"/v1/instalment-plans/{plan['id']}/sign", body)


async def planned(shop: Shop, customer_id: str, amount_minor: int, **more: Any) -> Any:
    """A plan that its customer has not seen yet."""
    (await shop.call("PATCH", "/v1/instalment-settings", CREDITOR)).expect(200)
    offers = await shop.get(f"/v1/instalment-offers?amount_minor={amount_minor}&currency=EUR")
    offer = next((each for each in offers["data"] if each["available"]), None)
    if offer is None:
        raise JourneyFailedError(f"no instalments are offered: {offers['data']}")
    quote = {
        "terms_id": offer["terms_id"],
        "amount": {"amount_minor": amount_minor, "currency": "EUR"},
        "order_reference": shop.next_order(),
        "locale": "it",
    }
    quoted = (await shop.call("POST", "/v1/instalment-quotes", quote)).expect(201)
    wanted = {"quote_id": quoted["id"], "customer_id": customer_id, **more}
    return (await shop.call("POST", "/v1/instalment-plans", wanted)).expect(201)


INSTALMENT_JOURNEYS: tuple[Journey, ...] = (instalments,)
