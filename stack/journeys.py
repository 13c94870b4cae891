"""What the demo shows: each journey is one promise of the product, kept with real requests.

A journey returns a sentence about what happened and the trace to look at; it raises
JourneyFailedError if the promise is broken.
"""

import asyncio
from typing import Any
from uuid import uuid4

from stack.cod_journeys import COD_JOURNEYS
from stack.instalment_journeys import INSTALMENT_JOURNEYS
from stack.journey_report import Journey, JourneyReport, expect
from stack.link_journeys import LINK_JOURNEYS
from stack.shop import Answer, JourneyFailedError, Shop

REPEATS = 50
NOT_A_KEY = "sk_nobody_has_this"
COME_AGAIN = frozenset({409, 429})  # still running, or too many at once: retry with the same key


def money(amount_minor: int) -> dict[str, Any]:
    return {"amount": {"amount_minor": amount_minor, "currency": "EUR"}}


async def one_click(shop: Shop) -> JourneyReport:
    """Saved card, one call"""
    answer = await shop.one_click(await shop.customer("tok_visa"), 5990)
    payment = answer.expect(201)
    expect(payment, state="captured", captured_minor=5990)
    return JourneyReport("59.90 EUR captured in one request", answer.trace_id, payment["id"])


async def checkout_options(shop: Shop) -> JourneyReport:
    """What to show at the checkout"""
    customer = await shop.customer("tok_visa")
    query = f"amount_minor=5990&currency=EUR&country=IT&customer_id={customer}"
    answer = await shop.call("GET", f"/v1/checkout-options?{query}")
    offers = answer.expect(200)["data"]
    if not offers:
        raise JourneyFailedError("no offer for a customer with a saved card")
    methods = ", ".join(offer["method"] for offer in offers)
    return JourneyReport(f"offers: {methods}", answer.trace_id)


async def capture_and_refund(shop: Shop) -> JourneyReport:
    """Authorise, capture less, refund twice"""
    held = await shop.one_click(await shop.customer("tok_mastercard"), 10_000, capture="manual")
    payment = held.expect(201)
    expect(payment, state="authorised")
    path = f"/v1/payments/{payment['id']}"
    taken = (await shop.call("POST", f"{path}/capture", money(8_000))).expect(200)
    expect(taken, state="captured", captured_minor=8_000)
    part = (await shop.call("POST", f"{path}/refund", money(3_000))).expect(200)
    expect(part, state="partially_refunded", refunded_minor=3_000)
    rest = (await shop.call("POST", f"{path}/refund", {})).expect(200)
    expect(rest, state="refunded", refunded_minor=8_000)
    (await shop.call("POST", f"{path}/refund", money(1))).expect(409)
    return JourneyReport(
        "100.00 held, 80.00 captured, 30.00 and 50.00 refunded", held.trace_id, payment["id"]
    )


async def undo(shop: Shop) -> JourneyReport:
    """The shopper changes their mind"""
    customer = await shop.customer("tok_visa")
    answer = await shop.one_click(customer, 4_500, capture="delayed", grace_seconds=900)
    payment = answer.expect(201)
    expect(payment, state="authorised")
    undone = await shop.call("POST", f"/v1/one-click-payments/{payment['id']}/undo", {})
    expect(undone.expect(200), state="cancelled", captured_minor=0)
    return JourneyReport(
        "45.00 undone within the grace period, nothing taken", undone.trace_id, payment["id"]
    )


async def three_d_secure(shop: Shop) -> JourneyReport:
    """The bank asks for a challenge"""
    customer = await shop.customer("tok_3ds")
    answer = await shop.one_click(customer, 25_000, return_url=f"{shop.url}/healthz/live")
    payment = answer.expect(201)
    expect(payment, state="requires_action")
    await shop.approve(payment["next_action"]["url"])
    expect(await shop.settled(payment["id"]), state="captured", captured_minor=25_000)
    return JourneyReport("challenge passed, 250.00 captured", answer.trace_id, payment["id"])


async def declined(shop: Shop) -> JourneyReport:
    """The bank says no"""
    answer = await shop.one_click(await shop.customer("tok_insufficient_funds"), 5_990)
    payment = answer.expect(201)
    expect(payment, state="declined", captured_minor=0)
    code = payment["decline"]["code"]
    return JourneyReport(f"declined: {code}", answer.trace_id, payment["id"])


async def repeated(shop: Shop) -> JourneyReport:
    """The same request fifty times at once"""
    customer, order, key = await shop.customer("tok_visa"), shop.next_order(), str(uuid4())

    async def until_answered() -> Answer:
        while True:
            answer = await shop.one_click(customer, 7_700, key=key, order_reference=order)
            if answer.status not in COME_AGAIN:
                return answer
            await asyncio.sleep(0.1)

    answers = await asyncio.gather(*(until_answered() for _ in range(REPEATS)))
    ids = {answer.expect(201)["id"] for answer in answers}
    if len(ids) != 1:
        raise JourneyFailedError(f"{len(ids)} payments for one key")
    other = await shop.one_click(customer, 7_701, key=key, order_reference=order)
    other.expect(422)
    return JourneyReport(f"{REPEATS} equal answers, one charge", answers[0].trace_id, ids.pop())


async def lost_answer(shop: Shop) -> JourneyReport:
    """The PSP charges and its answer is lost"""
    answer = await shop.one_click(await shop.customer("tok_lost_answer"), 6_100)
    payment = await shop.settled(answer.expect(201)["id"])
    expect(payment, state="captured", captured_minor=6_100)
    return JourneyReport(
        f"{answer.body['state']} at first, then captured, once", answer.trace_id, payment["id"]
    )


async def fail_over(shop: Shop) -> JourneyReport:
    """The first PSP declines, the second takes it"""
    customer = await shop.customer("tok_declined_at_a")
    await shop.attach(customer, "tok_declined_at_a", "sandbox-b")
    answer = await shop.one_click(customer, 3_300)
    payment = answer.expect(201)
    expect(payment, state="captured", psp_account="sandbox-b")
    return JourneyReport(
        "declined by sandbox-a, captured by sandbox-b", answer.trace_id, payment["id"]
    )


async def stripe(shop: Shop) -> JourneyReport:
    """The same through Stripe's SDK"""
    method = await shop.stripe_card("4242424242424242")
    customer = await shop.customer(method, "stripe")
    answer = await shop.one_click(customer, 9_900)
    payment = answer.expect(201)
    expect(payment, state="captured", psp_account="stripe")
    path = f"/v1/payments/{payment['id']}/refund"
    refunded = (await shop.call("POST", path, {})).expect(200)
    expect(refunded, state="refunded")
    return JourneyReport("99.00 captured and refunded at Stripe", answer.trace_id, payment["id"])


async def refused_requests(shop: Shop) -> JourneyReport:
    """Mistakes get an answer that helps"""
    customer = await shop.customer("tok_visa")
    (await shop.one_click(customer, -5)).expect(400)
    (await shop.one_click("cus_unknown", 100)).expect(404)
    (await shop.call("GET", "/v1/customers", secret_key=NOT_A_KEY)).expect(401)
    unknown = await shop.call("POST", "/v1/customers", {"emial": "giulia@example.com"})
    if "emial" not in str(unknown.expect(400)):
        raise JourneyFailedError(f"the unknown field is not named: {unknown.body}")
    return JourneyReport("400, 401 and 404 with the field and the reason", unknown.trace_id)


JOURNEYS: tuple[Journey, ...] = (
    one_click,
    checkout_options,
    capture_and_refund,
    undo,
    three_d_secure,
    declined,
    repeated,
    lost_answer,
    fail_over,
    stripe,
    *LINK_JOURNEYS,
    *INSTALMENT_JOURNEYS,
    *COD_JOURNEYS,
    refused_requests,
)
