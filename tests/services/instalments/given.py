"""Terms for tests of rules: lawful ones, with a test's changes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.instalments.rules import terms
from services.instalments.rules.terms import Frequency, Terms, Unit

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
MONTHLY = Frequency(Unit.MONTH, 1)


def terms_of(**changes: Any) -> Terms:
    """Three payments 15 days apart without any cost, for any amount, except for `changes`."""
    currency = changes.pop("currency", "EUR")
    default = terms.default_terms(terms_id="trm_1", merchant_id="mer_1", currency=currency, now=NOW)
    free = replace(default, min_amount_minor=1, max_amount_minor=terms.LARGEST_MINOR)
    return replace(free, **changes)
