"""API keys through the gRPC servicer: scopes, rotation, revocation, and other merchants' keys."""

import asyncio

import pytest

from incasso.merchants.v1 import merchants_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from tests.services.merchants.conftest import Merchants, authenticate, refusal, violations

SECRET = pb.ApiKey.KIND_SECRET
PUBLISHABLE = pb.ApiKey.KIND_PUBLISHABLE


async def create_key(service: Merchants, made, *, by: str, scopes=(), kind=SECRET, key=""):
    return (
        await service.call(
            "CreateApiKey",
            merchant_id=made.merchant.id,
            actor=by,
            kind=kind,
            name="storefront",
            scopes=scopes,
            key=key,
        )
    ).api_key


async def test_a_key_has_the_scopes_it_was_created_with(service: Merchants):
    made = await service.create()
    scopes = ["payments:write", "payments:read", "payments:read"]
    key = await create_key(service, made, by=made.api_keys[0].id, scopes=scopes)
    found = await authenticate(service, key.secret)
    assert list(found.scopes) == ["payments:read", "payments:write"]


async def test_every_scope_that_a_route_requires_can_be_granted(service: Merchants):
    made = await service.create()
    scopes = sorted(service.deps.scopes)
    assert {"payments:read", "one_click:write", "api_keys:write", "checkout:read"} <= set(scopes)
    key = await create_key(service, made, by=made.api_keys[0].id, scopes=scopes)
    assert list(key.scopes) == scopes


async def test_an_unknown_scope_is_refused(service: Merchants):
    made = await service.create()
    work = create_key(service, made, by=made.api_keys[0].id, scopes=["payments:steal"])
    assert await refusal(work) == (Kind.INVALID, "scope_unknown")


async def test_a_secret_key_without_scopes_is_refused(service: Merchants):
    made = await service.create()
    assert list(await violations(create_key(service, made, by="operator"))) == ["scopes"]


async def test_a_key_without_a_kind_is_refused(service: Merchants):
    made = await service.create()
    work = service.call("CreateApiKey", merchant_id=made.merchant.id, scopes=["*"])
    assert list(await violations(work)) == ["kind"]


async def test_a_key_can_grant_only_its_own_scopes(service: Merchants):
    made = await service.create()
    small = await create_key(service, made, by="operator", scopes=["api_keys:write"])
    for wanted in (["payments:write"], ["*"], ["api_keys:write", "refunds:write"]):
        work = create_key(service, made, by=small.id, scopes=wanted)
        assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")
    assert await create_key(service, made, by=small.id, scopes=["api_keys:write"])
    assert await create_key(service, made, by=small.id, kind=PUBLISHABLE)


async def test_a_key_cannot_rotate_one_with_more_scopes(service: Merchants):
    made = await service.create()
    small = await create_key(service, made, by="operator", scopes=["api_keys:write"])
    work = service.call(
        "RotateApiKey",
        merchant_id=made.merchant.id,
        actor=small.id,
        api_key_id=made.api_keys[0].id,
    )
    assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")
    assert (await authenticate(service, made.api_keys[0].secret)).api_key_id == made.api_keys[0].id


@pytest.mark.parametrize("by", ["", "key_00000000000000000000000000"])
async def test_an_unknown_caller_cannot_grant_scopes(service: Merchants, by: str):
    made = await service.create()
    work = create_key(service, made, by=by, scopes=["payments:read"])
    assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")


async def test_a_foreign_or_revoked_key_cannot_grant_scopes(service: Merchants):
    made, other = await service.create(), await service.create()
    work = create_key(service, made, by=other.api_keys[0].id, scopes=["payments:read"])
    assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")
    revoked = made.api_keys[0].id
    await service.call("RevokeApiKey", merchant_id=made.merchant.id, api_key_id=revoked)
    work = create_key(service, made, by=revoked, scopes=["payments:read"])
    assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")


async def test_a_key_for_an_unknown_merchant_is_refused(service: Merchants):
    work = service.call(
        "CreateApiKey", merchant_id="mer_00000000000000000000000000", kind=PUBLISHABLE
    )
    assert await refusal(work) == (Kind.NOT_FOUND, "merchant_not_found")


async def test_creating_a_key_twice_makes_one_and_shows_its_secret_once(service: Merchants):
    made = await service.create()
    first = await create_key(service, made, by="operator", scopes=["*"], key="k1")
    again = await create_key(service, made, by="operator", scopes=["*"], key="k1")
    assert again.id == first.id
    assert first.HasField("secret")
    assert not again.HasField("secret")


async def test_lists_show_no_secrets(service: Merchants):
    made = await service.create()
    for _ in range(3):
        await create_key(service, made, by="operator", scopes=["*"])
    page = await service.call("ListApiKeys", merchant_id=made.merchant.id, limit=4)
    rest = await service.call(
        "ListApiKeys", merchant_id=made.merchant.id, limit=4, cursor=page.next_cursor
    )
    keys = [*page.data, *rest.data]
    assert len(keys) == 5
    assert [key.id for key in keys] == sorted((key.id for key in keys), reverse=True)
    assert not any(key.HasField("secret") for key in keys)


# Rotation


async def rotate(service: Merchants, made, old, **fields):
    return (
        await service.call(
            "RotateApiKey", merchant_id=made.merchant.id, api_key_id=old.id, **fields
        )
    ).api_key


async def state_of(service: Merchants, made, key) -> int:
    listed = await service.call("ListApiKeys", merchant_id=made.merchant.id)
    return next(found.state for found in listed.data if found.id == key.id)


async def test_both_keys_work_during_the_overlap_and_only_the_new_one_after(service: Merchants):
    made = await service.create()
    old = made.api_keys[0]
    new = await rotate(service, made, old, overlap_seconds=600)
    assert (new.kind, list(new.scopes), new.state) == (SECRET, ["*"], pb.ApiKey.STATE_ACTIVE)
    assert await state_of(service, made, old) == pb.ApiKey.STATE_EXPIRING
    service.time.advance(seconds=599)
    assert (await authenticate(service, old.secret)).api_key_id == old.id
    service.time.advance(seconds=1)
    assert (await refusal(authenticate(service, old.secret)))[1] == "api_key_revoked"
    assert await state_of(service, made, old) == pb.ApiKey.STATE_REVOKED
    assert (await authenticate(service, new.secret)).api_key_id == new.id


async def test_without_an_overlap_the_old_key_ends_at_once(service: Merchants):
    made = await service.create()
    await rotate(service, made, made.api_keys[0], overlap_seconds=0)
    assert (await refusal(authenticate(service, made.api_keys[0].secret)))[1] == "api_key_revoked"


async def test_the_default_overlap_is_an_hour(service: Merchants):
    made = await service.create()
    await rotate(service, made, made.api_keys[0])
    service.time.advance(minutes=59)
    assert await authenticate(service, made.api_keys[0].secret)
    service.time.advance(minutes=1)
    assert (await refusal(authenticate(service, made.api_keys[0].secret)))[1] == "api_key_revoked"


async def test_a_revoked_key_cannot_be_rotated(service: Merchants):
    made = await service.create()
    key = made.api_keys[1]
    await service.call("RevokeApiKey", merchant_id=made.merchant.id, api_key_id=key.id)
    assert await refusal(rotate(service, made, key)) == (Kind.CONFLICT, "api_key_revoked")


async def test_rotating_twice_with_one_key_makes_one_key(service: Merchants):
    made = await service.create()
    first = await rotate(service, made, made.api_keys[0], key="k1")
    again = await rotate(service, made, made.api_keys[0], key="k1")
    assert (again.id, again.HasField("secret")) == (first.id, False)
    assert len((await service.call("ListApiKeys", merchant_id=made.merchant.id)).data) == 3


async def test_an_overlap_of_more_than_a_week_is_refused(service: Merchants):
    made = await service.create()
    work = rotate(service, made, made.api_keys[0], overlap_seconds=604_801)
    assert list(await violations(work)) == ["overlap_seconds"]


@pytest.mark.parametrize("name", ["RotateApiKey", "RevokeApiKey"])
async def test_a_key_of_another_merchant_is_not_found(service: Merchants, name: str):
    made, other = await service.create(), await service.create()
    for key_id in (other.api_keys[0].id, "key_00000000000000000000000000", "x"):
        work = service.call(name, merchant_id=made.merchant.id, api_key_id=key_id)
        assert await refusal(work) == (Kind.NOT_FOUND, "api_key_not_found")
    assert await authenticate(service, other.api_keys[0].secret)


async def test_a_merchant_sees_its_own_keys_only(service: Merchants):
    made, other = await service.create(), await service.create()
    listed = await service.call("ListApiKeys", merchant_id=made.merchant.id)
    assert {key.id for key in listed.data} == {key.id for key in made.api_keys}
    page = await service.call("ListApiKeys", merchant_id=other.merchant.id, limit=1)
    foreign = await service.call(
        "ListApiKeys", merchant_id=made.merchant.id, cursor=page.next_cursor
    )
    assert not {key.id for key in foreign.data} & {key.id for key in other.api_keys}


async def test_a_key_cannot_revoke_one_with_more_scopes(service: Merchants):
    made = await service.create()
    first, published = made.api_keys
    small = await create_key(service, made, by="operator", scopes=["api_keys:write"])
    equal = await create_key(service, made, by="operator", scopes=["api_keys:write"])
    work = revoke(service, made, first, by=small)
    assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")
    assert await authenticate(service, first.secret)
    for one in (published, equal, small):
        assert (await revoke(service, made, one, by=small)).state == pb.ApiKey.STATE_REVOKED
    assert (await revoke(service, made, first, by=first)).state == pb.ApiKey.STATE_REVOKED


async def revoke(service: Merchants, made, key, *, by) -> pb.ApiKey:
    answer = await service.call(
        "RevokeApiKey", merchant_id=made.merchant.id, actor=by.id, api_key_id=key.id
    )
    return answer.api_key


async def test_active_keys_are_limited_by_the_plan(service: Merchants):
    made = await service.create(plan="basic")
    most = made.merchant.quotas["active_api_keys"]
    work = [create_key(service, made, by="operator", scopes=["*"]) for _ in range(most + 5)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, RemoteRefusal)]
    assert len(answers) - len(refused) == most - len(made.api_keys)
    assert {answer.reason for answer in refused} == {"quota_exceeded"}
    assert refused[0].message.startswith('The plan "basic" allows 20 active API keys')
    replaced = await rotate(service, made, made.api_keys[0])  # the replaced key does not count
    await revoke(service, made, replaced, by=replaced)
    assert await create_key(service, made, by="operator", scopes=["*"])


@pytest.mark.parametrize(("plan", "rate"), [("basic", 20), ("pro", 200), ("enterprise", 2000)])
async def test_authenticating_a_key_returns_its_plan_and_rate_limit(service: Merchants, plan, rate):
    made = await service.create(plan=plan)
    found = await authenticate(service, made.api_keys[0].secret)
    assert (found.plan, found.requests_per_second) == (plan, rate)
