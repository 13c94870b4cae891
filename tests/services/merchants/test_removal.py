"""Members are removed at once, and one owner always remains."""

import asyncio

import pytest

from incasso.merchants.v1 import members_pb2 as pb
from libs.errors import Kind, Refusal
from tests.services.merchants.conftest import Merchants, refusal
from tests.services.merchants.people import ROLES, authenticate, invite, join, select


@pytest.fixture
async def merchant_id(service: Merchants) -> str:
    return (await service.create()).merchant.id


async def test_a_removed_member_loses_access_at_once_but_keeps_other_merchants(
    service, merchant_id
):
    await join(service, merchant_id)
    elsewhere = (await service.create(name="Altrove")).merchant.id
    bruno = await join(service, merchant_id, "bruno@shop.example", "viewer")
    also = await join(service, elsewhere, "bruno@shop.example", "viewer")
    fields = {"merchant_id": merchant_id, "member_id": bruno.member_id}
    for _ in range(2):
        answer = await service.call("RemoveMember", **fields)
        assert answer.member.state == pb.Member.STATE_REMOVED
    ended = authenticate(service, bruno.token)
    assert await refusal(ended) == (Kind.UNAUTHENTICATED, "session_unknown")
    assert (await authenticate(service, also.token)).membership.merchant_id == elsewhere
    assert await refusal(select(service, also.token, merchant_id)) == (
        Kind.FORBIDDEN,
        "no_membership",
    )
    role = service.call("ChangeMemberRole", role=ROLES["owner"], **fields)
    assert await refusal(role) == (Kind.CONFLICT, "member_ended")


async def test_the_last_owner_cannot_be_removed_or_demoted(service, merchant_id):
    owner = await join(service, merchant_id)
    fields = {"merchant_id": merchant_id, "member_id": owner.member_id}
    await invite(service, merchant_id, "next@shop.example")  # who has not joined
    removed = service.call("RemoveMember", **fields)
    assert await refusal(removed) == (Kind.CONFLICT, "last_owner")
    lowered = service.call("ChangeMemberRole", role=ROLES["viewer"], **fields)
    assert await refusal(lowered) == (Kind.CONFLICT, "last_owner")


async def test_of_two_owners_removed_concurrently_one_stays(service, merchant_id):
    owners = [await join(service, merchant_id, f"{name}@shop.example") for name in "ab"]
    removals = [
        service.call("RemoveMember", merchant_id=merchant_id, member_id=owner.member_id)
        for owner in owners
    ]
    results = await asyncio.gather(*removals, return_exceptions=True)
    assert [each.reason for each in results if isinstance(each, Refusal)] == ["last_owner"]
