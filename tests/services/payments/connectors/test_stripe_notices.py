"""Stripe's events as notices, including those of actions in its dashboard."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.payments.connectors.base import DisputeNotice, OperationNotice, OtherNotice
from services.payments.connectors.stripe import notices
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    Declined,
    Pending,
)
from services.payments.rules.states import AttemptKind, DisputeState
from tests.services.payments.connectors.recordings import recorded

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS = DOCUMENTED["intents"], DOCUMENTED["refunds"]
SETUPS, DISPUTES = DOCUMENTED["setups"], DOCUMENTED["disputes"]
CHARGES = DOCUMENTED["charges"]


def event(kind: str, resource: dict) -> dict:
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1795296800,
        "data": {"object": resource},
    }


@pytest.mark.parametrize(
    ("kind", "intent", "attempt_kind", "key", "outcome"),
    [
        ("succeeded", "captured", AttemptKind.AUTHORISE, "att_1", Approved),
        ("succeeded", "captured_in_part", AttemptKind.CAPTURE, "", Approved),
        ("amount_capturable_updated", "held", AttemptKind.AUTHORISE, "att_1", Approved),
        ("payment_failed", "declined", AttemptKind.AUTHORISE, "att_1", Declined),
        ("payment_failed", "not_authenticated", AttemptKind.AUTHORISE, "att_1", Declined),
        ("requires_action", "challenged", AttemptKind.AUTHORISE, "att_1", ActionRequired),
        ("processing", "processing", AttemptKind.AUTHORISE, "att_1", Pending),
        ("canceled", "cancelled", AttemptKind.CANCEL, "", Approved),
    ],
)
def test_payment_intent_events_map_to_notices(kind, intent, attempt_kind, key, outcome):
    notice = notices.notice(event(f"payment_intent.{kind}", INTENTS[intent]))
    assert isinstance(notice, OperationNotice)
    assert (notice.psp_event_id, notice.psp_reference) == ("evt_1", "pi_3QA")
    assert (notice.kind, notice.key) == (attempt_kind, key)
    assert isinstance(notice.outcome, outcome)


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed"])
def test_events_of_refunds_name_our_attempt_and_the_payment(kind):
    notice = notices.notice(event(kind, REFUNDS["succeeded"]))
    assert isinstance(notice, OperationNotice)
    assert (notice.kind, notice.key) == (AttemptKind.REFUND, "ref_1")
    assert (notice.psp_reference, notice.operation_reference) == ("pi_3QA", "re_3QA")
    assert notice.outcome == Approved("re_3QA", 1500)


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated", "refund.updated"])
def test_a_refund_that_fails_later_carries_its_own_reference(kind):
    notice = notices.notice(event(kind, REFUNDS["failed"]))
    assert isinstance(notice, OperationNotice)
    assert (notice.operation_reference, notice.amount_minor) == ("re_3QA", 1500)
    assert isinstance(notice.outcome, Declined)
    assert notice.outcome.psp_reference == "re_3QA"


def test_a_refund_from_the_dashboard_has_no_key():
    notice = notices.notice(event("refund.created", {**REFUNDS["succeeded"], "metadata": {}}))
    assert isinstance(notice, OperationNotice)
    assert (notice.key, notice.psp_reference, notice.operation_reference) == (
        "",
        "pi_3QA",
        "re_3QA",
    )


def test_a_refund_notice_carries_the_time_of_its_event():
    notice = notices.notice(event("refund.created", REFUNDS["succeeded"]))
    assert isinstance(notice, OperationNotice)
    assert notice.told_at == datetime.fromtimestamp(1795296800, UTC)


def test_a_refund_listed_in_a_charge_event_equals_the_refund_event():
    listed = notices.notice(event("charge.refunded", CHARGES["refunded"]))
    notice = notices.notice(event("refund.created", {**REFUNDS["succeeded"], "metadata": {}}))
    assert isinstance(listed, OperationNotice)
    assert listed.charge_key == "att_1", "a charge has the metadata of its PaymentIntent"
    assert replace(listed, charge_key="") == notice
    silent = notices.notice(event("charge.refunded", CHARGES["refunded_without_list"]))
    assert silent == OtherNotice("evt_1", "charge.refunded")


def test_charge_and_payment_intent_events_report_a_dashboard_capture_alike():
    notice = notices.notice(event("charge.captured", CHARGES["captured_in_part"]))
    same = notices.notice(event("payment_intent.succeeded", INTENTS["captured_in_part"]))
    assert notice == same
    assert isinstance(notice, OperationNotice)
    assert (notice.kind, notice.amount_minor) == (AttemptKind.CAPTURE, 4000)
    assert (notice.key, notice.charge_key, notice.psp_reference) == ("", "att_1", "pi_3QA")


def test_a_cancellation_names_the_charge():
    notice = notices.notice(event("payment_intent.canceled", INTENTS["cancelled"]))
    assert isinstance(notice, OperationNotice)
    assert (notice.key, notice.charge_key, notice.operation_reference) == ("", "att_1", "")


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        ("created", "open", DisputeState.OPEN),
        ("funds_withdrawn", "open", DisputeState.OPEN),
        ("updated", "open", DisputeState.OPEN),
        ("closed", "won", DisputeState.WON),
        ("closed", "lost", DisputeState.LOST),
        ("funds_reinstated", "won", DisputeState.WON),
    ],
)
def test_dispute_events_map_to_notices(kind, name, state):
    notice = notices.notice(event(f"charge.dispute.{kind}", DISPUTES[name]))
    told_at = datetime.fromtimestamp(1795296800, UTC)
    assert notice == DisputeNotice("evt_1", "du_1QA", "pi_3QA", 5990, state, "fraudulent", told_at)


def test_an_appeal_reopens_a_dispute():
    appealed = {**DISPUTES["lost"], "status": "appeal_under_review"}
    notice = notices.notice(event("charge.dispute.updated", appealed))
    assert isinstance(notice, DisputeNotice)
    assert notice.state is DisputeState.OPEN


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("charge.dispute.created", DISPUTES["inquiry"]),
        ("customer.created", {}),
        ("charge.refunded", {}),
        ("payment_intent.created", INTENTS["unconfirmed"]),
        ("payment_intent.amount_capturable_updated", INTENTS["captured"]),
    ],
)
def test_events_that_move_no_money_become_other_notices(kind, resource):
    assert notices.notice(event(kind, resource)) == OtherNotice("evt_1", kind)


def test_every_event_that_we_act_on_can_be_subscribed_to():
    from stripe.params import WebhookEndpointCreateParams

    subscribable = str(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    ours = notices.REFUND_EVENTS | notices.DISPUTE_EVENTS | notices.AUTHORISATION_EVENTS
    ours |= notices.CHARGE_EVENTS | {
        "payment_intent.succeeded",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
    }
    assert {name for name in ours if f"'{name}'" not in subscribable} == set()
