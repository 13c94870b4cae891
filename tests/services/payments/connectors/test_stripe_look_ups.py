"""How the stripe connector finds the outcome of an attempt, and reads settlements."""

import time
from datetime import UTC, datetime

import pytest
from aiohttp import web

from libs import ids
from services.payments.connectors.base import Asked, Settlements
from services.payments.connectors.stripe import search
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.rules.outcomes import Approved, NotFound, Unknown
from services.payments.rules.states import AttemptKind
from tests.services.payments.connectors.orders import (
    a_charge,
    an_operation,
    asked,
)
from tests.services.payments.connectors.recordings import recorded
from tests.services.payments.connectors.scripted import Request

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS, SETUPS = DOCUMENTED["intents"], DOCUMENTED["refunds"], DOCUMENTED["setups"]
CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND
INTENT = "/v1/payment_intents"


@pytest.fixture
def connector(stripe_connector: StripeConnector) -> StripeConnector:
    return stripe_connector


@pytest.fixture
def later(stripe_later: StripeConnector) -> StripeConnector:
    return stripe_later


def listed(*objects: dict, path: str = INTENT, has_more: bool = False) -> dict:
    return {"object": "list", "url": path, "has_more": has_more, "data": list(objects)}


def pages(*pages: dict):
    """Answers with a list page by page; the cursor is the last id of the previous page."""

    def answer(request: Request) -> web.Response:
        after = request.parameters.get("starting_after")
        number = next((n + 1 for n, page in enumerate(pages) if page["data"][-1]["id"] == after), 0)
        return web.json_response(pages[number])

    return answer


async def test_an_attempt_without_a_reference_is_searched_by_its_creation_time(connector, scripted):
    charge = a_charge("pm_1QA")
    others = [{**INTENTS["held"], "id": f"pi_{n}", "metadata": {}} for n in range(3)]
    ours = {**INTENTS["captured"], "metadata": {"attempt_id": charge.key}}
    scripted.answers["GET", INTENT] = pages(listed(*others, has_more=True), listed(ours))
    question = Asked(charge.key, AttemptKind.AUTHORISE, "", 5990, "EUR", psp_customer="cus_R1")
    assert await connector.look_up(question) == Approved("pi_3QA", 5990, captured=True)
    first, second = scripted.requests
    assert first.parameters["customer"] == "cus_R1"
    since, until = (int(first.parameters["created"][name]) for name in ("gte", "lte"))
    assert since < time.time() < until
    assert second.parameters["starting_after"] == "pi_2"


async def test_an_unlisted_attempt_is_unknown_while_it_may_still_be_under_way(
    connector, later, scripted
):
    scripted.responds("GET", INTENT, listed(INTENTS["captured"]))
    charge = a_charge("pm_1QA")
    assert isinstance(await connector.look_up(asked(charge)), Unknown)
    assert isinstance(await later.look_up(asked(charge)), NotFound)


async def test_a_look_up_with_too_many_candidates_is_unknown(later, scripted):
    count = search.MOST_READ + 1
    others = [{"object": "payment_intent", "id": f"pi_{n}"} for n in range(count)]
    scripted.responds("GET", INTENT, listed(*others))
    assert isinstance(await later.look_up(asked(a_charge("pm_1QA"))), Unknown)


@pytest.mark.parametrize(
    ("reference", "own", "path"),
    [
        ("pi_3QA", "re_3QA", "/v1/refunds/re_3QA"),
        ("pi_3QA", "", "/v1/refunds"),
        ("", "", "/v1/refunds"),
    ],
)
async def test_a_refund_is_found_by_its_reference_its_charge_or_its_time(
    connector, scripted, reference, own, path
):
    refund = an_operation(REFUND, "pi_3QA", 1500)
    ours = {**REFUNDS["succeeded"], "metadata": {"attempt_id": refund.key}}
    body = ours if path.endswith("re_3QA") else listed(REFUNDS["failed"], ours, path="/v1/refunds")
    scripted.responds("GET", path, body)
    assert await connector.look_up(asked(refund, reference, own=own)) == Approved("re_3QA", 1500)


@pytest.mark.parametrize("name", ["wrong_key", "rate_limited", "no_such_method", "broken"])
async def test_a_refused_look_up_is_unknown(later, scripted, name):
    error = DOCUMENTED["errors"][name]
    scripted.responds("GET", f"{INTENT}/pi_3QA", error["body"], status=error["status"])
    assert isinstance(await later.look_up(asked(a_charge("pm_1QA"), "pi_3QA")), Unknown)


async def test_look_ups_without_a_time_or_charge_reference_are_unknown_and_unsent(later, scripted):
    for question in (
        Asked("old-key", AttemptKind.AUTHORISE, "", 1, "EUR"),
        Asked("old-key", REFUND, "", 1, "EUR"),
        Asked(ids.new("att"), CAPTURE, "", 1, "EUR"),
    ):
        assert isinstance(await later.look_up(question), Unknown)
    assert scripted.requests == []


SINCE = datetime(2026, 11, 1, tzinfo=UTC)


async def test_settlements_are_read_page_by_page_from_the_oldest_payout(connector, scripted):
    """A cursor names what was read: a line of a payout until its last page, then the payout."""
    newest, oldest = DOCUMENTED["payouts"]["data"]
    first, *others = DOCUMENTED["lines"]

    def payouts(request: Request) -> web.Response:
        newer = {None: [newest, oldest], "po_1QA": [newest], "po_2QA": []}
        found = newer[request.parameters.get("ending_before")]
        return web.json_response(listed(*found, path="/v1/payouts"))

    def transactions(request: Request) -> web.Response:
        asked = request.parameters
        if asked["payout"] == "po_2QA":
            return web.json_response(listed(path="/v1/balance_transactions"))
        page = others if "starting_after" in asked else [first]
        answer = listed(*page, path="/v1/balance_transactions")
        return web.json_response({**answer, "has_more": page == [first]})

    scripted.answers["GET", "/v1/payouts"] = payouts
    scripted.responds("GET", "/v1/payouts/po_1QA", oldest)
    scripted.answers["GET", "/v1/balance_transactions"] = transactions
    pages = [await connector.settlements("", since=SINCE)]
    while pages[-1].is_more:
        pages.append(await connector.settlements(pages[-1].cursor, since=SINCE))
    assert [[line.line_reference for line in page.lines] for page in pages] == [
        ["txn_1"],
        ["txn_2", "txn_3", "txn_4"],
        [],
        [],
    ]
    assert [page.cursor for page in pages] == ["po_1QA/txn_1", "po_1QA", "po_2QA", "po_2QA"]
    assert scripted.requests[0].parameters["created"] == {"gte": str(int(SINCE.timestamp()))}
    assert pages[-1] == Settlements([], "po_2QA")


async def test_a_manual_payout_has_no_lines(connector, scripted):
    by_hand = {**DOCUMENTED["payouts"]["data"][0], "automatic": False}
    scripted.responds("GET", "/v1/payouts", listed(by_hand, path="/v1/payouts"))
    page = await connector.settlements("po_1QA", since=SINCE)
    assert page == Settlements([], "po_2QA", is_more=True)
    assert len(scripted.requests) == 1


def test_the_time_of_an_id_is_its_creation_time():
    before = time.time()
    made = search.made_at(ids.new("att"))
    assert made is not None
    assert before - 0.001 <= made <= time.time()  # in whole milliseconds
    assert search.made_at("att_1") is None
