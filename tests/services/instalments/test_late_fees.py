"""The cost of being late."""

from datetime import date

import pytest

from services.instalments.rules import late_fees
from tests.services.instalments.given import terms_of

DUE = date(2026, 12, 11)
TERMS = terms_of(grace_days=5, late_fee_minor=5_00, late_fees_most_minor=12_00)


@pytest.mark.parametrize(
    ("on", "charged", "fee"),
    [
        (date(2026, 12, 11), 0, 0),
        (date(2026, 12, 16), 0, 0),  # the last day of grace
        (date(2026, 12, 17), 0, 5_00),
        (date(2026, 12, 17), 10_00, 2_00),  # what the cap leaves
        (date(2026, 12, 17), 12_00, 0),
        (date(2026, 12, 17), 15_00, 0),
    ],
)
def test_a_late_fee_stays_within_its_cap(on: date, charged: int, fee: int):
    assert late_fees.late_fee(TERMS, due_on=DUE, on=on, charged_minor=charged) == fee


def test_terms_without_a_late_fee_charge_none():
    assert late_fees.late_fee(terms_of(), due_on=DUE, on=date(2027, 6, 1), charged_minor=0) == 0


def test_the_default_date_follows_from_the_terms():
    assert late_fees.default_on(TERMS, DUE) == date(2027, 2, 9)
