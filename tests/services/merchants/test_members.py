"""Members by RPC: invited, joined, given other roles and removed; one owner always remains."""

import asyncio

import pytest

from incasso.merchants.v1 import events_pb2
from incasso.merchants.v1 import members_pb2 as pb
from libs import ids
from libs.errors import Kind, RemoteRefusal
from services.merchants.rules import members as rules
from tests.services.merchants.conftest import CONSOLE_URL, Merchants, refusal
from tests.services.merchants.people import (
    ORIGIN,
    PASSWORD,
    ROLES,
    authenticate,
    identify,
    invite,
    join,
    link_token,
    sign_in,
)


@pytest.fixture
async def merchant_id(service: Merchants) -> str:
    return (await service.create()).merchant.id


async def invitations(service: Merchants) -> list:
    async with service.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT body FROM outbox WHERE subject = 'incasso.merchants.member.invited'"
            " ORDER BY seq"
        )
    return [events_pb2.MemberInvited.FromString(row["body"]) for row in rows]


async def accept_with_password(service: Merchants, token: str):
    return await service.call(
        "AcceptInvitationWithPassword",
        actor="console",
        token=token,
        password=PASSWORD,
        name="Anna",
        origin=ORIGIN,
    )


async def test_an_invited_person_is_notified_and_joins_with_the_link(service, merchant_id):
    member = await invite(service, merchant_id, "Anna@Shop.example", "finance")
    assert (member.state, member.email) == (pb.Member.STATE_INVITED, "anna@shop.example")
    (invitation,) = await invitations(service)
    assert (invitation.member_id, invitation.email, invitation.locale) == (
        member.id,
        member.email,
        "it",
    )
    issued = await service.call("IssueInvitationLink", merchant_id=merchant_id, member_id=member.id)
    assert issued.url.startswith(f"{CONSOLE_URL}/invitations/")
    token = issued.url.rpartition("/")[2]
    shown = (await service.call("GetInvitation", actor="console", token=token)).invitation
    assert (shown.merchant_name, shown.role) == ("Bottega", ROLES["finance"])
    assert not shown.has_password
    made = (await accept_with_password(service, token)).signed_in
    assert [each.member_id for each in made.memberships] == [member.id]
    found = await authenticate(service, made.token)
    assert (found.membership.member_id, found.person.name) == (member.id, "Anna")
    assert "refunds:write" in found.scopes
    assert "members:write" not in found.scopes


async def test_no_token_or_password_is_stored_in_plain_text(service, merchant_id):
    member = await invite(service, merchant_id)
    token = await link_token(service, merchant_id, member.id)
    session = (await accept_with_password(service, token)).signed_in.token
    async with service.deps.db.connection() as conn:
        tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            rows = await conn.fetch(f'SELECT t::text AS text FROM "{table["tablename"]}" AS t')
            for secret in (token, session, PASSWORD):
                assert not any(secret in row["text"] for row in rows)


async def test_a_link_works_once(service, merchant_id):
    member = await invite(service, merchant_id)
    first = await link_token(service, merchant_id, member.id)
    other = await link_token(service, merchant_id, member.id)
    await accept_with_password(service, first)
    for used in (first, other):
        shown = service.call("GetInvitation", actor="console", token=used)
        assert await refusal(shown) == (Kind.NOT_FOUND, "invitation_unknown")
        again = accept_with_password(service, used)
        assert await refusal(again) == (Kind.NOT_FOUND, "invitation_unknown")


async def test_only_one_of_concurrent_uses_of_a_link_joins(service, merchant_id):
    member = await invite(service, merchant_id)
    token = await link_token(service, merchant_id, member.id)
    tries = [accept_with_password(service, token) for _ in range(3)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each.reason for each in results if isinstance(each, RemoteRefusal)]
    assert refused == ["invitation_unknown"] * 2


@pytest.mark.parametrize("how", ["expired", "revoked", "sent again", "never issued"])
async def test_an_invalid_link_is_refused_without_saying_why(service, merchant_id, time, how):
    member = await invite(service, merchant_id)
    token = await link_token(service, merchant_id, member.id)
    fields = {"merchant_id": merchant_id, "member_id": member.id}
    match how:
        case "expired":
            time.advance(days=7)
        case "revoked":
            for _ in range(2):
                answer = await service.call("RevokeInvitation", **fields)
                assert answer.member.state == pb.Member.STATE_REVOKED
        case "sent again":
            await service.call("ResendInvitation", key="again", **fields)
        case _:
            token = token[::-1]
    accepted = accept_with_password(service, token)
    assert await refusal(accepted) == (Kind.NOT_FOUND, "invitation_unknown")


async def test_resending_an_invitation_renews_its_validity(service, merchant_id, time):
    member = await invite(service, merchant_id)
    time.advance(days=8)
    fields = {"merchant_id": merchant_id, "member_id": member.id}
    for _ in range(2):
        await service.call("ResendInvitation", key="one", **fields)
    assert len(await invitations(service)) == 2
    await accept_with_password(service, await link_token(service, merchant_id, member.id))
    after = service.call("ResendInvitation", key="two", **fields)
    assert await refusal(after) == (Kind.CONFLICT, "member_not_invited")


async def test_an_invitation_is_sent_ten_times_at_most(service, merchant_id):
    member = await invite(service, merchant_id)
    fields = {"merchant_id": merchant_id, "member_id": member.id}
    for number in range(rules.MOST_INVITATIONS - 1):
        await service.call("ResendInvitation", key=str(number), **fields)
    more = service.call("ResendInvitation", key="more", **fields)
    assert await refusal(more) == (Kind.RATE, "invitation_sent_too_often")


async def test_a_person_can_be_invited_again_only_after_revocation(service, merchant_id):
    first = await invite(service, merchant_id)
    assert (await invite(service, merchant_id)).id == first.id  # the same key
    other = invite(service, merchant_id, key="other")
    assert await refusal(other) == (Kind.CONFLICT, "member_exists")
    await service.call("RevokeInvitation", merchant_id=merchant_id, member_id=first.id)
    assert (await invite(service, merchant_id, key="third")).id != first.id


async def test_an_invitation_does_not_reveal_the_persons_name(service, merchant_id):
    await join(service, merchant_id)
    other = (await service.create()).merchant.id
    assert not (await invite(service, other)).HasField("name")
    (listed,) = (await service.call("ListMembers", merchant_id=other)).data
    assert (listed.email, listed.HasField("name")) == ("anna@shop.example", False)


async def test_members_are_listed_by_state_page_by_page(service, merchant_id):
    owner = await join(service, merchant_id)
    for number in range(3):
        await invite(service, merchant_id, f"{number}@shop.example", "viewer")
    first = await service.call("ListMembers", merchant_id=merchant_id, limit=2)
    rest = await service.call(
        "ListMembers", merchant_id=merchant_id, limit=2, cursor=first.next_cursor
    )
    emails = [member.email for member in (*first.data, *rest.data)]
    assert emails == [*(f"{number}@shop.example" for number in (2, 1, 0)), owner.email]
    active = await service.call(
        "ListMembers", merchant_id=merchant_id, state=pb.Member.STATE_ACTIVE
    )
    assert [(each.id, each.name) for each in active.data] == [(owner.member_id, "Anna Rossi")]


async def test_a_changed_role_applies_at_once(service, merchant_id):
    await join(service, merchant_id)
    other = await join(service, merchant_id, "bruno@shop.example", "viewer")
    assert "refunds:write" not in (await authenticate(service, other.token)).scopes
    await service.call(
        "ChangeMemberRole",
        merchant_id=merchant_id,
        member_id=other.member_id,
        role=ROLES["finance"],
    )
    assert "refunds:write" in (await authenticate(service, other.token)).scopes


async def test_an_invited_person_cannot_be_removed(service, merchant_id):
    member = await invite(service, merchant_id)
    removed = service.call("RemoveMember", merchant_id=merchant_id, member_id=member.id)
    assert await refusal(removed) == (Kind.CONFLICT, "member_not_joined")


async def test_a_merchant_cannot_see_or_change_anothers_members(service, merchant_id):
    member = await invite(service, merchant_id)
    other = (await service.create()).merchant.id
    assert not (await service.call("ListMembers", merchant_id=other)).data
    fields = {"merchant_id": other, "member_id": member.id}
    for rpc, more in {
        "GetMember": {},
        "ChangeMemberRole": {"role": ROLES["viewer"]},
        "RemoveMember": {},
        "RevokeInvitation": {},
        "ResendInvitation": {"key": "x"},
        "IssueInvitationLink": {},
    }.items():
        refused = service.call(rpc, **fields, **more)
        assert await refusal(refused) == (Kind.NOT_FOUND, "member_not_found"), rpc


async def test_notify_gets_an_invitation_link_only_for_the_invited_address(service, merchant_id):
    member = await invite(service, merchant_id)
    fields = {"merchant_id": merchant_id, "member_id": member.id, "actor": "notify"}
    await service.call("IssueInvitationLink", recipient="Anna@shop.example", **fields)
    for other in ({"recipient": "thief@shop.example"}, {}):
        refused = service.call("IssueInvitationLink", **fields, **other)
        assert await refusal(refused) == (Kind.FORBIDDEN, "invitation_of_another_person")


async def test_only_the_invited_person_can_accept_and_may_repeat_it(service, merchant_id):
    anna = await invite(service, merchant_id)
    token = await link_token(service, merchant_id, anna.id)
    bruno = await join(service, merchant_id, "bruno@shop.example")
    fields = {"actor": "console", "token": token}
    stolen = service.call("AcceptInvitation", session_token=bruno.token, **fields)
    assert await refusal(stolen) == (Kind.FORBIDDEN, "invitation_of_another_person")
    session = (await identify(service, "anna@shop.example")).token
    for _ in range(2):
        answer = await service.call("AcceptInvitation", session_token=session, **fields)
        assert answer.member.state == pb.Member.STATE_ACTIVE
    assert (await authenticate(service, session)).membership.merchant_id == merchant_id


async def test_a_person_with_a_password_must_sign_in_to_accept_an_invitation(service, merchant_id):
    first = await invite(service, merchant_id)
    await accept_with_password(service, await link_token(service, merchant_id, first.id))
    elsewhere = (await service.create()).merchant.id
    second = await invite(service, elsewhere)
    token = await link_token(service, elsewhere, second.id)
    assert (
        await service.call("GetInvitation", actor="console", token=token)
    ).invitation.has_password
    refused = accept_with_password(service, token)
    assert await refusal(refused) == (Kind.CONFLICT, "password_exists")
    session = (await sign_in(service, first.email)).token
    await service.call("AcceptInvitation", actor="console", token=token, session_token=session)
    assert (await authenticate(service, session)).membership.merchant_id == elsewhere


async def test_the_number_of_members_is_limited(service, merchant_id, monkeypatch):
    monkeypatch.setattr(rules, "MOST_MEMBERS", 1)
    await invite(service, merchant_id)
    more = invite(service, merchant_id, "next@shop.example")
    assert await refusal(more) == (Kind.CONFLICT, "quota_exceeded")


async def test_an_invitation_is_refused_while_the_console_is_not_set_up(service, merchant_id):
    object.__setattr__(service.deps, "console_url", "")
    refused = invite(service, merchant_id)
    assert await refusal(refused) == (Kind.CONFLICT, "console_not_set_up")


async def test_unknown_merchants_and_members_are_not_found(service, merchant_id):
    nobody = invite(service, ids.new("mer"))
    assert await refusal(nobody) == (Kind.NOT_FOUND, "merchant_not_found")
    fields = {"merchant_id": merchant_id, "member_id": ids.new("mem")}
    assert await refusal(service.call("GetMember", **fields)) == (
        Kind.NOT_FOUND,
        "member_not_found",
    )
