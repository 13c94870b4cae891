"""Rules of merchants and keys, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from services.merchants.errors import (
    ApiKeyRevoked,
    NotATestMerchant,
    RevokedApiKeyNotRotatable,
    ScopeNotHeld,
    ScopeUnknown,
)
from services.merchants.rules import domain
from services.merchants.rules.domain import ApiKey, Branding, Kind, Merchant, MerchantChange, State

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KNOWN = frozenset({"payments:read", "payments:write", "refunds:write"})
KEY = ApiKey("key_1", "mer_1", Kind.SECRET, State.ACTIVE, "shop", ("*",), "abcd", NOW)
MERCHANT = Merchant(
    "mer_1", "Bottega", "IT", "EUR", "it", True, "basic", Branding(), timedelta(), NOW
)

spans = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=7))
states = st.sampled_from(State)


def in_state(state: State, *, ends_in: timedelta) -> ApiKey:
    return replace(KEY, state=state, expires_at=None if state is State.ACTIVE else NOW + ends_in)


def test_a_grant_is_sorted_and_without_repeats():
    wanted = ["refunds:write", "payments:read", "refunds:write"]
    granted = domain.grant(Kind.SECRET, wanted, known=KNOWN, held={"*"})
    assert granted == ("payments:read", "refunds:write")


def test_the_wildcard_scope_replaces_all_others():
    assert domain.grant(Kind.SECRET, ["*", "refunds:write"], known=KNOWN, held={"*"}) == ("*",)


def test_a_publishable_key_is_granted_nothing():
    assert domain.grant(Kind.PUBLISHABLE, ["*"], known=KNOWN, held=()) == ()


def test_a_refused_grant_says_what_is_wrong():
    with pytest.raises(ScopeUnknown, match=r'"payments:steal".*payments:read, .* and \*'):
        domain.grant(Kind.SECRET, ["payments:steal"], known=KNOWN, held={"*"})
    with pytest.raises(ScopeNotHeld, match='"refunds:write"'):
        domain.grant(Kind.SECRET, ["refunds:write"], known=KNOWN, held={"payments:read"})
    with pytest.raises(InvalidArgument):
        domain.grant(Kind.SECRET, [], known=KNOWN, held={"*"})


scopes = st.sets(st.sampled_from([*sorted(KNOWN), "*"]), min_size=1)


@given(held=scopes, wanted=scopes)
def test_nobody_gives_more_than_they_hold(held, wanted):
    try:
        granted = domain.grant(Kind.SECRET, wanted, known=KNOWN, held=held)
    except ScopeNotHeld:
        assert "*" not in held
        assert not wanted <= held
    else:
        assert "*" in held or set(granted) <= held


@given(state=states, ends_in=spans, overlap=spans)
def test_rotating_never_makes_a_key_live_longer_than_promised(state, ends_in, overlap):
    key = in_state(state, ends_in=ends_in)
    try:
        rotated = domain.rotate(key, overlap=overlap, now=NOW)
    except RevokedApiKeyNotRotatable:
        assert domain.at(key, NOW).state is State.REVOKED
        return
    assert rotated.expires_at <= NOW + overlap
    assert key.expires_at is None or rotated.expires_at <= key.expires_at
    assert (rotated.state is State.REVOKED) == (rotated.expires_at <= NOW)


@given(state=states, ends_in=spans, later=spans)
def test_what_has_ended_never_works_again(state, ends_in, later):
    key = in_state(state, ends_in=ends_in)
    ended = domain.revoke(key, NOW)
    assert ended.state is State.REVOKED
    assert domain.revoke(ended, NOW + later) == ended
    with pytest.raises(ApiKeyRevoked):
        domain.authenticate(ended, NOW + later)


@given(ends_in=spans, later=spans)
def test_a_replaced_key_works_until_its_end_and_not_a_moment_more(ends_in, later):
    key = in_state(State.EXPIRING, ends_in=ends_in)
    if later < ends_in:
        assert domain.authenticate(key, NOW + later) is key
    else:
        with pytest.raises(ApiKeyRevoked):
            domain.authenticate(key, NOW + later)


def test_a_change_keeps_absent_fields():
    changed = domain.change_merchant(MERCHANT, MerchantChange(name="Nova"))
    assert changed == replace(MERCHANT, name="Nova")
    colour = Branding(primary_colour="#0b5cad")
    assert domain.change_merchant(changed, MerchantChange(branding=colour)).branding == colour


@given(st.lists(st.integers(1, 315_576_000), max_size=20))
def test_a_clock_never_runs_back_and_stays_a_valid_date(steps):
    merchant = MERCHANT
    for step in steps:
        try:
            ahead = domain.advance(merchant, timedelta(seconds=step))
        except InvalidArgument:
            continue
        assert ahead.clock_offset > merchant.clock_offset
        assert NOW + ahead.clock_offset
        merchant = ahead


def test_only_test_merchants_have_a_clock():
    with pytest.raises(NotATestMerchant):
        domain.advance(replace(MERCHANT, test=False), timedelta(seconds=1))


def test_the_default_locale_depends_on_the_country():
    assert [domain.default_locale(country) for country in ("IT", "DE", "US")] == ["it", "en", "en"]
