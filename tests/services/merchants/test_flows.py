"""Flows on a real PostgreSQL: events in the transaction, races, due keys, and the stored data."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.merchants.v1 import events_pb2
from libs import context, ids
from libs.db import CheckViolation
from libs.errors import ServiceUnavailable
from libs.identity import CONSOLE
from libs.queues import Room
from services.merchants.deps import Deps
from services.merchants.errors import (
    ApiKeyNotFound,
    ApiKeyUnknown,
    MerchantNotFound,
    RevokedApiKeyNotRotatable,
    ScopeNotHeld,
)
from services.merchants.flows import api_keys, clocks, merchants
from services.merchants.flows.merchants import CreateMerchant, MadeMerchant
from services.merchants.rules import credential
from services.merchants.rules.domain import Kind, State
from services.merchants.store import api_keys as key_store
from services.merchants.worker import key_expiry

EVENTS = {
    "incasso.merchants.merchant.created": events_pb2.MerchantCreated,
    "incasso.merchants.merchant.updated": events_pb2.MerchantUpdated,
    "incasso.merchants.api_key.created": events_pb2.ApiKeyCreated,
    "incasso.merchants.api_key.revoked": events_pb2.ApiKeyRevoked,
    "incasso.merchants.test_clock.advanced": events_pb2.TestClockAdvanced,
}


async def create(deps: Deps, *, test: bool = True) -> MadeMerchant:
    """From then on, calls are made for it, by the operator."""
    wanted = CreateMerchant("B", "IT", "EUR", "", test, "")
    made = await merchants.create_merchant(deps, wanted, None)
    act_for(made.merchant.id)
    return made


def act_for(merchant_id: str) -> None:
    context.act_for("operator", merchant_id)


async def rotate(deps: Deps, made: MadeMerchant, overlap: timedelta) -> api_keys.MadeKey:
    return await api_keys.rotate_api_key(deps, made.keys[0].key.id, overlap, None)


async def events(deps: Deps) -> list[tuple[str, object]]:
    """(subject without its prefix, message), oldest first."""
    async with deps.db.connection() as conn:
        rows = await conn.fetch("SELECT subject, body FROM outbox ORDER BY seq")
    return [
        (
            row["subject"].removeprefix("incasso.merchants."),
            EVENTS[row["subject"]].FromString(row["body"]),
        )
        for row in rows
    ]


async def test_a_new_merchant_is_reported_with_its_keys_but_not_their_secrets(deps: Deps):
    made = await create(deps)
    published = await events(deps)
    assert [subject for subject, _ in published] == [
        "merchant.created",
        "api_key.created",
        "api_key.created",
    ]
    assert published[0][1].merchant.id == made.merchant.id
    assert not any(event.api_key.HasField("secret") for _, event in published[1:])


async def test_no_key_secret_is_stored_in_plain_text(deps: Deps):
    made = await create(deps)
    async with deps.db.connection() as conn:
        tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            rows = await conn.fetch(f'SELECT t::text AS text FROM "{table["tablename"]}" AS t')
            for made_key in made.keys:
                letters = made_key.secret.text
                assert not any(letters in row["text"] for row in rows)
                assert not any(letters.encode().hex() in row["text"] for row in rows)


async def test_a_change_without_effect_is_not_reported(deps: Deps):
    await create(deps)
    for name in ("B", "Nova"):
        change = merchants.MerchantChange(name=name)
        await merchants.update_merchant(deps, change, None)
    assert [subject for subject, _ in await events(deps)].count("merchant.updated") == 1


async def test_an_advanced_clock_is_reported_with_its_total_offset(deps: Deps):
    await create(deps)
    for _ in range(2):
        await clocks.advance_test_clock(deps, 86_400, None)
    offsets = [event.offset_seconds for subject, event in await events(deps) if "clock" in subject]
    assert offsets == [86_400, 172_800]


async def test_the_clock_of_an_unknown_merchant_is_not_found(deps: Deps):
    act_for(ids.new("mer"))
    with pytest.raises(MerchantNotFound):
        await clocks.advance_test_clock(deps, 86_400, None)


async def test_unknown_keys_are_not_found(deps: Deps):
    act_for(ids.new("mer"))
    with pytest.raises(ApiKeyNotFound):
        await api_keys.revoke_api_key(deps, ids.new("key"))
    with pytest.raises(ApiKeyUnknown):
        await api_keys.authenticate(deps, credential.generate(Kind.SECRET))


async def test_only_a_member_with_all_scopes_can_grant_the_wildcard(deps: Deps):
    made = await create(deps)
    member = context.Call(made.merchant.id, "mem_1", caller=CONSOLE)
    wanted = api_keys.CreateApiKey(Kind.SECRET, "K", ("*",))
    context.set_current(replace(member, scopes=deps.scopes - {"payments:write"}))
    with pytest.raises(ScopeNotHeld):
        await api_keys.create_api_key(deps, wanted, None)
    context.set_current(replace(member, scopes=deps.scopes))
    assert (await api_keys.create_api_key(deps, wanted, None)).key.scopes == ("*",)


async def test_keys_do_not_age_with_a_test_clock(deps: Deps):
    made = await create(deps)
    await rotate(deps, made, timedelta(hours=1))
    await clocks.advance_test_clock(deps, 365 * 86_400, None)
    caller = await api_keys.authenticate(deps, made.keys[0].secret)
    assert (caller.key.state, caller.clock_offset) == (State.EXPIRING, timedelta(days=365))


async def test_the_worker_revokes_a_replaced_key_after_its_overlap_and_reports_it_once(
    deps: Deps, time
):
    made = await create(deps)
    await rotate(deps, made, timedelta(hours=1))
    replicas = [key_expiry(deps) for _ in range(3)]
    assert [await replica.run_once() for replica in replicas] == [0, 0, 0]
    time.advance(hours=1)
    await asyncio.gather(*(replica.run_once() for replica in replicas))
    revoked = [event for subject, event in await events(deps) if subject == "api_key.revoked"]
    assert [event.api_key.id for event in revoked] == [made.keys[0].key.id]
    assert await replicas[0].run_once() == 0
    async with deps.db.connection() as conn:
        key = await key_store.get_api_key(conn, made.merchant.id, made.keys[0].key.id)
    assert key.state is State.REVOKED


async def test_a_key_revoked_while_due_to_expire_is_reported_once(deps: Deps, time):
    made = await create(deps)
    await rotate(deps, made, timedelta(hours=1))
    time.advance(hours=1)
    async with deps.db.connection() as conn:
        (due,) = await key_store.claim_expired(conn, Room(10, 10), time.now)
    await api_keys.revoke_api_key(deps, due.id)
    await api_keys.expire_api_key(deps, due)
    assert [subject for subject, _ in await events(deps)].count("api_key.revoked") == 1


async def test_of_ten_concurrent_rotations_without_overlap_one_succeeds(deps: Deps):
    made = await create(deps)
    answers = await asyncio.gather(
        *(rotate(deps, made, timedelta()) for _ in range(10)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, RevokedApiKeyNotRotatable)]
    assert len(refused) == 9


async def test_a_key_changed_meanwhile_is_not_saved(deps: Deps):
    made = await create(deps)
    key = made.keys[0].key
    revoked = await api_keys.revoke_api_key(deps, key.id)
    async with deps.db.transaction() as tx:
        assert not await key_store.save_api_key(tx, key, revoked)


async def test_the_database_refuses_invalid_clocks_and_keys(deps: Deps):
    await create(deps, test=False)
    for statement in (
        "UPDATE merchants SET clock_offset_seconds = 1",
        "UPDATE merchants SET test = true, clock_offset_seconds = -1",
        "UPDATE api_keys SET state = 'expiring'",
        "UPDATE api_keys SET state = 'paused'",
        "UPDATE api_keys SET secret_hash = 'plain'",
    ):
        with pytest.raises(CheckViolation):
            async with deps.db.transaction() as tx:
                await tx.execute(statement)


async def test_a_closed_database_is_reported_as_unavailable(deps: Deps):
    await deps.db.close()
    with pytest.raises(ServiceUnavailable):
        await api_keys.authenticate(deps, credential.generate(Kind.SECRET))
