"""What terms may contain: each field is wrong in turn."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from libs.errors import InvalidArgument
from libs.money import Money
from services.instalments.rules import schedule, terms
from services.instalments.rules.terms import (
    DEFAULT_DUNNING,
    FinancedBy,
    Frequency,
    Partner,
    Terms,
    Unit,
)
from tests.services.instalments.given import NOW, terms_of


@pytest.mark.parametrize(("currency", "least"), [("EUR", 150_00), ("JPY", 150), ("KWD", 150_000)])
def test_the_default_minimum_is_150_in_major_units_of_the_currency(currency: str, least: int):
    default = terms.default_terms(terms_id="t", merchant_id="m", currency=currency, now=NOW)
    assert terms.checked(default).min_amount_minor == least


def test_default_terms_are_three_free_payments_retried_until_day_45():
    default = terms.default_terms(terms_id="t", merchant_id="m", currency="EUR", now=NOW)
    planned = schedule.planned(default, Money(160_00, "EUR"), NOW.date())
    last_retry = planned.last_due_on + timedelta(days=default.dunning.retry_after[-1])
    assert (len(planned.parts), planned.cost_minor) == (3, 0)
    assert last_retry - NOW.date() == timedelta(days=45)


DAILY = Frequency(Unit.DAY, 1)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("currency", {"currency_code": "eur"}),
        ("payments", {"payments": 0}),
        ("payments", {"payments": 121, "every": DAILY}),
        ("every.n", {"every": Frequency(Unit.DAY, 0)}),
        ("every.n", {"every": Frequency(Unit.DAY, 367)}),
        ("every.n", {"every": Frequency(Unit.WEEK, 53)}),
        ("every.n", {"every": Frequency(Unit.MONTH, 13)}),
        ("every", {"payments": 32, "every": Frequency(Unit.MONTH, 12)}),
        ("working_days_only", {"working_days_only": True, "every": Frequency(Unit.DAY, 6)}),
        ("down_payment_basis_points", {"down_payment_basis_points": 0}),
        ("down_payment_basis_points", {"down_payment_basis_points": 10_000}),
        ("down_payment_basis_points", {"down_payment_basis_points": 2_000, "payments": 1}),
        ("interest_basis_points", {"interest_basis_points": -1}),
        ("interest_basis_points", {"interest_basis_points": 10_001}),
        ("interest_basis_points", {"interest_basis_points": 900, "payments": 1}),
        ("upfront_fee_minor", {"upfront_fee_minor": -1}),
        ("upfront_fee_basis_points", {"upfront_fee_basis_points": 10_001}),
        ("payment_fee_minor", {"payment_fee_minor": -1}),
        ("payment_fee_minor", {"payment_fee_minor": 100, "payments": 1}),
        ("min_amount_minor", {"min_amount_minor": 0}),
        ("min_amount_minor", {"min_amount_minor": 2}),  # less than one per payment
        ("max_amount_minor", {"max_amount_minor": 149_99, "min_amount_minor": 150_00}),
        ("max_amount_minor", {"max_amount_minor": terms.LARGEST_MINOR + 1}),
        ("categories", {"categories": tuple(map(str, range(51)))}),
        ("categories.0", {"categories": ("",)}),
        ("categories.1", {"categories": ("toys", "toys")}),
        ("excluded_categories", {"categories": ("toys",), "excluded_categories": ("toys",)}),
        ("segments.0", {"segments": ("s" * 65,)}),
        ("grace_days", {"grace_days": -1}),
        ("late_fee_minor", {"late_fee_minor": -1}),
        ("late_fees_most_minor", {"late_fee_minor": 5_00, "late_fees_most_minor": 4_99}),
        ("dunning.default_after", {"dunning": replace(DEFAULT_DUNNING, default_after=0)}),
        ("dunning.retry_after.1", {"dunning": replace(DEFAULT_DUNNING, retry_after=(3, 3))}),
        ("dunning.retry_after.0", {"dunning": replace(DEFAULT_DUNNING, retry_after=(61,))}),
        ("dunning.remind_before.0", {"dunning": replace(DEFAULT_DUNNING, remind_before=(0,))}),
        (
            "dunning.remind_after",
            {"dunning": replace(DEFAULT_DUNNING, remind_after=tuple(range(1, 12)))},
        ),
        ("partner", {"financed_by": FinancedBy.PARTNER}),
        ("partner", {"partner": Partner("stripe-main", "klarna")}),
    ],
)
def test_an_invalid_field_is_named(field: str, changes: dict):
    given = {"min_amount_minor": 150_00, **changes}
    code = given.pop("currency_code", "EUR")
    wrong: Terms = replace(terms_of(**given), currency=code)
    with pytest.raises(InvalidArgument) as no:
        terms.checked(wrong)
    assert [violation.field for violation in no.value.violations] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"payments": 1},
        {"working_days_only": True, "every": Frequency(Unit.DAY, 7)},
        {"payments": 120, "every": Frequency(Unit.MONTH, 1)},
        {"payments": 31, "every": Frequency(Unit.MONTH, 12)},
        {"financed_by": FinancedBy.PARTNER, "partner": Partner("stripe-main", "klarna")},
        {"down_payment_basis_points": 3_000, "interest_basis_points": 999},
        {"late_fee_minor": 5_00, "late_fees_most_minor": 15_00},
        {"categories": ("toys",), "excluded_categories": ("books",), "segments": ("regulars",)},
    ],
)
def test_valid_terms_are_accepted(changes: dict):
    right = terms_of(**{"min_amount_minor": 150_00, **changes})
    assert terms.checked(right) is right


def test_every_14_days_is_every_two_weeks():
    assert Frequency(Unit.DAY, 14).years == Frequency(Unit.WEEK, 2).years == Fraction(2, 52)
    assert Frequency(Unit.DAY, 15).years == Fraction(15, 365)
