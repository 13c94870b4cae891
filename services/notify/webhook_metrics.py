"""What webhooks count. RED metrics of the RPCs are the chassis'."""

from typing import Final

from prometheus_client import Counter, Gauge

ATTEMPTS: Final = Counter(
    "incasso_webhook_attempts_total", "Tries by where they left the webhook", ["outcome"]
)
OLDEST_PENDING: Final = Gauge(
    "incasso_webhook_oldest_pending_seconds", "Age of the oldest webhook that was not taken yet"
)
