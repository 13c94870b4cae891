"""The metrics of payments. The chassis provides the RED metrics of the RPCs."""

from typing import Final

from prometheus_client import Counter, Gauge

PAYMENTS: Final = Counter(
    "incasso_payments_total", "Payments by the state they came to and PSP", ["state", "psp"]
)
FAIL_OVERS: Final = Counter(
    "incasso_payment_next_attempts_total", "Attempts after a certain no", ["psp"]
)
DUPLICATES: Final = Counter(
    "incasso_duplicate_orders_total", "Second payments of an order, by the policy met", ["policy"]
)
BREAKER_OPEN: Final = Gauge(
    "incasso_psp_breaker_open",
    "1 while authorisations are not sent to the PSP account",
    ["psp_account", "psp_account_id"],
)
OLDEST_UNKNOWN: Final = Gauge(
    "incasso_oldest_unknown_attempt_age_seconds", "Age of the oldest attempt without an outcome"
)
UNRESOLVED: Final = Gauge(
    "incasso_unresolved_attempts", "Attempts without an outcome after a day of asking"
)
NOTICES: Final = Counter("incasso_psp_webhooks_total", "Webhooks of PSPs", ["psp", "outcome"])
