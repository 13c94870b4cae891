"""The effect of an attempt on a delivery and on its endpoint."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import public_events
from libs.errors import InvalidArgument
from services.notify.webhooks.rules import domain
from services.notify.webhooks.rules.domain import (
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    Endpoint,
    EndpointChange,
    EndpointState,
)
from services.notify.webhooks.rules.schedule import TRIES

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENDPOINT = Endpoint(
    id="whe_1",
    merchant_id="mer_1",
    state=EndpointState.ENABLED,
    url="https://shop.example/",
    description=None,
    event_types=(),
    created_at=NOW,
)
DELIVERY = Delivery(
    id="whd_1",
    merchant_id="mer_1",
    endpoint_id="whe_1",
    event_id="evt_1",
    event_type="payment.captured",
    state=DeliveryState.PENDING,
    tries=0,
    due_at=NOW,
    created_at=NOW,
)
TAKEN = Attempt(NOW, duration_ms=1, status=200)
MISSED = Attempt(NOW, duration_ms=1, status=500, error="answered 500")
GONE = Attempt(NOW, duration_ms=1, status=410, error="answered 410")


def after(delivery: Delivery, attempt: Attempt) -> Delivery:
    return domain.after_attempt(delivery, attempt, now=NOW, spread=0)


def endpoint_after(endpoint: Endpoint, attempt: Attempt, *, given_up=False, now=NOW) -> Endpoint:
    return domain.endpoint_after(endpoint, attempt, given_up=given_up, now=now)


def test_an_accepted_delivery_is_no_longer_due():
    taken = after(DELIVERY, TAKEN)
    assert (taken.state, taken.due_at, taken.tries) == (DeliveryState.DELIVERED, None, 1)


def test_410_fails_the_delivery_at_once():
    assert after(DELIVERY, GONE).state is DeliveryState.FAILED


def test_failing_the_last_scheduled_attempt_fails_the_delivery():
    last = replace(DELIVERY, tries=TRIES - 1)
    assert after(last, MISSED).state is DeliveryState.FAILED


def test_a_late_failure_does_not_change_an_ended_delivery():
    for state in (DeliveryState.DELIVERED, DeliveryState.FAILED):
        ended = replace(DELIVERY, state=state, due_at=None)
        assert after(ended, MISSED) == ended


@given(st.lists(st.sampled_from([TAKEN, MISSED, GONE]), max_size=15))
def test_a_delivery_is_due_exactly_while_it_is_pending(attempts: list[Attempt]):
    delivery = DELIVERY
    for attempt in attempts:
        delivery = after(delivery, attempt)
        assert (delivery.state is DeliveryState.PENDING) == (delivery.due_at is not None)


def test_only_an_ended_delivery_restarts_its_schedule_when_retried():
    failed = replace(DELIVERY, state=DeliveryState.FAILED, due_at=None, tries=TRIES)
    again = domain.retry(failed, now=NOW)
    assert (again.state, again.tries, again.due_at) == (DeliveryState.PENDING, 0, NOW)
    waiting = replace(DELIVERY, tries=3)
    assert domain.retry(waiting, now=NOW).tries == 3


def test_failing_since_is_the_first_failure_until_the_next_success():
    failing = endpoint_after(ENDPOINT, MISSED)
    later = endpoint_after(failing, MISSED, now=NOW + timedelta(hours=1))
    assert later.failing_since == NOW
    assert endpoint_after(later, TAKEN) == ENDPOINT


def test_five_days_without_success_disable_only_when_a_delivery_was_given_up():
    later = NOW + domain.FAILING_FOR
    failing = endpoint_after(ENDPOINT, MISSED)
    assert endpoint_after(failing, MISSED, now=later).state is EndpointState.ENABLED
    exhausted = endpoint_after(failing, MISSED, given_up=True)
    disabled = endpoint_after(exhausted, MISSED, now=later)
    assert disabled.disabled_reason is DisabledReason.FAILING


def test_a_disabled_endpoint_keeps_its_first_reason():
    change = EndpointChange(state=EndpointState.DISABLED)
    disabled = domain.change_endpoint(ENDPOINT, change)
    assert endpoint_after(disabled, GONE).disabled_reason is DisabledReason.MERCHANT
    assert domain.change_endpoint(disabled, change) == disabled


def test_enabling_an_endpoint_clears_its_failures():
    gone = endpoint_after(endpoint_after(ENDPOINT, MISSED, given_up=True), GONE)
    change = EndpointChange(state=EndpointState.ENABLED)
    assert domain.change_endpoint(gone, change) == ENDPOINT


def test_event_types_are_validated_and_deduplicated():
    types = ["payment.captured", "cart.*", "payment.captured"]
    assert domain.check_event_types(types, "event_types") == tuple(types[:2])
    for wrong in ("*", "payment", "payment.", "Payment.*", "test", "test.*", ""):
        with pytest.raises(InvalidArgument):
            domain.check_event_types([wrong], "event_types")


def test_a_wildcard_matches_the_types_of_its_noun():
    assert public_events.types_matching("dispute.*") == {
        "dispute.opened",
        "dispute.updated",
        "dispute.closed",
    }
    assert public_events.types_matching("dispute.opened") == {"dispute.opened"}
    assert public_events.types_matching("payment_link.*").isdisjoint({"payment.captured"})
