"""The metrics of payments. The chassis provides the RED metrics of the RPCs."""

from typing import Final

from prometheus_client import Counter, Gauge

PAYMENTS: Final = Counter(
    "incasso_payments_total", "Payments by state reached and PSP", ["state", "psp"]
)
FAIL_OVERS: Final = Counter(
    "incasso_payment_next_attempts_total", "Further attempts after a decline", ["psp"]
)
DUPLICATES: Final = Counter(
    "incasso_duplicate_orders_total",
    "Second payments for an order by the policy applied",
    ["policy"],
)
BREAKER_OPEN: Final = Gauge(
    "incasso_psp_breaker_open",
    "1 while no authorisations are sent to the PSP account",
    ["psp_account", "psp_account_id"],
)
OLDEST_UNKNOWN: Final = Gauge(
    "incasso_oldest_unknown_attempt_age_seconds", "Age of the oldest attempt without an outcome"
)
UNRESOLVED: Final = Gauge(
    "incasso_unresolved_attempts", "Attempts still without an outcome after a day"
)
NOTICES: Final = Counter(
    "incasso_psp_webhooks_total", "Webhooks from PSPs by outcome", ["psp", "outcome"]
)
