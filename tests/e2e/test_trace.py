"""One charge is one trace, from the storefront's traceparent to the event on NATS."""

from stack.traces import complete_trace


async def test_a_charge_is_one_trace_from_gateway_to_nats(shop):
    customer = await shop.customer("tok_visa")
    answer = await shop.one_click(customer, 5990)
    payment = answer.expect(201)
    spans, missing = await complete_trace(shop.http, shop.sandbox_url, answer.trace_id)
    assert missing == []
    assert payment["trace_id"] == answer.trace_id
    known = {span["span_id"] for span in spans}
    roots = [span for span in spans if span["parent_id"] not in known]
    assert len(roots) == 1, [span["name"] for span in roots]
    assert any(span["name"].startswith("process incasso.payments") for span in spans)


async def test_what_a_webhook_tells_before_the_answer_is_in_the_payments_trace(shop):
    answer = await shop.one_click(await shop.customer("tok_lost_answer"), 6_100)
    await shop.settled(answer.expect(201)["id"])
    _, missing = await complete_trace(shop.http, shop.sandbox_url, answer.trace_id)
    assert missing == []
