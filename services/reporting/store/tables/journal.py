"""The journal: every posting with its entry."""

from typing import Final

from services.reporting.rules.tables import PERIOD, Report, day, money, text, whole
from services.reporting.store.tables.moves import GIVEN, HAPPENED

REPORT: Final = Report(
    "journal",
    "Every posting with its entry, in the order of booking.",
    (
        *day("booked_on", "happened_on"),
        *text("entry_id"),
        *whole("number"),
        *text("kind", "debit_account", "debit_party", "credit_account", "credit_party", "currency"),
        *money("amount"),
        *text("method", "order_reference", "payment_id", "resource_id", "trace_id"),
    ),
    PERIOD,
    f"""{GIVEN}
SELECT posting.booked_on, posting.happened_on, posting.entry_id, posting.number, entry.kind,
    debit_account, debit_party, credit_account, credit_party, posting.currency, amount_minor,
    entry.method, entry.order_reference, entry.payment_id, entry.resource_id, entry.trace_id
FROM postings AS posting JOIN entries AS entry ON entry.merchant_id = $1
    AND entry.id = posting.entry_id AND entry.happened_on = posting.happened_on
    AND entry.happened_on {HAPPENED}
WHERE posting.merchant_id = $1 AND posting.booked_on BETWEEN $2 AND $3
    AND ($4::text IS NULL OR posting.currency = $4)
ORDER BY posting.booked_on, posting.entry_id, posting.number""",  # noqa: S608 - made of constants
)
