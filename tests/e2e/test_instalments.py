"""Instalment plans over HTTP on the real stack: signed, challenged, declined, and one payment per order."""

from stack.instalment_journeys import planned, signed
from tests.waiting import until


async def plan_in(shop, plan_id, state):
    async def found():
        plan = await shop.get(f"/v1/instalment-plans/{plan_id}")
        return plan if plan["state"] == state else None

    return await until(found)


async def test_signing_charges_the_first_instalment_once_with_its_trace_id(shop, booked):
    answer = await signed(shop, await shop.customer("tok_visa"), 16_000)
    plan = answer.expect(200)
    assert (plan["state"], plan["paid_minor"], plan["outstanding_minor"]) == ("active", 5333, 10667)
    payment = await shop.get(f"/v1/payments/{plan['instalments'][0]['payment_id']}")
    assert (payment["method"], payment["order_part"]) == ("instalments", "instalment:1")
    assert payment["trace_id"] == answer.trace_id
    rows = await booked(payment)
    assert [(row["captured_minor"], row["refunded_minor"]) for row in rows] == [(5333, 0)]
    assert await shop.get(f"/v1/instalment-plans/{plan['id']}") == plan


async def test_an_order_paid_by_instalments_refuses_a_full_payment(shop):
    customer = await shop.customer("tok_visa")
    plan = (await signed(shop, customer, 16_000)).expect(200)
    whole = await shop.one_click(customer, 16_000, order_reference=plan["order_reference"])
    assert (whole.status, whole.body["code"]) == (409, "order_already_paid")


async def test_a_plan_for_a_paid_order_cannot_be_signed(shop):
    customer = await shop.customer("tok_visa")
    plan = await planned(shop, customer, 16_000)
    paid = await shop.one_click(customer, 16_000, order_reference=plan["order_reference"])
    paid.expect(201)
    (instrument,) = (await shop.get(f"/v1/customers/{customer}/instruments"))["data"]
    path = f"/v1/instalment-plans/{plan['id']}"
    for kind in ("information", "agreement"):
        document = await shop.get(f"{path}/documents?kind={kind}")
    body = {"instrument_id": instrument["id"], "agreement_sha256": document["sha256"]}
    refused = await shop.call("POST", f"{path}/sign", body)
    assert (refused.status, refused.body["code"]) == (409, "order_already_paid")
    assert (await shop.get(path))["paid_minor"] == 0


async def test_a_plan_becomes_active_after_the_banks_challenge(shop):
    customer = await shop.customer("tok_3ds")
    return_url = f"{shop.url}/healthz/live"
    plan = (await signed(shop, customer, 60_000, return_url=return_url)).expect(200)
    assert plan["state"] == "accepted"
    await shop.approve(plan["next_action"]["url"])
    active = await plan_in(shop, plan["id"], "active")
    assert active["instalments"][0]["state"] == "paid"


async def test_a_plan_can_be_signed_with_another_card_after_a_decline(shop):
    customer = await shop.customer("tok_insufficient_funds")
    plan = (await signed(shop, customer, 16_000)).expect(200)
    assert (plan["state"], plan["paid_minor"]) == ("accepted", 0)
    assert plan["decline"]["code"] == "insufficient_funds"
    better = await shop.attach(customer, "tok_visa", "sandbox-a")
    path = f"/v1/instalment-plans/{plan['id']}"
    document = await shop.get(f"{path}/documents?kind=agreement")
    body = {"instrument_id": better["id"], "agreement_sha256": document["sha256"]}
    assert (await shop.call("POST", f"{path}/sign", body)).expect(200)["state"] == "active"


async def test_a_lost_psp_response_charges_the_first_instalment_once(shop, booked):
    customer = await shop.customer("tok_lost_answer")
    plan = (await signed(shop, customer, 16_000)).expect(200)
    active = await plan_in(shop, plan["id"], "active")
    payment = await shop.get(f"/v1/payments/{active['instalments'][0]['payment_id']}")
    assert [row["captured_minor"] for row in await booked(payment)] == [5333]


async def test_instalment_offers_can_be_read_with_a_publishable_key(opened):
    shop, merchant = opened
    path = "/v1/instalment-offers?amount_minor=16000&currency=EUR&locale=en"
    answer = await shop.call("GET", path, secret_key=merchant.publishable_key)
    (offer,) = answer.expect(200)["data"]
    assert (offer["label"], offer["legal_class"]) == ("3 × €53.34", "deferral")
    assert "article" not in offer
