"""Late fees, and when a plan defaults. Pure.

The fee only compensates the creditor's cost of a missed instalment: one fee each, with a cap per
plan, both fixed in the terms before signing. There is no interest on arrears.
"""

from datetime import date, timedelta

from services.instalments.rules.terms import Terms


def late_fee(terms: Terms, *, due_on: date, on: date, charged_minor: int) -> int:
    """The fee for one missed instalment; 0 within its grace days. `charged_minor`: the plan's total
    so far.
    """
    if on <= due_on + timedelta(days=terms.grace_days):
        return 0
    return min(terms.late_fee_minor, max(terms.late_fees_most_minor - charged_minor, 0))


def default_on(terms: Terms, due_on: date) -> date:
    """When an instalment that stays missed puts the plan in default."""
    return due_on + timedelta(days=terms.dunning.default_after)
