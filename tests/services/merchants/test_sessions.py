"""Sessions by RPC: how they begin, are replaced and end, and what they show."""

import asyncio
from contextlib import nullcontext

import pytest

from incasso.merchants.v1 import sessions_pb2 as pb
from libs.db import name_of
from libs.errors import Kind
from services.merchants.rules import devices
from tests.services.merchants.conftest import Merchants, refusal
from tests.services.merchants.people import (
    ISSUER,
    ORIGIN,
    authenticate,
    identify,
    invite,
    join,
    select,
)

UNKNOWN = (Kind.UNAUTHENTICATED, "session_unknown")


def spying(made: list[str]):
    def span(sql: str):
        made.append(sql)
        return nullcontext()

    return span


@pytest.fixture
async def merchant_id(service: Merchants) -> str:
    return (await service.create()).merchant.id


@pytest.fixture
async def anna(service: Merchants, merchant_id: str):
    return await join(service, merchant_id)


async def refused(service: Merchants, token: str) -> bool:
    return await refusal(authenticate(service, token)) == UNKNOWN


async def test_a_session_returns_its_person_membership_and_scopes(service, anna):
    found = await authenticate(service, anna.token)
    assert found.person.email == anna.email
    assert found.membership.merchant_name == "Bottega"
    assert (found.session.device, found.session.address) == ("Firefox on Linux", ORIGIN["address"])
    assert "members:write" in found.scopes
    assert not found.HasField("new_token")


async def test_an_idle_session_ends_after_an_hour(service, anna, time):
    for _ in range(3):
        time.advance(minutes=59)
        await authenticate(service, anna.token)
    time.advance(minutes=61)
    assert await refused(service, anna.token)


async def test_a_session_ends_after_a_day(service, anna, time):
    token = anna.token
    for _ in range(31):
        time.advance(minutes=46)
        token = (await authenticate(service, token)).new_token or token
    time.advance(minutes=15)  # 24 hours and a minute since it began
    assert await refused(service, token)


async def test_a_replaced_token_works_until_the_new_one_is_used(service, anna, time):
    time.advance(minutes=16)
    first = await authenticate(service, anna.token)
    assert first.HasField("new_token")
    assert not (await authenticate(service, anna.token)).HasField("new_token")
    time.advance(minutes=2)  # the answer was lost
    second = await authenticate(service, anna.token)
    assert second.HasField("new_token")
    await authenticate(service, second.new_token)
    await authenticate(service, anna.token)  # a request already on its way
    time.advance(minutes=2)
    assert await refused(service, anna.token)
    assert await refused(service, first.new_token)
    await authenticate(service, second.new_token)


async def test_concurrent_requests_during_a_token_rotation_stay_signed_in(service, anna, time):
    time.advance(minutes=16)
    answers = await asyncio.gather(*(authenticate(service, anna.token) for _ in range(6)))
    (kept, *_) = [each.new_token for each in answers if each.HasField("new_token")]
    await asyncio.gather(*(authenticate(service, token) for token in (kept, anna.token, kept)))


async def test_each_sign_in_has_its_own_token(service, anna):
    made = await identify(service, anna.email)
    assert made.token != anna.token
    assert len(made.token) == 22


async def test_reauthentication_records_its_time_and_replaces_the_token(service, anna, time):
    time.advance(minutes=10)
    fields = {"actor": "console", "token": anna.token, "issuer": ISSUER}
    other = service.call("ReauthenticateWithIdentity", subject="somebody else", **fields)
    assert await refusal(other) == (Kind.FORBIDDEN, "identity_mismatch")
    answer = await service.call(
        "ReauthenticateWithIdentity", subject=f"sub of {anna.email}", **fields
    )
    found = await authenticate(service, answer.new_token)
    assert found.session.reauthenticated_at.ToDatetime() == time.now.replace(tzinfo=None)
    time.advance(minutes=2)
    assert await refused(service, anna.token)


async def test_a_session_works_for_one_merchant_at_a_time(service, anna):
    second = (await service.create(name="Altrove")).merchant.id
    await join(service, second, anna.email, "viewer")
    made = await identify(service, anna.email)
    assert [each.merchant_name for each in made.memberships] == ["Altrove", "Bottega"]
    chosen = await authenticate(service, made.token)
    assert not chosen.HasField("membership")
    assert not chosen.scopes
    for merchant_id, owns in ((second, False), (anna.merchant_id, True)):
        await select(service, made.token, merchant_id)
        found = await authenticate(service, made.token)
        assert found.membership.merchant_id == merchant_id
        assert ("members:write" in found.scopes) is owns
    listed = await service.call("ListMemberships", actor="console", token=made.token)
    assert len(listed.memberships) == 2


async def test_only_a_merchant_the_person_belongs_to_can_be_selected(service, anna):
    other = (await service.create()).merchant.id
    await invite(service, other, anna.email)  # who has not joined
    for merchant_id in (other, "mer_nobody"):
        assert await refusal(select(service, anna.token, merchant_id)) == (
            Kind.FORBIDDEN,
            "no_membership",
        )


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(service, anna, merchant_id):
    others = [(await identify(service, anna.email)).token for _ in range(3)]
    bruno = await join(service, merchant_id, "bruno@shop.example")
    fields = {"actor": "console", "token": anna.token}
    listed = (await service.call("ListSessions", **fields)).sessions
    assert [each.current for each in listed] == [False, False, False, True]
    assert all(each.device == "Firefox on Linux" for each in listed)
    named = {"which": pb.EndSessionsRequest.WHICH_NAMED, "session_id": listed[0].id}
    assert (await service.call("EndSessions", **fields, **named)).ended == 1
    assert await refused(service, others[2])
    again = service.call("EndSessions", **fields, **named)
    assert await refusal(again) == (Kind.NOT_FOUND, "session_not_found")
    foreign = (await authenticate(service, bruno.token)).session.id
    stranger = service.call("EndSessions", **fields, **{**named, "session_id": foreign})
    assert await refusal(stranger) == (Kind.NOT_FOUND, "session_not_found")
    rest = {"which": pb.EndSessionsRequest.WHICH_OTHERS}
    assert (await service.call("EndSessions", **fields, **rest)).ended == 2
    await service.call("EndSessions", which=pb.EndSessionsRequest.WHICH_THIS, **fields)
    assert await refused(service, anna.token)
    await authenticate(service, bruno.token)


async def test_a_person_has_twenty_sessions_at_most(service, anna):
    newer = [(await identify(service, anna.email)).token for _ in range(20)]
    assert await refused(service, anna.token)
    await authenticate(service, newer[0])


async def test_authenticating_a_session_costs_one_statement(service, anna, monkeypatch):
    made: list[str] = []
    monkeypatch.setattr("libs.db._span", spying(made))
    await authenticate(service, anna.token)
    assert [name_of(sql) for sql in made] == ["UPDATE sessions"]


async def test_a_person_changes_their_name_and_language(service, anna):
    fields = {"actor": "console", "token": anna.token}
    await service.call("UpdatePerson", name="Anna B.", **fields)
    person = (await service.call("UpdatePerson", locale="en", **fields)).person
    assert (person.name, person.locale) == ("Anna B.", "en")


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_device_is_named_by_browser_and_system(user_agent, device):
    assert devices.device_of(user_agent) == device
