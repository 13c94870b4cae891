"""When a card expires, and when two instruments are one card."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.oneclick.rules import instruments
from services.oneclick.rules.instruments import Card, Instrument, InstrumentState, SetUp, Token

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def card(month: int = 12, year: int = 2034, fingerprint: str = "fp") -> Card:
    return Card("visa", "4242", month, year, "IT", fingerprint)


def saved(*tokens: Token, on: Card | None = None) -> Instrument:
    return Instrument(
        id="ins_1",
        merchant_id="mer_1",
        customer_id="cus_1",
        state=InstrumentState.ACTIVE,
        card=on or card(),
        tokens=tokens,
        consent_id="cns_1",
        make_default=False,
        next_action_url="",
        last_challenge_at=None,
        merged_into=None,
        refusal=None,
        psp_account="a",
        setup_request=None,
        created_at=NOW,
    )


def test_a_card_expires_at_the_end_of_its_month():
    assert not instruments.is_expired(
        card(11, 2026), datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    )
    assert instruments.is_expired(card(11, 2026), datetime(2026, 12, 1, tzinfo=UTC))
    assert not instruments.is_expired(card(12, 2026), datetime(2026, 12, 31, 23, tzinfo=UTC))
    assert instruments.is_expired(card(12, 2026), datetime(2027, 1, 1, tzinfo=UTC))


def test_an_instrument_without_a_date_never_expires():
    assert not instruments.is_expired(card(0, 0), datetime(9999, 1, 1, tzinfo=UTC))


@given(st.integers(1, 12), st.integers(2000, 2100), st.datetimes(timezones=st.just(UTC)))
def test_what_has_expired_stays_expired(month: int, year: int, now: datetime):
    if now < datetime(9990, 1, 1, tzinfo=UTC) and instruments.is_expired(card(month, year), now):
        assert instruments.is_expired(card(month, year), now + timedelta(days=400))


def test_cards_with_the_same_non_empty_fingerprint_are_the_same():
    existing = saved(Token("a", "tok_1", "psp"))
    assert instruments.same_card([existing], card()) is existing
    assert instruments.same_card([existing], card(fingerprint="other")) is None
    assert instruments.same_card([saved(on=card(fingerprint=""))], card(fingerprint="")) is None


def test_a_card_saved_at_another_psp_account_gets_a_second_token():
    first, second = Token("a", "tok_1", "psp"), Token("b", "tok_2", "psp")
    merged = instruments.merge(saved(first), SetUp(card(), second, ""))
    assert merged.tokens == (first, second)
    assert merged.leftover is None


def test_a_card_saved_again_at_one_account_keeps_its_token_and_discards_the_new():
    first, second = Token("a", "tok_1", "psp"), Token("a", "tok_2", "psp")
    merged = instruments.merge(saved(first), SetUp(card(), second, ""))
    assert merged.tokens == (first,)
    assert merged.leftover == second


def test_a_token_saved_again_is_not_discarded():
    token = Token("a", "tok_1", "psp")
    assert instruments.merge(saved(token), SetUp(card(), token, "")).leftover is None


def test_a_renewed_card_replaces_the_token_of_the_old_one():
    first, second = Token("a", "tok_1", "psp"), Token("a", "tok_2", "psp")
    merged = instruments.merge(saved(first), SetUp(card(1, 2035), second, ""))
    assert merged.tokens == (second,)
    assert merged.leftover == first
    assert (merged.card.exp_month, merged.card.exp_year) == (1, 2035)
