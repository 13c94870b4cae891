"""Customers and charges as pure rules."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from libs.payments.answer import Outcome
from services.oneclick.errors import CustomerErased
from services.oneclick.rules import domain, offers, sessions, spending
from services.oneclick.rules.domain import (
    CHARGE_TRANSITIONS,
    ChargeState,
    ContactChange,
    Customer,
    CustomerState,
)
from services.oneclick.rules.instruments import Card, InstrumentState
from services.oneclick.rules.offers import Buyer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CUSTOMER = Customer(
    id="cus_1",
    merchant_id="mer_1",
    state=CustomerState.ACTIVE,
    email="giulia@example.com",
    name="Giulia",
    phone=None,
    locale="it",
    metadata={"tier": "gold"},
    default_instrument_id="ins_1",
    default_address_id="adr_1",
    created_at=NOW,
)


def test_a_change_keeps_absent_fields():
    changed = domain.change(CUSTOMER, ContactChange(name="Giulia Bianchi", metadata={}))
    assert changed.name == "Giulia Bianchi"
    assert changed.email == CUSTOMER.email
    assert changed.metadata == {"tier": "gold"}


def test_an_erased_customer_keeps_nothing_personal_and_cannot_change():
    erased = domain.erase(CUSTOMER)
    assert (erased.email, erased.name, erased.locale, erased.metadata) == (None, None, None, {})
    assert erased.default_instrument_id is None
    assert domain.erase(erased) == erased
    with pytest.raises(CustomerErased):
        domain.change(erased, ContactChange(name="Giulia"))


def test_each_outcome_leads_to_one_state_only():
    for outcome in Outcome:
        assert set(domain.charge_sources(outcome).values()) == {domain.charge_target(outcome)}


@given(st.lists(st.sampled_from(Outcome), max_size=12))
def test_a_charge_that_ended_never_counts_again(outcomes: list[Outcome]):
    state = ChargeState.STARTED
    for outcome in outcomes:
        after = CHARGE_TRANSITIONS.get((state, outcome), state)
        if state not in domain.CHARGE_COUNTED:
            assert after is state
        state = after


def test_every_charge_state_maps_to_a_session_state():
    assert set(sessions.AFTER_CHARGE) == set(ChargeState)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_client_secrets_are_as_different_as_their_bits(one: bytes, other: bytes):
    first, second = (sessions.client_secret("ocs_1", proof) for proof in (one, other))
    assert first.startswith("ocs_1_secret_")
    assert len(first) == len("ocs_1_secret_") + 22
    assert (first == second) == (one == other)


VISA = Card("visa", "4242", 12, 2034, "IT", "fp")


BELOW = replace(spending.DEFAULT, max_charge=Money(49_999, "EUR"))
BUYER = Buyer(
    customer_state=CustomerState.ACTIVE,
    locale="it",
    wanted_id="ins_1",
    instrument_id="ins_1",
    instrument_state=InstrumentState.ACTIVE,
    card=VISA,
    tokens=(),
    consent_id="cns_1",
    last_challenge_at=None,
    address_id=None,
    policy=spending.DEFAULT,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"instrument_state": None}, "no_instrument"),
        ({"instrument_state": InstrumentState.REQUIRES_ACTION}, "no_instrument"),
        ({"consent_id": None}, "consent_missing"),
        ({"policy": BELOW}, "charge_limit_exceeded"),
    ],
)
def test_an_unavailable_offer_names_its_reason(change, reason):
    offer = offers.of_buyer(replace(BUYER, **change), Money(50_000, "EUR"), NOW)
    assert offer.reason == reason
    assert (offer.card is not None) == (reason is None)


@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("it", "Paga con Visa •••• 4242"),
        ("en-GB", "Pay with Visa •••• 4242"),
        (None, "Pay with Visa •••• 4242"),
    ],
)
def test_the_offers_label_is_in_the_customers_language(locale, label):
    offer = offers.of_buyer(replace(BUYER, locale=locale), Money(100, "EUR"), NOW)
    assert offer.label == label
