"""The bank account: its own scope, its events, and the delay in which the owner can stop a change."""

import asyncio
from typing import Any

import pytest

from incasso.merchants.v1 import events_pb2
from incasso.merchants.v1 import merchants_pb2 as pb
from libs import descriptors, wire
from libs.db import CheckViolation, UniqueViolation
from libs.errors import Kind
from services.merchants.rules.bank_accounts import DELAY
from services.merchants.worker import bank_account_changes
from tests.services.merchants.conftest import Merchants, refusal, violations

FIRST = pb.BankAccount(
    holder="Bottega S.r.l.", iban="IT60X0542811101000000123456", bic="BPPIITRRXXX"
)
OTHER = pb.BankAccount(holder="Bottega", iban="DE89370400440532013000")
THIRD = pb.BankAccount(holder="Bottega Nova", iban="GB82WEST12345698765432")
EVENTS = {
    "merchant.updated": events_pb2.MerchantUpdated,
    "merchant.bank_account_change_requested": events_pb2.BankAccountChangeRequested,
    "merchant.bank_account_change_cancelled": events_pb2.BankAccountChangeCancelled,
    "merchant.bank_account_changed": events_pb2.BankAccountChanged,
}


async def change(service: Merchants, merchant_id: str, account: pb.BankAccount, **how) -> Any:
    fields = {"holder": account.holder, "iban": account.iban, "bic": account.bic or None}
    answer = await service.call("ChangeBankAccount", merchant_id=merchant_id, **fields, **how)
    return answer.merchant


async def cancel(service: Merchants, merchant_id: str, **how) -> Any:
    answer = await service.call("CancelBankAccountChange", merchant_id=merchant_id, **how)
    return answer.merchant


async def shown(service: Merchants, merchant_id: str) -> Any:
    return (await service.call("GetMerchant", merchant_id=merchant_id)).merchant


async def turn(service: Merchants) -> None:
    await bank_account_changes(service.deps).run_once()


async def published(service: Merchants) -> list[tuple[str, Any]]:
    """The events about the merchant's account, oldest first."""
    async with service.deps.db.connection() as conn:
        rows = await conn.fetch("SELECT subject, body FROM outbox ORDER BY seq")
    named = [(row["subject"].removeprefix("incasso.merchants."), row["body"]) for row in rows]
    return [(name, EVENTS[name].FromString(body)) for name, body in named if name in EVENTS]


async def with_an_account(service: Merchants, **fields) -> str:
    merchant_id = (await service.create(**fields)).merchant.id
    await change(service, merchant_id, FIRST)
    return merchant_id


async def test_the_first_account_takes_effect_at_once(service: Merchants):
    merchant = (await service.create()).merchant
    changed = await change(service, merchant.id, FIRST)
    assert changed.bank_account == FIRST
    assert not changed.HasField("pending_bank_account")
    assert await shown(service, merchant.id) == changed
    names = [name for name, _ in await published(service)]
    assert names == ["merchant.updated", "merchant.bank_account_changed"]


async def test_an_account_is_normalised(service: Merchants):
    merchant = (await service.create()).merchant
    pasted = pb.BankAccount(
        holder=FIRST.holder, iban="IBAN it60 X054 2811 1010 0000 0123 456", bic="bppi it rr xxx"
    )
    assert (await change(service, merchant.id, pasted)).bank_account == FIRST


async def test_a_changed_account_is_reported_and_takes_effect_after_the_delay(service: Merchants):
    merchant_id = await with_an_account(service)
    waiting = await change(service, merchant_id, OTHER, actor="key_x")
    assert waiting.bank_account == FIRST
    pending = waiting.pending_bank_account
    assert (pending.bank_account, pending.requested_by) == (OTHER, "key_x")
    assert wire.time_of(pending.effective_at) == service.time.now + DELAY
    assert await shown(service, merchant_id) == waiting
    (name, event) = (await published(service))[-1]
    assert name == "merchant.bank_account_change_requested"
    assert (event.merchant, event.change) == (waiting, pending)

    service.time.advance(hours=47, minutes=59)
    await turn(service)
    assert (await shown(service, merchant_id)).bank_account == FIRST
    service.time.advance(minutes=1)
    await asyncio.gather(*(turn(service) for _ in range(3)))
    changed = await shown(service, merchant_id)
    assert changed.bank_account == OTHER
    assert not changed.HasField("pending_bank_account")
    names = [name for name, _ in await published(service)]
    assert names[2:] == [
        "merchant.bank_account_change_requested",
        "merchant.updated",
        "merchant.bank_account_changed",
    ]


async def test_a_pending_change_can_be_cancelled(service: Merchants):
    merchant_id = await with_an_account(service)
    pending = (await change(service, merchant_id, OTHER)).pending_bank_account
    left = await cancel(service, merchant_id, actor="key_owner")
    assert left.bank_account == FIRST
    assert not left.HasField("pending_bank_account")
    (name, event) = (await published(service))[-1]
    assert (name, event.change) == ("merchant.bank_account_change_cancelled", pending)
    service.time.advance(hours=100)
    await turn(service)
    assert (await shown(service, merchant_id)).bank_account == FIRST
    again = await refusal(cancel(service, merchant_id))
    assert again == (Kind.CONFLICT, "no_bank_account_change")


async def test_a_further_change_restarts_the_delay(service: Merchants):
    merchant_id = await with_an_account(service)
    await change(service, merchant_id, OTHER)
    service.time.advance(hours=47)
    await change(service, merchant_id, THIRD)
    service.time.advance(hours=47)
    await turn(service)
    assert (await shown(service, merchant_id)).bank_account == FIRST
    service.time.advance(hours=1)
    await turn(service)
    assert (await shown(service, merchant_id)).bank_account == THIRD
    async with service.deps.db.connection() as conn:
        rows = await conn.fetch("SELECT state, ended_by FROM bank_account_changes ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("effective", "merchants"),
        ("replaced", "operator"),
        ("effective", "merchants"),
    ]


async def test_a_repeated_change_keeps_its_delay_and_is_reported_once(service: Merchants):
    merchant_id = await with_an_account(service)
    first = await change(service, merchant_id, OTHER)
    service.time.advance(hours=1)
    assert await change(service, merchant_id, OTHER) == first
    assert len(await published(service)) == 3


async def test_changing_back_to_the_current_account_cancels_the_pending_change(service: Merchants):
    merchant_id = await with_an_account(service)
    assert (await change(service, merchant_id, FIRST)).bank_account == FIRST
    assert len(await published(service)) == 2
    await change(service, merchant_id, OTHER)
    assert not (await change(service, merchant_id, FIRST)).HasField("pending_bank_account")
    assert (await published(service))[-1][0] == "merchant.bank_account_change_cancelled"


async def test_a_test_merchants_delay_runs_on_its_test_clock(service: Merchants):
    merchant_id = await with_an_account(service, test=True)
    real = await with_an_account(service)
    for one in (merchant_id, real):
        await change(service, one, OTHER)
    seconds = int(DELAY.total_seconds())
    await service.call("AdvanceTestClock", merchant_id=merchant_id, seconds=seconds)
    await turn(service)
    assert (await shown(service, merchant_id)).bank_account == OTHER
    assert (await shown(service, real)).bank_account == FIRST


async def test_repeats_with_the_same_key_change_once(service: Merchants):
    merchant_id = await with_an_account(service)
    for _ in range(2):
        await change(service, merchant_id, OTHER, key="k1")
    await cancel(service, merchant_id, key="k2")
    await change(service, merchant_id, OTHER, key="k1")
    left = await cancel(service, merchant_id, key="k2")
    assert not left.HasField("pending_bank_account")


async def test_concurrent_changes_leave_one_pending(service: Merchants):
    merchant_id = await with_an_account(service)
    work = [change(service, merchant_id, one) for one in (OTHER, THIRD) * 5]
    await asyncio.gather(*work)
    async with service.deps.db.connection() as conn:
        waiting = await conn.fetchval(
            "SELECT count(*) FROM bank_account_changes WHERE state = 'pending'"
        )
    assert waiting == 1


async def test_a_change_cancelled_at_its_due_time_is_either_cancelled_or_applied(
    service: Merchants,
):
    merchant_id = await with_an_account(service)
    await change(service, merchant_id, OTHER)
    service.time.advance(seconds=DELAY.total_seconds())
    answers = await asyncio.gather(
        cancel(service, merchant_id), turn(service), return_exceptions=True
    )
    refused = isinstance(answers[0], Exception)
    assert (await shown(service, merchant_id)).bank_account == (OTHER if refused else FIRST)


async def test_bank_account_changes_need_their_own_scope(service: Merchants):
    for rpc in ("ChangeBankAccount", "CancelBankAccountChange"):
        rules = descriptors.method_rules(f"/incasso.merchants.v1.MerchantsService/{rpc}")
        assert rules.scope == "bank_account:write"
    merchant_id = await with_an_account(service)
    work = service.call("UpdateMerchant", merchant_id=merchant_id, bank_account=OTHER)
    assert await violations(work) == {
        "bank_account": "can only be changed with PUT /v1/merchant/bank-account"
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("holder", ""),
        ("holder", "x" * 71),
        ("iban", ""),
        ("iban", "IT60X0542811101000000123457"),
        ("bic", "BPP"),
    ],
)
async def test_an_invalid_bank_account_is_refused_naming_the_field(
    service: Merchants, field: str, value: str
):
    merchant = (await service.create()).merchant
    account = {"holder": "Bottega", "iban": FIRST.iban, field: value}
    wrong = await violations(service.call("ChangeBankAccount", merchant_id=merchant.id, **account))
    assert list(wrong) == [field]


async def test_only_operators_may_set_the_contact_email(service: Merchants):
    made = (await service.create(contact_email="owner@bottega.example")).merchant
    assert made.contact_email == "owner@bottega.example"
    moved = await service.call(
        "SetContactEmail", merchant_id=made.id, contact_email="capo@bottega.example"
    )
    assert moved.merchant.contact_email == "capo@bottega.example"
    assert await shown(service, made.id) == moved.merchant
    gone = await service.call("SetContactEmail", merchant_id=made.id)
    assert not gone.merchant.HasField("contact_email")
    rules = descriptors.method_rules("/incasso.merchants.v1.MerchantsService/SetContactEmail")
    assert list(rules.callers) == ["operator"]


@pytest.mark.parametrize("rpc", ["ChangeBankAccount", "CancelBankAccountChange", "SetContactEmail"])
async def test_account_calls_for_an_unknown_merchant_are_refused(service: Merchants, rpc: str):
    fields = {"holder": "B", "iban": FIRST.iban} if rpc == "ChangeBankAccount" else {}
    missing = await refusal(service.call(rpc, merchant_id="mer_x", **fields))
    assert missing == (Kind.NOT_FOUND, "merchant_not_found")


async def test_the_database_refuses_partial_accounts_and_two_pending_changes(service: Merchants):
    merchant_id = await with_an_account(service)
    await change(service, merchant_id, OTHER)
    await service.create()
    for statement in (
        "UPDATE merchants SET bank_holder = 'x' WHERE bank_iban IS NULL",
        "UPDATE merchants SET bank_iban = 'x' WHERE bank_iban IS NULL",
        "UPDATE merchants SET bank_bic = 'x' WHERE bank_iban IS NULL",
        "UPDATE bank_account_changes SET ended_at = now() WHERE state = 'pending'",
        "UPDATE bank_account_changes SET state = 'effective' WHERE state = 'pending'",
    ):
        async with service.deps.db.connection() as conn:
            with pytest.raises(CheckViolation):
                await conn.execute(statement)
    async with service.deps.db.connection() as conn:
        with pytest.raises(UniqueViolation):
            await conn.execute(
                "INSERT INTO bank_account_changes SELECT merchant_id, 'bac_2', state, holder, iban,"
                " bic, requested_by, requested_at, effective_at FROM bank_account_changes"
                " WHERE state = 'pending'"
            )
