"""Events, endpoints and deliveries as protobuf, and the bytes that webhooks carry."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from incasso.notify.v1 import events_pb2
from incasso.notify.v1 import webhooks_pb2 as pb
from libs import descriptors, erasing, json_out, public_events, wire
from services.notify.webhooks.rules.domain import (
    Endpoint,
    MadeEndpoint,
    PublicEvent,
    TriedDelivery,
)

ENDPOINT_DISABLED: Final = "incasso.notify.webhook_endpoint.disabled"

# Personal data in events, by message; a test compares the names with the contracts.
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


def test_event(
    endpoint_id: str, *, event_id: str, merchant_id: str, traceparent: str, now: datetime
) -> PublicEvent:
    """A test event that a merchant sends to one endpoint."""
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
    data = AnyMessage(type_url=f"type.googleapis.com/{event.message}", value=event.body)
    return wire.message(pb.Event, event, data=data, trace_id=event.trace_id)


def body_of(event: PublicEvent) -> bytes:
    """The body of a webhook: the bytes returned by `GET /v1/events/{id}`, the same each time."""
    return json_out.body_of(event_pb(event))


def made_pb(made: MadeEndpoint) -> pb.WebhookEndpoint:
    return wire.message(pb.WebhookEndpoint, made.endpoint, secret=made.secret)


def endpoint_disabled(endpoint: Endpoint) -> bytes:
    """Body of the event that notifies a merchant's other endpoints."""
    resource = wire.message(pb.WebhookEndpoint, endpoint)
    return events_pb2.WebhookEndpointDisabled(webhook_endpoint=resource).SerializeToString()


def delivery_pb(delivery: TriedDelivery) -> pb.WebhookDelivery:
    return wire.message(
        pb.WebhookDelivery,
        delivery,
        webhook_endpoint_id=delivery.endpoint_id,
        attempts=[
            wire.message(pb.WebhookAttempt, attempt, response_excerpt=attempt.excerpt)
            for attempt in delivery.attempts
        ],
        next_attempt_at=wire.opt_timestamp(delivery.due_at),
    )


def customer_of(event: PublicEvent) -> str | None:
    """The customer concerned, if the event names one."""
    for part in erasing.parts(_message(event)):
        names = {field.name: value for field, value in part.ListFields()}
        found: str | None = names.get(
            "id" if part.DESCRIPTOR.full_name == _CUSTOMER else "customer_id"
        )
        if found:
            return found
    return None


def without_personal_data(event: PublicEvent) -> bytes:
    """Its body without personal data."""
    return erasing.clear(_message(event), PERSONAL)


def _message(event: PublicEvent) -> Message:
    return message_factory.GetMessageClass(descriptors.message(event.message)).FromString(
        event.body
    )
