"""The metrics of paylink. RED metrics of the RPCs and metrics of due rows are the chassis'.

Counted when written: a transaction that is rolled back later counts too.
"""

from typing import Final

from prometheus_client import Counter, Gauge

LINKS: Final = Counter("incasso_payment_links_total", "Links created by origin", ["origin"])
PAID: Final = Counter("incasso_payment_links_paid_total", "Payments by link, by method", ["method"])
OLDEST_UNANSWERED: Final = Gauge(
    "incasso_oldest_unanswered_link_payment_age_seconds",
    "Age of the oldest link payment without an answer from payments",
)
