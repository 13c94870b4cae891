"""The metrics of notify. RED metrics of the RPCs are the chassis'."""

from typing import Final

from prometheus_client import Counter, Gauge

MESSAGES: Final = Counter(
    "incasso_messages_total", "Attempts to send messages by outcome", ["channel", "outcome"]
)
OLDEST_QUEUED: Final = Gauge(
    "incasso_oldest_queued_message_age_seconds", "Age of the oldest message waiting to be sent"
)
WEBHOOKS: Final = Counter(
    "incasso_webhook_attempts_total", "Webhook delivery attempts by outcome", ["outcome"]
)
OLDEST_WEBHOOK: Final = Gauge(
    "incasso_webhook_oldest_pending_seconds", "Age of the oldest pending webhook delivery"
)
