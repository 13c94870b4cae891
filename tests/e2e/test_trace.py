"""One charge is one trace, from the storefront's traceparent to the event on NATS."""

import pytest

from stack.traces import complete_trace, missing_parts
from tests.waiting import until


@pytest.fixture
def shop(shop, monkeypatch):
    """The shop with every trace recorded. Not a copy, which would number its orders from the start."""
    monkeypatch.setattr(shop, "recorded", 1.0)
    return shop


async def test_a_charge_makes_one_trace_from_gateway_to_nats(shop):
    customer = await shop.customer("tok_visa")
    answer = await shop.one_click(customer, 5990)
    payment = answer.expect(201)
    assert payment["trace_id"] == answer.trace_id

    async def is_one_tree():
        """Every process exports its spans every few seconds, so they arrive in parts."""
        async with shop.http.get(f"{shop.sandbox_url}/traces/{answer.trace_id}.json") as response:
            spans = (await response.json())["spans"] if response.status == 200 else []
        known = {span["span_id"] for span in spans}
        roots = [span["name"] for span in spans if span["parent_id"] not in known]
        handled = any(span["name"].startswith("process incasso.payments") for span in spans)
        return len(roots) == 1 and handled and not missing_parts(spans)

    await until(is_one_tree, every_seconds=0.5)


async def test_the_trace_is_complete_for_a_payment_with_a_lost_psp_response(shop):
    answer = await shop.one_click(await shop.customer("tok_lost_answer"), 6_100)
    await shop.settled(answer.expect(201)["id"])
    _, missing = await complete_trace(shop.http, shop.sandbox_url, answer.trace_id)
    assert missing == []
