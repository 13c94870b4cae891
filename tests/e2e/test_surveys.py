"""A survey after a payment on the real stack: from the receipt to the merchant's figures."""

import pytest

from stack.payer import Payer
from tests.e2e.conftest import open_shop
from tests.e2e.test_links import VISA
from tests.waiting import until

DAYS = "from_day=2026-01-01&to_day=2030-12-31"
SURVEY, ANSWER, RATE = "/survey", "/answer", "/rate"


@pytest.fixture(scope="module")
async def shop(stack):
    """A separate merchant, without other answers and with an untouched clock: services learn of an advanced
    clock one after the other, which affects which answer is the latest.
    """
    async with open_shop(stack, "Asking") as (found, _):
        yield found


@pytest.fixture
def payer(shop):
    return Payer(shop.http, shop.sandbox_url)


async def test_survey_answers_given_from_the_receipt_change_the_scores(shop, payer):
    link = (await shop.link(12_900, locale="it")).expect(201)
    page = await payer.pay(await payer.open(link["url"]), VISA)
    await shop.link_in(link["id"], "paid")
    page = await payer.open(page.url)
    assert page.view == "paid"
    assert not [form for form in page.forms if SURVEY in form.action]
    enabled = {"enabled": True}
    (await shop.call("PUT", "/v1/reports/survey-settings", enabled)).expect(200)
    page = await payer.open(page.url)
    (offer,) = (form for form in page.forms if SURVEY in form.action)
    asked = await payer.submit(page, offer)
    assert (asked.status, "/s/" in asked.url) == (200, True)
    form = asked.form(ANSWER)
    for recommendation in ("5", "1"):
        answers = {"satisfaction": "5", "recommendation": recommendation, "ease": "3"}
        assert (await payer.submit(asked, form, **answers)).status == 200
    scores = await shop.get(f"/v1/reports/kpis/satisfaction?{DAYS}")
    assert {name: score["score_basis_points"] for name, score in scores.items()} == {
        "csat": 10_000,
        "nps": -10_000,
        "ces": 0,
    }
    # The receipt's own form, submitted later: it counts.
    rated = await payer.submit(page, page.form(RATE), score="2")
    assert rated.status == 200

    async def is_counted():
        found = await shop.get(f"/v1/reports/kpis/satisfaction?{DAYS}")
        return (found["csat"]["answers"], found["csat"]["score_basis_points"]) == (1, 0)

    await until(is_counted)


async def test_a_paid_link_counts_in_conversion_and_revenue(shop, payer):
    async def figures():
        return await shop.get(f"/v1/reports/kpis?{DAYS}&currency=EUR")

    def reached(found):
        (steps,) = (each["steps"] for each in found["conversion"] if each["method"] == "link")
        return [step["reached"] for step in steps]

    before = await figures()
    link = (await shop.link(7_300)).expect(201)
    await payer.pay(await payer.open(link["url"]), VISA)
    await shop.link_in(link["id"], "paid")

    async def is_counted():
        found = await figures()
        revenue = found["order_value"]["revenue_minor"] - before["order_value"]["revenue_minor"]
        steps = [new - old for new, old in zip(reached(found), reached(before), strict=True)]
        return revenue >= 7_300 and min(steps) >= 1

    await until(is_counted)
