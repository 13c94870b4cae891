"""Which carts may be paid at the door, by rule; all offers are within all caps."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from services.cod.rules import couriers, offers
from services.cod.rules.couriers import CollectionMode, Courier, CourierTerms, Mode
from services.cod.rules.cuts import Cut
from services.cod.rules.fees import Deposit, Fee, Tier
from services.cod.rules.offers import Cart, Ineligible, Reason
from services.cod.rules.settings import Carts, Offered, Settings
from services.cod.rules.zones import Zone

AT = datetime(2026, 11, 26, tzinfo=UTC)
CASH, CARD = CollectionMode.CASH, CollectionMode.CARD
LAW = "D.Lgs. 231/2007 art. 49"
CART = Cart(price=Money(100_00, "EUR"), country="IT", on=date(2026, 11, 26), postcode="20121")
SETTINGS = Settings(currency="EUR")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def courier(**terms) -> Courier:
    stated = CourierTerms(
        **{"name": "C", "currency": "EUR", "cut": Cut(basis_points=300), "modes": (Mode(CASH),)}
        | terms
    )
    return couriers.on_terms(stated, courier_id="cou_1", merchant_id="mer_1", created_at=AT)


def why(of: Courier, cart: Cart = CART, settings: Settings = SETTINGS) -> Ineligible | None:
    return offers.offer_of(of, cart, settings).ineligible


def costing(minor: int) -> Cart:
    return replace(CART, price=eur(minor))


def fee_of(fixed_minor: int) -> Settings:
    return replace(SETTINGS, fee=Fee((Tier(fixed_minor=fixed_minor),), 2000))


def test_the_offer_collects_price_and_fee_to_the_cent():
    priced = offers.offer_of(courier(), costing(9_90 + 1_90), fee_of(1_00)).priced
    assert priced is not None
    assert (priced.total, priced.collect_minor) == (eur(12_80), 12_80)
    assert priced.fee.net_minor + priced.fee.vat_minor == 1_00


def test_cash_of_the_legal_limit_or_more_is_refused():
    assert why(courier(), costing(4_999_99)) is None
    limit = Ineligible(Reason.CASH_LIMIT, eur(4_999_99), LAW)
    assert why(courier(), costing(5_000_00)) == limit


def test_the_legal_limit_applies_to_the_total_with_the_fee():
    assert why(courier(), costing(4_998_99), fee_of(1_00)) is None
    unfit = why(courier(), costing(4_999_00), fee_of(1_00))
    assert unfit == Ineligible(Reason.CASH_LIMIT, eur(4_999_99), LAW)


def test_a_deposit_avoids_a_couriers_cap_but_not_the_legal_limit():
    half = replace(SETTINGS, deposit=Deposit(basis_points=5000))
    unfit = why(courier(), costing(6_000_00), half)
    assert unfit is not None
    assert unfit.reason is Reason.CASH_LIMIT
    assert why(courier(max_collect_minor=2_000_00), costing(4_000_00), half) is None


def test_the_legal_limit_applies_only_to_cash():
    both = courier(modes=(Mode(CASH, "CONT"), Mode(CARD, "POS")))
    priced = offers.offer_of(both, costing(6_000_00), SETTINGS).priced
    assert priced is not None
    assert priced.modes == (CARD,)


@pytest.mark.parametrize(
    ("of", "minor", "threshold"),
    [
        (courier(max_collect_minor=999_99), 1_000_00, 999_99),
        (courier(modes=(Mode(CASH, "", 258_22),)), 258_23, 258_22),
        (courier(max_collect_minor=999_99, modes=(Mode(CASH, "", 258_22),)), 1_000_00, 258_22),
        (courier(modes=(Mode(CASH, "a", 258_22), Mode(CARD, "b", 500_00))), 600_00, 500_00),
    ],
)
def test_an_amount_above_a_couriers_cap_is_refused_with_the_cap(of, minor, threshold):
    assert why(of, costing(minor)) == Ineligible(Reason.COURIER_LIMIT, eur(threshold))
    assert why(of, costing(threshold)) is None


@pytest.mark.parametrize(
    ("settings", "cart", "unfit"),
    [
        ({"offered": Offered.NEVER}, {}, Ineligible(Reason.NOT_OFFERED)),
        ({"offered": Offered.AFTER_FAILED_PAYMENT}, {}, Ineligible(Reason.NO_FAILED_PAYMENT)),
        ({"offered": Offered.AFTER_FAILED_PAYMENT}, {"failed_methods": ("one_click",)}, None),
        ({"currency": "CHF"}, {}, Ineligible(Reason.CURRENCY, detail="CHF")),
        (
            {"carts": Carts(excluded_categories=("gold", "cards"))},
            {"categories": ("shoes", "gold")},
            Ineligible(Reason.CATEGORY, detail="gold"),
        ),
        ({"carts": Carts(100_01)}, {}, Ineligible(Reason.MINIMUM_AMOUNT, eur(100_01))),
        ({"carts": Carts(0, 99_99)}, {}, Ineligible(Reason.MAXIMUM_AMOUNT, eur(99_99))),
        ({"carts": Carts(100_00, 100_00)}, {}, None),
        ({"deposit": Deposit(basis_points=10_000)}, {}, Ineligible(Reason.NOTHING_TO_COLLECT)),
    ],
)
def test_the_merchants_settings_decide_whether_a_cart_is_eligible(settings, cart, unfit):
    assert why(courier(), replace(CART, **cart), replace(SETTINGS, **settings)) == unfit


@pytest.mark.parametrize(
    ("terms", "cart", "unfit"),
    [
        ({"currency": "CHF"}, {}, Ineligible(Reason.CURRENCY, detail="CHF")),
        ({"zones": (Zone("FR"),)}, {}, Ineligible(Reason.COUNTRY, detail="IT")),
        ({"zones": (Zone("IT", ("10",)),)}, {}, Ineligible(Reason.POSTCODE)),
        (
            {"zones": (Zone("IT", ("10",)),)},
            {"postcode": None},
            Ineligible(Reason.POSTCODE_MISSING),
        ),
        ({}, {"country": "SM"}, Ineligible(Reason.COUNTRY, detail="SM")),
        ({}, {"on": date(2022, 12, 31)}, Ineligible(Reason.COUNTRY, detail="IT")),
        ({"modes": (Mode(CARD),)}, {"country": "SM"}, None),
    ],
)
def test_the_couriers_terms_and_the_place_decide_whether_a_cart_is_eligible(terms, cart, unfit):
    assert why(courier(**terms), replace(CART, **cart)) == unfit


def test_the_cash_limit_applies_to_other_currencies_too():
    there = courier(currency="CHF")
    francs = replace(SETTINGS, currency="CHF")
    unfit = why(there, replace(CART, price=Money(6_000_00, "CHF")), francs)
    assert unfit is not None
    assert unfit.reason is Reason.CASH_LIMIT
    assert unfit.threshold is not None
    assert unfit.threshold.currency == "CHF"


def test_the_cheapest_courier_comes_first_and_unavailable_ones_last():
    dear = replace(courier(cut=Cut(basis_points=300)), id="cou_dear")
    cheap = replace(courier(cut=Cut(fixed_minor=2_00)), id="cou_cheap")
    away = replace(courier(zones=(Zone("FR"),)), id="cou_away")
    found = offers.compared([away, dear, cheap], CART, SETTINGS)
    assert [offer.courier.id for offer in found] == ["cou_cheap", "cou_dear", "cou_away"]


def test_unavailable_couriers_are_ordered_by_how_easily_the_cart_can_be_fixed():
    """First couriers that need only a postcode, then another amount, then another place."""
    some = (Zone("IT", ("10",)),)
    known = [
        replace(courier(currency="CHF"), id="francs"),
        replace(courier(zones=(Zone("FR"),)), id="abroad"),
        replace(courier(zones=some), id="elsewhere"),
        replace(courier(max_collect_minor=50_00), id="less"),
        replace(courier(max_collect_minor=70_00), id="more"),
    ]
    found = offers.compared(known, CART, SETTINGS)
    assert [offer.courier.id for offer in found] == [
        "more", "less", "elsewhere", "abroad", "francs",
    ]  # fmt: skip
    nowhere = replace(CART, postcode=None)
    first, *_ = offers.compared(known, nowhere, SETTINGS)
    assert first.courier.id == "elsewhere"
    assert first.ineligible == Ineligible(Reason.POSTCODE_MISSING)


def test_a_cap_is_reported_before_a_missing_postcode():
    small = courier(zones=(Zone("IT", ("10",)),), max_collect_minor=99_99)
    unfit = why(small, replace(CART, postcode=None))
    assert unfit == Ineligible(Reason.COURIER_LIMIT, eur(99_99))


MINOR = st.integers(1, 999_999_99)
CAPS = st.none() | MINOR


@given(
    MINOR,
    CAPS,
    CAPS,
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(0, 1_000_00),
)
def test_no_offer_is_above_a_cap(price, whole, of_cash, fee, deposit, fixed):
    settings = replace(
        SETTINGS,
        fee=Fee((Tier(0, fixed, fee),), 2200),
        deposit=Deposit(basis_points=deposit),
    )
    modes = (Mode(CASH, "a", of_cash), Mode(CARD, "b"))
    priced = offers.offer_of(
        courier(max_collect_minor=whole, modes=modes), costing(price), settings
    ).priced
    if priced is None:
        return
    assert priced.total.amount_minor == price + priced.fee.fee_minor
    assert priced.deposit_minor + priced.collect_minor == priced.total.amount_minor
    assert priced.collect_minor > 0
    assert whole is None or priced.collect_minor <= whole
    if CASH in priced.modes:
        assert priced.total.amount_minor < 5_000_00
        assert of_cash is None or priced.collect_minor <= of_cash
    assert 0 <= priced.cut_minor <= priced.collect_minor
