"""What notify keeps, in real time."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, WITH_ROW, Kept, Rule, Table

# Events, and finished deliveries: replays need none older, and they name shoppers.
EVENTS: Final = timedelta(days=90)
# Recipients of messages: a card payment can be disputed for 13 months at most. The message stays.
RECIPIENTS: Final = timedelta(days=396)
# Reports about unknown messages: sent before we have stored the provider's reference, or by
# mistake.
NOTICES: Final = timedelta(days=7)

KEPT: Final = Kept(
    {
        "messages": Table(
            "sent messages and their cost",
            plain="merchant_id id state kind channel locale payment_link_id payment_id customer_id plan_id"
            " cod_order_id"
            " event_id error provider_reference resend_of body_sha256 listed_state"
            " text_reference",
            personal={
                "recipient": f"{ERASED}, else {BY_RULE}",
                "about": f"names in it {ERASED}, else {BY_RULE}",
            },
        ),
        "due_messages": Table(
            "messages waiting to be sent, or in progress", plain="merchant_id id channel"
        ),
        "message_attempts": Table("every attempt", plain="merchant_id message_id outcome error"),
        "provider_notices": Table(
            "what providers reported about messages",
            plain="provider_reference event error suppression",
        ),
        "suppressions": Table(
            "recipients to whom nothing more is sent",
            plain="merchant_id id channel reason",
            personal={"recipient": "when the suppression is lifted"},
        ),
        "events": Table(
            "events that merchants can read",
            plain="merchant_id id type message traceparent customer_id",
            personal={"body": f"{ERASED}, else {WITH_ROW}"},
        ),
        "webhook_endpoints": Table(
            "merchants' webhook endpoints",
            plain="merchant_id id state disabled_reason url description event_types",
        ),
        "webhook_secrets": Table(
            "sealed keys that sign webhooks",
            plain="merchant_id endpoint_id",
            secret={"sealed": "with its endpoint"},
        ),
        "webhook_deliveries": Table(
            "deliveries of webhooks", plain="merchant_id id endpoint_id event_id event_type state"
        ),
        "sms_quotas": Table("text messages per month", plain="merchant_id"),
        "webhook_attempts": Table("every attempt", plain="merchant_id delivery_id error excerpt"),
    },
    (  # in this order: an event is deleted once its deliveries are
        Rule("webhook_deliveries", "ended_at", EVENTS, "no replay goes back further"),
        Rule(
            "events",
            "received_at",
            EVENTS,
            "no replay goes back further",
            where="NOT EXISTS (SELECT FROM webhook_deliveries AS delivery"
            " WHERE (delivery.merchant_id, delivery.event_id) = (events.merchant_id, events.id))",
        ),
        Rule(
            "messages",
            "queued_at",
            RECIPIENTS,
            "as long as the payment may be disputed",
            where="NOT forgotten AND NOT EXISTS (SELECT FROM due_messages AS due"
            " WHERE (due.merchant_id, due.id) = (messages.merchant_id, messages.id))",
            clear={
                "recipient": "''",
                "about": """about || '{"name": "", "account": ""}'""",
                "forgotten": "true",
            },
        ),
        Rule(
            "provider_notices",
            "received_at",
            NOTICES,
            "the message has been updated, or is not ours",
        ),
    ),
)
