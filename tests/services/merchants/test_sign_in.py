"""Signing in: passwords cannot be guessed, nor can known addresses be found out."""

import asyncio

import pytest

from libs import ids
from libs.errors import Kind, Refusal
from services.merchants.rules import passwords
from tests.services.merchants.conftest import Merchants, refusal
from tests.services.merchants.people import (
    ORIGIN,
    PASSWORD,
    authenticate,
    identify,
    invite,
    join,
    link_token,
    sign_in,
)

WRONG = (Kind.UNAUTHENTICATED, "sign_in_refused")
TOO_MANY = (Kind.RATE, "too_many_attempts")


@pytest.fixture
async def merchant_id(service: Merchants) -> str:
    return (await service.create()).merchant.id


@pytest.fixture
async def anna(service: Merchants, merchant_id: str):
    """A person with a password."""
    member = await invite(service, merchant_id)
    await service.call(
        "AcceptInvitationWithPassword",
        actor="console",
        token=await link_token(service, merchant_id, member.id),
        password=PASSWORD,
        name="Anna",
        origin=ORIGIN,
    )
    return member


async def test_signing_in_ignores_the_case_of_the_email(service, anna):
    made = await sign_in(service, "ANNA@Shop.Example")
    assert (await authenticate(service, made.token)).membership.member_id == anna.id


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    service, anna, monkeypatch
):
    checked: list[str | None] = []
    original = passwords.matches

    def matches(password: str, stored: str | None) -> bool:
        checked.append(stored)
        return original(password, stored)

    monkeypatch.setattr(passwords, "matches", matches)
    for email in (anna.email, "nobody@shop.example"):
        assert await refusal(sign_in(service, email, "wrong password")) == WRONG
    # Both cost one hash of the same parameters, so both take the same time.
    known, unknown = checked
    assert unknown is None
    assert known.rpartition("$")[0].split("$")[:4] == passwords.NOBODYS.split("$")[:4]


async def test_a_person_without_a_password_gets_the_same_refusal(service, merchant_id):
    await join(service, merchant_id, "oidc@shop.example")
    assert await refusal(sign_in(service, "oidc@shop.example")) == WRONG


async def test_ten_failed_sign_ins_from_any_ip_lock_an_email_for_fifteen_minutes(
    service, anna, time
):
    for number in range(10):
        guess = sign_in(service, anna.email, "wrong", f"198.51.100.{number}")
        assert await refusal(guess) == WRONG
    for address in ("198.51.100.77", ORIGIN["address"]):
        assert await refusal(sign_in(service, anna.email, PASSWORD, address)) == TOO_MANY
    time.advance(minutes=15)
    await sign_in(service, anna.email)


async def test_sign_ins_for_an_unknown_email_are_limited_too(service, merchant_id):
    for _ in range(10):
        assert await refusal(sign_in(service, "nobody@shop.example", "wrong")) == WRONG
    assert await refusal(sign_in(service, "nobody@shop.example", "wrong")) == TOO_MANY


async def test_concurrent_sign_ins_do_not_exceed_the_limit(service, anna):
    guesses = [sign_in(service, anna.email, "wrong") for _ in range(14)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    reasons = [each.reason for each in results if isinstance(each, Refusal)]
    assert (reasons.count("sign_in_refused"), reasons.count("too_many_attempts")) == (10, 4)


async def test_a_network_that_tries_many_emails_is_locked_out(service, anna, monkeypatch):
    monkeypatch.setattr("services.merchants.rules.attempts._PER_NETWORK", 3)
    for number in range(3):
        guess = sign_in(service, f"{number}@x.example", "wrong", f"2001:db8::{number + 1}")
        assert await refusal(guess) == WRONG
    assert await refusal(sign_in(service, anna.email, PASSWORD, "2001:db8::9")) == TOO_MANY
    await sign_in(service, anna.email, PASSWORD, "203.0.113.9")


async def test_a_successful_sign_in_resets_the_failures(service, anna):
    for _ in range(3):
        for _ in range(4):
            assert await refusal(sign_in(service, anna.email, "wrong")) == WRONG
        await sign_in(service, anna.email)


async def test_reauthentication_requires_the_right_password(service, anna, time):
    token = (await sign_in(service, anna.email)).token
    time.advance(minutes=5)
    fields = {"actor": "console", "token": token, "origin": ORIGIN}
    wrong = service.call("ReauthenticateWithPassword", password="wrong", **fields)
    assert await refusal(wrong) == WRONG
    answer = await service.call("ReauthenticateWithPassword", password=PASSWORD, **fields)
    found = await authenticate(service, answer.new_token)
    assert found.session.reauthenticated_at.ToDatetime() == time.now.replace(tzinfo=None)


async def test_password_calls_are_refused_when_passwords_are_off(service, anna, merchant_id):
    token = (await sign_in(service, anna.email)).token
    object.__setattr__(service.deps, "passwords", False)
    off = (Kind.FORBIDDEN, "passwords_off")
    assert await refusal(sign_in(service, anna.email)) == off
    again = service.call(
        "ReauthenticateWithPassword", actor="console", token=token, password=PASSWORD, origin=ORIGIN
    )
    assert await refusal(again) == off
    member = await invite(service, merchant_id, "next@shop.example")
    accepted = service.call(
        "AcceptInvitationWithPassword",
        actor="console",
        token=await link_token(service, merchant_id, member.id),
        password=PASSWORD,
        name="N",
        origin=ORIGIN,
    )
    assert await refusal(accepted) == off


async def test_an_identity_is_bound_at_the_first_sign_in_and_then_needs_no_email(
    service, merchant_id
):
    await invite(service, merchant_id)
    await identify(service, "anna@shop.example", subject="s-1")
    made = await identify(service, "", subject="s-1", email_verified=False)
    assert made.person.email == "anna@shop.example"


async def test_a_missing_or_unverified_email_is_refused(service, merchant_id):
    await invite(service, merchant_id)
    for claims in ({"email_verified": False}, {"email": ""}):
        signed = identify(service, "anna@shop.example", **claims)
        assert await refusal(signed) == (Kind.FORBIDDEN, "email_unverified")


async def test_an_email_without_a_valid_invitation_cannot_sign_in(service, merchant_id, time):
    out = (Kind.FORBIDDEN, "no_membership")
    assert await refusal(identify(service, "stranger@shop.example")) == out
    await invite(service, merchant_id)
    time.advance(days=8)  # the invitation has expired
    assert await refusal(identify(service, "anna@shop.example")) == out


async def test_a_person_with_no_membership_left_cannot_sign_in(service, merchant_id):
    await join(service, merchant_id)
    bruno = await join(service, merchant_id, "bruno@shop.example")
    await service.call("RemoveMember", merchant_id=merchant_id, member_id=bruno.member_id)
    again = identify(service, bruno.email)
    assert await refusal(again) == (Kind.FORBIDDEN, "no_membership")


async def test_another_identity_of_one_provider_with_the_same_email_is_refused(
    service, merchant_id
):
    """A provider that gives a mailbox to another person does not give them the membership."""
    await join(service, merchant_id)
    other = identify(service, "anna@shop.example", subject=ids.new("sub"))
    assert await refusal(other) == (Kind.FORBIDDEN, "identity_mismatch")
    await identify(service, "anna@shop.example", issuer="https://other.example")
