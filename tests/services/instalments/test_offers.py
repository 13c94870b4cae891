"""Which terms are available for a cart, and why the others are not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from libs.money import Money
from services.instalments.rules import offers, terms
from services.instalments.rules.offers import Cart, Ineligible, PlanOffer, Reason, Seller
from services.instalments.rules.regimes import PlanClass
from services.instalments.rules.terms import Bearer, FinancedBy, Frequency, Partner, Terms, Unit
from tests.services.instalments.given import MONTHLY, NOW, terms_of

TODAY = date(2026, 11, 26)
SMALL = Seller(jurisdiction="IT", large=False, authorised=False)
LENDER = replace(SMALL, authorised=True)
CART = Cart(amount=Money(160_00, "EUR"), signed_on=TODAY)


def judged(of: Terms, cart: Cart = CART, seller: Seller = SMALL) -> PlanOffer:
    return offers.offer_of(of, cart, seller)


def refused(of: Terms, cart: Cart = CART, seller: Seller = SMALL) -> Ineligible | None:
    found = judged(of, cart, seller)
    assert (found.priced is None) != (found.ineligible is None)
    return found.ineligible


def priced(of: Terms, cart: Cart = CART, seller: Seller = SMALL):
    found = judged(of, cart, seller).priced
    assert found is not None
    return found


def test_the_default_terms_are_offered_without_a_licence():
    default = terms.default_terms(terms_id="t", merchant_id="m", currency="EUR", now=NOW)
    found = priced(default)
    assert [p.total_minor for p in found.schedule.parts] == [53_33, 53_33, 53_34]
    assert (found.taeg, found.merchant_cost_minor) == (0, 0)
    assert found.classification.plan_class is PlanClass.DEFERRAL


def test_the_default_terms_are_credit_for_a_large_seller_and_weekly_ones_are_not():
    large = replace(SMALL, large=True)
    no = refused(terms_of(), seller=large)
    assert no is not None
    assert no.reason is Reason.CREDIT_NOT_ALLOWED
    assert refused(terms_of(every=Frequency(Unit.WEEK, 1)), seller=large) is None


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (149_99, Ineligible(Reason.MINIMUM_AMOUNT, Money(150_00, "EUR"))),
        (150_00, None),
        (2_000_00, None),
        (2_000_01, Ineligible(Reason.MAXIMUM_AMOUNT, Money(2_000_00, "EUR"))),
    ],
)
def test_an_amount_out_of_range_is_refused_with_the_threshold(
    amount: int, expected: Ineligible | None
):
    default = terms.default_terms(terms_id="t", merchant_id="m", currency="EUR", now=NOW)
    assert refused(default, replace(CART, amount=Money(amount, "EUR"))) == expected


def test_another_currency_is_refused_with_the_accepted_one():
    no = refused(terms_of(), replace(CART, amount=Money(160_00, "USD")))
    assert no == Ineligible(Reason.CURRENCY, detail="EUR")


@pytest.mark.parametrize(
    ("allowed", "excluded", "of_cart", "detail"),
    [
        ((), (), ("toys",), None),
        (("toys",), (), ("toys",), None),
        (("toys",), (), ("toys", "books"), "books"),
        (("toys",), (), (), ""),
        ((), ("books",), ("toys", "books"), "books"),
        ((), ("books",), (), None),
    ],
)
def test_every_category_in_the_cart_must_be_eligible(allowed, excluded, of_cart, detail):
    found = refused(
        terms_of(categories=allowed, excluded_categories=excluded),
        replace(CART, categories=of_cart),
    )
    expected = None if detail is None else Ineligible(Reason.CATEGORY, detail=detail)
    assert found == expected


def test_segment_terms_are_offered_only_to_shoppers_of_a_listed_segment():
    regulars = terms_of(segments=("regulars", "staff"))
    assert refused(regulars) == Ineligible(Reason.SEGMENT)
    assert refused(regulars, replace(CART, segments=("staff", "new"))) is None


def test_archived_terms_are_not_offered():
    assert refused(terms_of(state=terms.TermsState.ARCHIVED)) == Ineligible(Reason.ARCHIVED)


def test_an_unsupported_country_is_refused():
    no = refused(terms_of(), replace(CART, country="DE"))
    assert no == Ineligible(Reason.COUNTRY, detail="DE")


def test_an_amount_too_small_to_split_is_refused():
    no = refused(terms_of(payments=24), replace(CART, amount=Money(20, "EUR")))
    assert no == Ineligible(Reason.TOO_SMALL_FOR_PAYMENTS)


def test_costs_that_leave_nothing_to_finance_are_refused():
    no = refused(terms_of(upfront_fee_minor=160_00), seller=LENDER)
    assert no == Ineligible(Reason.NO_RATE)


def test_due_dates_after_the_year_9999_are_refused():
    no = refused(terms_of(), replace(CART, signed_on=date(9999, 12, 20)))
    assert no is not None
    assert no.reason is Reason.DATES


@pytest.mark.parametrize(
    "costly",
    [
        {"every": MONTHLY},
        {"upfront_fee_minor": 1},
        {"payment_fee_minor": 1},
        {"interest_basis_points": 999},
        {"financed_by": FinancedBy.ASSIGNED},
    ],
)
def test_credit_needs_a_lender_and_the_refusal_cites_the_article(costly: dict):
    no = refused(terms_of(**costly))
    assert no is not None
    assert (no.reason, "art. 37" in no.detail) == (Reason.CREDIT_NOT_ALLOWED, True)
    assert priced(terms_of(**costly), seller=LENDER).classification.warning


def test_a_partner_may_finance_what_the_merchant_may_not():
    klarna = terms_of(
        every=MONTHLY, financed_by=FinancedBy.PARTNER, partner=Partner("stripe-main", "klarna")
    )
    found = priced(klarna).classification
    assert (found.plan_class, found.warning) == (PlanClass.CREDIT, True)


def test_a_fee_borne_by_the_merchant_is_its_cost_and_the_plan_stays_a_deferral():
    found = priced(terms_of(upfront_fee_basis_points=200, fees_borne_by=Bearer.MERCHANT))
    assert (found.merchant_cost_minor, found.schedule.cost_minor, found.taeg) == (3_20, 0, 0)
    assert found.classification.plan_class is PlanClass.DEFERRAL


def test_later_delivery_lengthens_a_deferral():
    six = terms_of(payments=5)  # the last after 60 days
    assert refused(six) is not None
    assert refused(six, replace(CART, delivered_on=TODAY + timedelta(days=10))) is None


def test_all_terms_are_compared_in_their_order():
    wanted = [terms_of(id="a"), terms_of(id="b", currency="USD"), terms_of(id="c", payments=2)]
    found = offers.compared(wanted, CART, SMALL)
    assert [(each.terms.id, each.priced is not None) for each in found] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]


def test_working_day_due_dates_skip_the_holidays_of_the_jurisdiction():
    found = priced(terms_of(working_days_only=True))
    assert [p.due_on for p in found.schedule.parts] == [
        date(2026, 11, 26),
        date(2026, 12, 11),
        date(2026, 12, 28),  # not on Saint Stephen's Day
    ]
