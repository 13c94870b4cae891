"""The legal class of one offer, by day, length, charges, claim and seller."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from libs.money import Money
from services.instalments.rules import regimes
from services.instalments.rules.regimes import (
    Classification,
    Ground,
    NoRegimeError,
    Offered,
    PlanClass,
)
from services.instalments.rules.terms import FinancedBy

BEFORE, SINCE = date(2026, 11, 19), date(2026, 11, 20)
OWN, ASSIGNED, PARTNER = FinancedBy.OWN, FinancedBy.ASSIGNED, FinancedBy.PARTNER
DEFERRAL, CREDIT, OUT = PlanClass.DEFERRAL, PlanClass.CREDIT, PlanClass.OUT_OF_SCOPE


def offered(signed_on: date = SINCE, days: int = 30, **changes) -> Offered:
    free = Offered(
        amount=Money(300_00, "EUR"),
        interest_minor=0,
        fees_minor=0,
        signed_on=signed_on,
        last_due_on=signed_on + timedelta(days=days),
    )
    return replace(free, **changes)


def classified(offer: Offered, country: str = "IT") -> Classification:
    return regimes.classify(regimes.in_force(country, offer.signed_on), offer)


def of(offer: Offered) -> tuple[PlanClass, Ground]:
    found = classified(offer)
    return found.plan_class, found.ground


@pytest.mark.parametrize(
    ("large", "days", "expected"),
    [
        (False, 13, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (False, 14, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (False, 15, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (False, 49, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (False, 50, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (False, 51, (CREDIT, Ground.TOO_LONG)),
        (True, 13, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (True, 14, (DEFERRAL, Ground.WITHIN_LIMIT)),
        (True, 15, (CREDIT, Ground.TOO_LONG)),
        (True, 49, (CREDIT, Ground.TOO_LONG)),
        (True, 50, (CREDIT, Ground.TOO_LONG)),
        (True, 51, (CREDIT, Ground.TOO_LONG)),
    ],
)
def test_since_20_november_the_maximum_deferral_depends_on_the_sellers_size(large, days, expected):
    assert of(offered(SINCE, days, large_seller=large)) == expected
    assert of(offered(BEFORE, days, large_seller=large)) == (DEFERRAL, Ground.FREE_OF_CHARGES)


@pytest.mark.parametrize("days", [13, 14, 15, 49, 50, 51])
@pytest.mark.parametrize("large", [False, True])
def test_since_20_november_a_fee_or_an_assigned_claim_makes_credit(days, large):
    with_fee = offered(SINCE, days, fees_minor=1, large_seller=large)
    assert of(with_fee) == (CREDIT, Ground.CHARGES)
    assert of(replace(with_fee, financed_by=ASSIGNED)) == (CREDIT, Ground.CHARGES)
    assigned = offered(SINCE, days, financed_by=ASSIGNED, large_seller=large)
    assert of(assigned) == (CREDIT, Ground.THIRD_PARTY)


@pytest.mark.parametrize("days", [13, 14, 15, 49, 50, 51])
@pytest.mark.parametrize("large", [False, True])
def test_on_19_november_the_old_exclusions_hold(days, large):
    free = offered(BEFORE, days, large_seller=large)
    assert of(replace(free, financed_by=ASSIGNED)) == (DEFERRAL, Ground.FREE_OF_CHARGES)
    assert of(replace(free, fees_minor=3_00)) == (OUT, Ground.CHEAP_AND_SHORT)
    assert of(replace(free, fees_minor=3_01)) == (CREDIT, Ground.CHARGES)
    small = replace(free, amount=Money(199_99, "EUR"), fees_minor=20_00)
    assert of(small) == (OUT, Ground.BELOW_FLOOR)
    assert of(replace(small, amount=Money(200_00, "EUR"))) == (CREDIT, Ground.CHARGES)


def test_since_20_november_small_cheap_loans_are_credit():
    cheap = offered(SINCE, fees_minor=1, amount=Money(100_00, "EUR"))
    assert of(cheap) == (CREDIT, Ground.CHARGES)


def test_the_old_exclusion_of_cheap_credit_needs_a_short_term_and_no_interest():
    cheap = offered(BEFORE, 92, fees_minor=3_00)
    assert of(cheap) == (OUT, Ground.CHEAP_AND_SHORT)
    assert of(offered(BEFORE, 93, fees_minor=3_00)) == (CREDIT, Ground.CHARGES)
    assert of(replace(cheap, fees_minor=0, interest_minor=1)) == (CREDIT, Ground.CHARGES)


@pytest.mark.parametrize(("signed_on", "most"), [(BEFORE, 75_000_00), (SINCE, 100_000_00)])
def test_loans_above_the_ceiling_are_out_of_scope_but_still_lent(signed_on: date, most: int):
    dear = offered(signed_on, 400, fees_minor=1_000_00, amount=Money(most, "EUR"))
    assert of(dear) == (CREDIT, Ground.CHARGES)
    above = classified(replace(dear, amount=Money(most + 1, "EUR")))
    assert (above.plan_class, above.ground) == (OUT, Ground.ABOVE_CEILING)
    assert above.licence_article is not None
    assert not above.warning


def test_a_deferral_is_counted_from_delivery():
    late = offered(SINCE, 60, delivered_on=SINCE + timedelta(days=10))
    assert of(late) == (DEFERRAL, Ground.WITHIN_LIMIT)
    assert of(replace(late, delivered_on=SINCE + timedelta(days=9))) == (CREDIT, Ground.TOO_LONG)


def test_amounts_in_other_currencies_are_compared_by_reference_rates():
    dear = offered(SINCE, 400, fees_minor=1, amount=Money(20_000_000, "JPY"))
    assert of(dear) == (OUT, Ground.ABOVE_CEILING)
    assert of(replace(dear, amount=Money(10_000_000, "JPY"))) == (CREDIT, Ground.CHARGES)
    assert of(replace(dear, amount=Money(10**9, "UYW"))) == (CREDIT, Ground.CHARGES)


def test_credit_needs_a_licence_unless_a_partner_gives_it():
    assigned = offered(financed_by=ASSIGNED)
    assert "art. 37" in (classified(assigned).licence_article or "")
    partner = classified(replace(assigned, financed_by=PARTNER))
    assert (partner.plan_class, partner.licence_article) == (CREDIT, None)


def test_credit_carries_the_warning_and_the_example_and_a_deferral_neither():
    credit, deferral = classified(offered(days=51)), classified(offered())
    assert (credit.warning, credit.representative_example) == (True, True)
    assert (deferral.warning, deferral.representative_example) == (False, False)
    assert deferral.licence_article is None


def test_credit_before_20_november_needs_an_example_but_no_warning():
    credit = classified(offered(BEFORE, interest_minor=1))
    assert (credit.warning, credit.representative_example) == (False, True)


def test_a_class_names_its_article_and_the_version_of_the_law():
    found = classified(offered())
    assert (found.regime, "art. 2(2)(h)" in found.article) == ("it-2026", True)
    assert classified(offered(BEFORE)).regime == "it-2011"


def test_a_version_of_the_law_is_found_by_its_name():
    assert regimes.named("it-2011").applies_from < BEFORE
    with pytest.raises(NoRegimeError):
        regimes.named("it-1993")


@pytest.mark.parametrize(("country", "on"), [("XX", SINCE), ("IT", date(2011, 5, 31))])
def test_a_country_or_date_without_a_known_law_is_refused(country: str, on: date):
    with pytest.raises(NoRegimeError):
        regimes.in_force(country, on)


@pytest.mark.parametrize("country", sorted(regimes.JURISDICTIONS))
def test_every_country_has_an_article_for_each_ground_in_every_version(country: str):
    days = (0, 14, 50, 92, 400)
    amounts = (1_00, 199_99, 300_00, 80_000_00, 200_000_00)
    for when, length, amount, interest, fees, financed, large in product(
        (BEFORE, SINCE), days, amounts, (0, 1), (0, 1, 50_00), FinancedBy, (False, True)
    ):
        found = classified(
            offered(
                when,
                length,
                amount=Money(amount, "EUR"),
                interest_minor=interest,
                fees_minor=fees,
                financed_by=financed,
                large_seller=large,
            ),
            country,
        )
        assert found.article
