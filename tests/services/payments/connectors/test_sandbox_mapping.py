"""The sandbox's recorded answers and events as outcomes and notices."""

import copy
from datetime import date

import pytest

from services.payments.connectors.base import (
    DisputeNotice,
    InstrumentReady,
    OperationNotice,
    OtherNotice,
)
from services.payments.connectors.declines import MESSAGES
from services.payments.connectors.sandbox import mapping
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Pending,
    Unknown,
)
from services.payments.rules.states import AttemptKind, DisputeState, Exemption
from tests.services.payments.connectors.orders import a_charge, a_setup
from tests.services.payments.connectors.recordings import recorded

ANSWERS = recorded("sandbox_answers")
EVENTS = recorded("sandbox_events")


def answer(name: str) -> tuple[int, dict]:
    return ANSWERS[name]["status"], ANSWERS[name]["body"]


def authorisation(name: str):
    return mapping.authorisation_answer(*answer(name))


def test_recorded_charges_map_to_their_outcomes():
    captured = authorisation("charge_visa")
    assert captured == Approved(ANSWERS["charge_visa"]["body"]["id"], 5990, captured=True)
    held = authorisation("charge_held")
    assert held == Approved(ANSWERS["charge_held"]["body"]["id"], 5990, captured=False)
    challenged = authorisation("charge_3ds")
    assert isinstance(challenged, ActionRequired)
    assert challenged.url.startswith("http://sandbox.test/3ds/")
    assert isinstance(authorisation("charge_pending"), Pending)


@pytest.mark.parametrize(
    ("name", "code", "psp_code"),
    [
        ("charge_declined", DeclineCode.DO_NOT_HONOR, "do_not_honor"),
        ("charge_insufficient_funds", DeclineCode.INSUFFICIENT_FUNDS, "insufficient_funds"),
        ("charge_stolen", DeclineCode.CARD_BLOCKED, "stolen_card"),
        ("charge_nobody", DeclineCode.CARD_INVALID, "unknown_token"),
    ],
)
def test_recorded_declines_map_to_our_codes(name, code, psp_code):
    outcome = authorisation(name)
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.psp_code) == (code, psp_code)


def test_recorded_operations_map_to_their_outcomes():
    capture = ANSWERS["capture"]["body"]["operation"]["id"]
    assert mapping.operation_answer(*answer("capture")) == Approved(capture, 5000)
    refund = mapping.operation_answer(*answer("refund"))
    assert refund == Approved(ANSWERS["refund"]["body"]["operation"]["id"], 1000)
    cancel = mapping.operation_answer(*answer("cancel"))
    assert cancel == Approved(ANSWERS["cancel"]["body"]["operation"]["id"], 5990)
    again = mapping.operation_answer(*answer("capture_again"))
    assert isinstance(again, Declined)
    assert again.code is DeclineCode.REQUEST_REFUSED
    assert isinstance(mapping.authorisation_answer(*answer("key_reused")), Unknown)


def test_recorded_look_ups_map_to_their_outcomes():
    assert mapping.look_up_answer(*answer("look_up_capture")) == Approved(
        ANSWERS["capture"]["body"]["operation"]["id"], 5000
    )
    assert isinstance(mapping.look_up_answer(*answer("look_up_unknown")), NotFound)


@pytest.mark.parametrize("status", [401, 404, 409, 422, 429, 500, 502])
def test_a_failed_look_up_is_unknown(status):
    assert isinstance(mapping.look_up_answer(status, {"code": "whatever"}), Unknown)


@pytest.mark.parametrize("status", [409, 500, 503])
def test_a_conflict_or_server_error_is_unknown(status):
    assert isinstance(mapping.authorisation_answer(status, {}), Unknown)


def test_an_unrecognised_state_is_unknown():
    body = {**ANSWERS["charge_visa"]["body"], "state": "levitating"}
    assert isinstance(mapping.authorisation_answer(200, body), Unknown)
    operation = {"id": "op_1", "kind": "refund", "state": "levitating"}
    assert isinstance(mapping.operation_outcome(operation, body), Unknown)


def test_a_recorded_instrument_is_mapped():
    ready = mapping.instrument_answer(*answer("instrument"))
    assert isinstance(ready, InstrumentReady)
    assert (ready.brand, ready.last4, ready.country) == ("mastercard", "4444", "IT")
    assert isinstance(mapping.instrument_answer(*answer("charge_nobody")), Declined)


@pytest.mark.parametrize(
    ("name", "kind", "outcome"),
    [
        ("charge.captured.charge", AttemptKind.AUTHORISE, Approved),
        ("charge.authorised", AttemptKind.AUTHORISE, Approved),
        ("charge.requires_action", AttemptKind.AUTHORISE, ActionRequired),
        ("charge.pending", AttemptKind.AUTHORISE, Pending),
        ("charge.declined", AttemptKind.AUTHORISE, Declined),
        ("charge.captured.capture", AttemptKind.CAPTURE, Approved),
        ("charge.cancelled", AttemptKind.CANCEL, Approved),
        ("charge.refunded", AttemptKind.REFUND, Approved),
    ],
)
def test_recorded_events_map_to_notices(name, kind, outcome):
    event = EVENTS[name]
    notice = mapping.notice(event)
    assert isinstance(notice, OperationNotice)
    assert (notice.psp_event_id, notice.kind) == (event["id"], kind)
    assert notice.key == event["data"]["operation"]["key"]
    assert notice.psp_reference == event["data"]["charge"]["id"]
    assert notice.operation_reference == event["data"]["operation"]["id"]
    assert notice.charge_key == event["data"]["charge"]["key"]
    assert isinstance(notice.outcome, outcome)


def test_a_console_operation_has_no_key():
    event = copy.deepcopy(EVENTS["charge.refunded"])
    event["data"]["operation"]["key"] = None
    notice = mapping.notice(event)
    assert isinstance(notice, OperationNotice)
    assert (notice.key, notice.amount_minor) == ("", 1000)


def test_a_refund_that_failed_later_carries_its_own_reference():
    event = copy.deepcopy(EVENTS["charge.refunded"])
    event["data"]["operation"]["state"] = "failed"
    notice = mapping.notice({**event, "type": "charge.refund_failed"})
    assert isinstance(notice, OperationNotice)
    assert isinstance(notice.outcome, Declined)
    assert notice.outcome.psp_reference == event["data"]["operation"]["id"]


def test_recorded_disputes_map_to_notices():
    opened = mapping.notice(EVENTS["charge.dispute.opened"])
    assert isinstance(opened, DisputeNotice)
    assert (opened.state, opened.amount_minor) == (DisputeState.OPEN, 1000)
    closed = mapping.notice(EVENTS["charge.dispute.closed"])
    assert isinstance(closed, DisputeNotice)
    assert (closed.state, closed.dispute_reference) == (DisputeState.WON, opened.dispute_reference)


def test_instrument_events_become_other_notices():
    event = {"id": "sev_1", "type": "instrument.ready", "data": {}}
    assert mapping.notice(event) == OtherNotice("sev_1", "instrument.ready")


def test_recorded_settlements_map_to_lines():
    page = mapping.settlements(ANSWERS["settlements"]["body"])
    assert [line.kind for line in page.lines] == [
        "charge",
        "charge",
        "refund",
        "dispute",
        "dispute",
    ]
    assert all(line.gross_minor - line.fee_minor == line.net_minor for line in page.lines)
    assert {type(line.available_on) for line in page.lines} == {date}
    assert (page.cursor, page.is_more) == ("5", False)
    first, *_ = page.lines
    assert (first.line_reference, first.operation_reference) == ("txn_stl_1", "att_1")
    assert (first.order_reference, first.happened_on) == ("A-1001", date(2026, 11, 21))


def test_requests_omit_empty_fields():
    full = mapping.charge_request(
        a_charge(exemption=Exemption.MIT, mandate_reference="mnd_1", capture=False)
    )
    assert full["sca"] == {"exemption": "mit", "challenge": "auto"}
    assert full["mandate"] == "mnd_1"
    bare = mapping.charge_request(
        a_charge(return_url="", description="", order_reference="", force_challenge=True)
    )
    assert set(bare) == {"amount_minor", "currency", "token", "capture", "sca"}
    assert bare["sca"] == {"exemption": None, "challenge": "force"}
    assert "return_url" not in mapping.instrument_request(a_setup(return_url=""))


def test_every_decline_code_has_a_sentence():
    assert set(MESSAGES) == set(DeclineCode)
    assert all(text.endswith(".") for text in MESSAGES.values())
