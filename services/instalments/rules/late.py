"""What being late costs, and when it is default. Pure.

The fee only compensates what a missed instalment costs the creditor: one for each, a cap for the
plan, both fixed in the terms before signing. There is no interest on arrears.
"""

from datetime import date, timedelta

from services.instalments.rules.terms import Terms


def late_fee(terms: Terms, *, due_on: date, on: date, charged_minor: int) -> int:
    """Of one missed instalment; 0 within its days of grace. `charged_minor`: the plan's so far."""
    if on <= due_on + timedelta(days=terms.grace_days):
        return 0
    return min(terms.late_fee_minor, max(terms.late_fees_most_minor - charged_minor, 0))


def default_on(terms: Terms, due_on: date) -> date:
    """When an instalment that is missed all along puts the plan in default."""
    return due_on + timedelta(days=terms.dunning.default_after)
