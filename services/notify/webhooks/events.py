"""Events, endpoints and deliveries as the contracts say them, and the bytes that webhooks carry."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from incasso.notify.v1 import events_pb2
from incasso.notify.v1 import webhooks_pb2 as pb
from libs import descriptors, erasing, json_out, wire
from services.notify.webhooks.rules import public_events
from services.notify.webhooks.rules.domain import (
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    Endpoint,
    EndpointState,
    PublicEvent,
)

ENDPOINT_DISABLED: Final = "incasso.notify.webhook_endpoint.disabled"

# What events say of persons, by message; a test compares the names with the contracts.
PERSONAL: Final[Mapping[str, Sequence[str]]] = {
    "incasso.oneclick.v1.Customer": ("email", "name", "phone", "metadata"),
    "incasso.oneclick.v1.Consent": ("ip",),
    "incasso.paylink.v1.Recipient": ("name", "email", "phone"),
    "incasso.paylink.v1.QuoteAcceptance": ("ip", "user_agent"),
    "incasso.paylink.v1.LinkPayment": ("payer_email",),
    "incasso.paylink.v1.PaymentLink": ("metadata",),
    "incasso.paylink.v1.Cart": ("metadata",),
    "incasso.payments.v1.Payment": ("metadata", "next_action"),
    "incasso.payments.v1.Refund": ("reason",),
}
_CUSTOMER: Final = "incasso.oneclick.v1.Customer"

ENDPOINT_STATES: Final = {
    state: pb.WebhookEndpoint.State.Value(f"STATE_{state.name}") for state in EndpointState
}
REASONS: Final = {
    reason: pb.WebhookEndpoint.DisabledReason.Value(f"DISABLED_REASON_{reason.name}")
    for reason in DisabledReason
}
DELIVERY_STATES: Final = {
    state: pb.WebhookDelivery.State.Value(f"STATE_{state.name}") for state in DeliveryState
}


def test_event(
    endpoint_id: str, *, event_id: str, merchant_id: str, traceparent: str, now: datetime
) -> PublicEvent:
    """What a merchant has sent to one endpoint to see it arrive."""
    return PublicEvent(
        id=event_id,
        merchant_id=merchant_id,
        type=public_events.TEST,
        message=public_events.TEST_MESSAGE,
        body=pb.TestEvent(webhook_endpoint_id=endpoint_id).SerializeToString(),
        traceparent=traceparent,
        created_at=now,
    )


def event_pb(event: PublicEvent) -> pb.Event:
    return pb.Event(
        id=event.id,
        type=event.type,
        created_at=wire.timestamp(event.created_at),
        data=AnyMessage(type_url=f"type.googleapis.com/{event.message}", value=event.body),
        trace_id=event.trace_id,
    )


def body_of(event: PublicEvent) -> bytes:
    """What a webhook carries: the bytes that `GET /v1/events/{id}` answers, the same each time."""
    return json_out.body_of(event_pb(event))


def endpoint_pb(endpoint: Endpoint, *, secret: str | None = None) -> pb.WebhookEndpoint:
    return pb.WebhookEndpoint(
        id=endpoint.id,
        state=ENDPOINT_STATES[endpoint.state],
        url=endpoint.url,
        description=endpoint.description,
        event_types=endpoint.event_types,
        secret=secret,
        previous_secret_expires_at=wire.opt_timestamp(endpoint.previous_secret_expires_at),
        disabled_reason=REASONS[endpoint.disabled_reason] if endpoint.disabled_reason else None,
        failing_since=wire.opt_timestamp(endpoint.failing_since),
        created_at=wire.timestamp(endpoint.created_at),
    )


def endpoint_disabled(endpoint: Endpoint) -> bytes:
    """Body of the event by which a merchant's other endpoints learn of it."""
    event = events_pb2.WebhookEndpointDisabled(webhook_endpoint=endpoint_pb(endpoint))
    return event.SerializeToString()


def delivery_pb(delivery: Delivery, attempts: Sequence[Attempt]) -> pb.WebhookDelivery:
    return pb.WebhookDelivery(
        id=delivery.id,
        state=DELIVERY_STATES[delivery.state],
        webhook_endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        attempts=[
            pb.WebhookAttempt(
                attempted_at=wire.timestamp(attempt.attempted_at),
                status=attempt.status,
                error=attempt.error,
                duration_ms=attempt.duration_ms,
                response_excerpt=attempt.excerpt,
            )
            for attempt in attempts
        ],
        next_attempt_at=wire.opt_timestamp(delivery.due_at),
        created_at=wire.timestamp(delivery.created_at),
    )


def customer_of(event: PublicEvent) -> str | None:
    """The customer that it is about, where it names one."""
    for part in erasing.parts(_message(event)):
        names = {field.name: value for field, value in part.ListFields()}
        found: str | None = names.get(
            "id" if part.DESCRIPTOR.full_name == _CUSTOMER else "customer_id"
        )
        if found:
            return found
    return None


def without_personal_data(event: PublicEvent) -> bytes:
    """Its body, with nothing in it of the person."""
    return erasing.clear(_message(event), PERSONAL)


def _message(event: PublicEvent) -> Message:
    return message_factory.GetMessageClass(descriptors.message(event.message)).FromString(
        event.body
    )
