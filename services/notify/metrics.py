"""The metrics of notify. RED metrics of the RPCs are the chassis'."""

from typing import Final

from prometheus_client import Counter, Gauge

MESSAGES: Final = Counter(
    "incasso_messages_total", "Tries of messages by what came of them", ["channel", "outcome"]
)
OLDEST_QUEUED: Final = Gauge(
    "incasso_oldest_queued_message_age_seconds", "Age of the oldest message that waits"
)
WEBHOOKS: Final = Counter(
    "incasso_webhook_attempts_total", "Tries by where they left the webhook", ["outcome"]
)
OLDEST_WEBHOOK: Final = Gauge(
    "incasso_webhook_oldest_pending_seconds", "Age of the oldest webhook that was not taken yet"
)
