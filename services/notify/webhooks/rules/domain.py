"""Endpoints and deliveries: their data and the effect of an attempt. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs import public_events
from libs.dataclass_copies import patched
from libs.errors import FieldViolation, InvalidArgument
from services.notify.webhooks.rules import schedule

READING_SCOPES: Final = frozenset({"events:read", "*"})  # scopes of keys that may have events sent
MOST_ENDPOINTS: Final = 20  # per merchant
MOST_REPLAYED: Final = 10_000  # per call
MOST_SECRETS: Final = 5  # signing at the same time, however often a merchant rotates
DEFAULT_OVERLAP: Final = timedelta(days=1)
FAILING_FOR: Final = timedelta(days=5)  # after this long without success an endpoint is disabled
EXCERPT_CHARACTERS: Final = 1000  # of an answer, stored
SHOWN_TRIES: Final = 10  # a delivery's latest: a page of deliveries must fit into one message
GONE: Final = 410


class EndpointState(Enum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class EndpointEvent(Enum):
    ENABLE = "enable"
    DISABLE = "disable"


ENDPOINT_INITIAL: Final = EndpointState.ENABLED
ENDPOINT_FINAL: Final = frozenset[EndpointState]()
ENDPOINT_TRANSITIONS: Final[Mapping[tuple[EndpointState, EndpointEvent], EndpointState]] = {
    (EndpointState.ENABLED, EndpointEvent.DISABLE): EndpointState.DISABLED,
    (EndpointState.DISABLED, EndpointEvent.ENABLE): EndpointState.ENABLED,
}


class DisabledReason(Enum):
    MERCHANT = "merchant"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(Enum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryEvent(Enum):
    TAKEN = "taken"
    MISSED = "missed"  # not accepted, to be retried
    GIVEN_UP = "given_up"
    RETRY = "retry"


DELIVERY_INITIAL: Final = DeliveryState.PENDING
DELIVERY_FINAL: Final = frozenset[DeliveryState]()  # none: a merchant may retry any
DELIVERY_TRANSITIONS: Final[Mapping[tuple[DeliveryState, DeliveryEvent], DeliveryState]] = {
    (DeliveryState.PENDING, DeliveryEvent.TAKEN): DeliveryState.DELIVERED,
    (DeliveryState.PENDING, DeliveryEvent.MISSED): DeliveryState.PENDING,
    (DeliveryState.PENDING, DeliveryEvent.GIVEN_UP): DeliveryState.FAILED,
    (DeliveryState.PENDING, DeliveryEvent.RETRY): DeliveryState.PENDING,
    # The endpoint was disabled during the attempt, but accepted it.
    (DeliveryState.FAILED, DeliveryEvent.TAKEN): DeliveryState.DELIVERED,
    (DeliveryState.FAILED, DeliveryEvent.RETRY): DeliveryState.PENDING,
    (DeliveryState.DELIVERED, DeliveryEvent.RETRY): DeliveryState.PENDING,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A merchant's endpoint. `event_types` empty: all types.

    `exhausted`: since the last success a delivery has used up its attempts.
    """

    id: str
    merchant_id: str
    state: EndpointState
    url: str
    description: str | None
    event_types: tuple[str, ...]
    created_at: datetime
    disabled_reason: DisabledReason | None = None
    failing_since: datetime | None = None
    exhausted: bool = False
    previous_secret_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MadeEndpoint:
    """`secret` is only in the answer that created it; a repeat does not show it again."""

    endpoint: Endpoint
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """None: no change."""

    url: str | None = None
    description: str | None = None
    event_types: tuple[str, ...] | None = None
    state: EndpointState | None = None


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """An event as merchants can read it. `message` names the contract of `body`.

    `created_at` is the merchant's time, which may be ahead of real time. `customer_id`: the
    customer concerned, if any.
    """

    id: str
    merchant_id: str
    type: str
    message: str
    body: bytes
    traceparent: str
    created_at: datetime
    customer_id: str | None = None

    @property
    def trace_id(self) -> str:
        parts = self.traceparent.split("-")
        return parts[1] if len(parts) > 1 else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt. `status` is None if there was no answer; `error` if it was accepted."""

    attempted_at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    excerpt: str | None = None
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of an event to an endpoint. `tries`: attempts in the current series."""

    id: str
    merchant_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    state: DeliveryState
    tries: int
    due_at: datetime | None  # None: nothing is due
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TriedDelivery(Delivery):
    """With its latest attempts, oldest first."""

    attempts: tuple[Attempt, ...]


def check_event_types(types: Sequence[str], field: str) -> tuple[str, ...]:
    """Without repeats, in order. Raises InvalidArgument naming unknown types."""
    known = public_events.TYPES | public_events.WILDCARDS
    wrong = tuple(
        FieldViolation(f"{field}.{index}", "is not a type of event, nor a noun with `.*`")
        for index, event_type in enumerate(types)
        if event_type not in known
    )
    if wrong:
        raise InvalidArgument(violations=wrong)
    return tuple(dict.fromkeys(types))


def change_endpoint(endpoint: Endpoint, change: EndpointChange) -> Endpoint:
    """The merchant's change. An empty description removes it."""
    new = patched(endpoint, replace(change, state=None))
    if change.state is None or change.state is endpoint.state:
        return new
    if change.state is EndpointState.DISABLED:
        return disable(new, DisabledReason.MERCHANT)
    return replace(
        new,
        state=ENDPOINT_TRANSITIONS[endpoint.state, EndpointEvent.ENABLE],
        disabled_reason=None,
        failing_since=None,
        exhausted=False,
    )


def overlap(seconds: int | None) -> timedelta:
    """How long the previous secret also signs."""
    return DEFAULT_OVERLAP if seconds is None else timedelta(seconds=seconds)


def disable(endpoint: Endpoint, reason: DisabledReason) -> Endpoint:
    return replace(
        endpoint,
        state=ENDPOINT_TRANSITIONS[endpoint.state, EndpointEvent.DISABLE],
        disabled_reason=reason,
    )


def after_attempt(
    delivery: Delivery, attempt: Attempt, *, now: datetime, spread: float
) -> Delivery:
    """The delivery after an attempt: accepted, due again, or given up. 410 ends it at once.

    Unchanged if it is not in a state that the attempt could affect.
    """
    tries = delivery.tries + 1
    if attempt.taken:
        event, delay = DeliveryEvent.TAKEN, None
    else:
        delay = schedule.next_delay(tries, spread=spread, retry_after=attempt.retry_after)
        if attempt.status == GONE:
            delay = None
        event = DeliveryEvent.GIVEN_UP if delay is None else DeliveryEvent.MISSED
    state = DELIVERY_TRANSITIONS.get((delivery.state, event))
    if state is None:
        return delivery
    return replace(
        delivery, state=state, tries=tries, due_at=None if delay is None else now + delay
    )


def endpoint_after(
    endpoint: Endpoint, attempt: Attempt, *, given_up: bool, now: datetime
) -> Endpoint:
    """The endpoint after an attempt: healthy, failing, or disabled.

    Disabled as gone after 410, and as failing if nothing was accepted for five days and a delivery
    was given up meanwhile.
    """
    if attempt.taken:
        return replace(endpoint, failing_since=None, exhausted=False)
    failing = replace(
        endpoint,
        failing_since=endpoint.failing_since or now,
        exhausted=endpoint.exhausted or given_up,
    )
    if endpoint.state is not EndpointState.ENABLED:
        return failing
    if attempt.status == GONE:
        return disable(failing, DisabledReason.GONE)
    since = failing.failing_since
    if failing.exhausted and since is not None and now - since >= FAILING_FOR:
        return disable(failing, DisabledReason.FAILING)
    return failing


def retry(delivery: Delivery, *, now: datetime) -> Delivery:
    """Due now, with a fresh series of attempts unless it is still pending."""
    pending = delivery.state is DeliveryState.PENDING
    return replace(
        delivery,
        state=DELIVERY_TRANSITIONS[delivery.state, DeliveryEvent.RETRY],
        tries=delivery.tries if pending else 0,
        due_at=now,
    )
