"""The console's audit log by RPC: an intent before, an outcome after, and no record is ever changed."""

import json

import asyncpg
import pytest

from incasso.merchants.v1 import audit_pb2 as pb
from libs import ids
from libs.errors import Kind
from tests.services.merchants.conftest import Merchants, refusal, violations

DONE, REFUSED = pb.AuditEntry.OUTCOME_DONE, pb.AuditEntry.OUTCOME_REFUSED
UNKNOWN = pb.AuditEntry.OUTCOME_UNKNOWN
MEMBER = "mem_06f2k5d8z0hjt4y1w3q7r9s2vb"


@pytest.fixture
def merchant_id() -> str:
    return ids.new("mer")


async def intent(
    service: Merchants, merchant_id: str, *, actor: str = MEMBER, key: str = "", **changes
) -> str:
    fields = {
        "action": "payments.RefundPayment",
        "subject_id": "pay_1",
        "after": '{"amount_minor": 500}',
        "session_id": "ses_1",
        "address": "203.0.113.7",
        **changes,
    }
    answer = await service.call(
        "RecordIntent", merchant_id=merchant_id, actor=actor, key=key or ids.new("key"), **fields
    )
    return answer.entry_id


async def ends(service: Merchants, merchant_id: str, entry_id: str, outcome=DONE, **fields):
    await service.call(
        "RecordOutcome",
        merchant_id=merchant_id,
        actor=MEMBER,
        entry_id=entry_id,
        outcome=outcome,
        **fields,
    )


async def listed(service: Merchants, merchant_id: str, **fields):
    return (await service.call("ListAuditEntries", merchant_id=merchant_id, **fields)).data


async def test_an_intent_without_an_outcome_is_listed_as_unknown(service, merchant_id, time):
    entry_id = await intent(service, merchant_id)
    (entry,) = await listed(service, merchant_id)
    assert (entry.id, entry.actor, entry.outcome) == (entry_id, MEMBER, UNKNOWN)
    assert json.loads(entry.after) == {"amount_minor": 500}
    assert entry.created_at.ToDatetime() == time.now.replace(tzinfo=None)
    assert not entry.HasField("ended_at")


async def test_a_resubmitted_form_keeps_its_intent_and_can_be_completed(service, merchant_id):
    """Its subject has changed since, if the first call succeeded and its answer was lost."""
    key, before = ids.new("key"), '{"state": "captured"}'
    first = await intent(service, merchant_id, key=key, before=before, address="203.0.113.7")
    now = {"before": '{"state": "refunded"}', "address": "203.0.113.8"}
    assert await intent(service, merchant_id, key=key, **now) == first
    await ends(service, merchant_id, first)
    (entry,) = await listed(service, merchant_id)
    assert (entry.outcome, entry.before) == (DONE, before)
    other = intent(service, merchant_id, key=key, after='{"amount_minor": 501}')
    assert await refusal(other) == (Kind.UNPROCESSABLE, "idempotency_key_reused")


async def test_an_outcome_completes_its_entry_and_cannot_be_changed(service, merchant_id):
    created = await intent(service, merchant_id, subject_id="", action="paylink.CreatePaymentLink")
    await ends(service, merchant_id, created, subject_id="lnk_1", after='{"state": "sent"}')
    refused = await intent(service, merchant_id)
    for _ in range(2):
        await ends(service, merchant_id, refused, REFUSED, reason="refund_too_high")
    last, first = await listed(service, merchant_id)
    assert (first.subject_id, first.after, first.outcome) == ("lnk_1", '{"state": "sent"}', DONE)
    assert (last.outcome, last.reason) == (REFUSED, "refund_too_high")
    assert last.HasField("ended_at")
    other = ends(service, merchant_id, refused, DONE)
    assert await refusal(other) == (Kind.CONFLICT, "outcome_recorded")


async def test_entries_are_filtered_by_actor_action_and_subject(service, merchant_id):
    await intent(service, merchant_id)
    other = await intent(service, merchant_id, actor="mem_2", subject_id="pay_2")
    for fields in ({"more": {"actor": "mem_2"}}, {"subject_id": "pay_2"}, {"limit": 1}):
        assert [each.id for each in await listed(service, merchant_id, **fields)] == [other]
    assert len(await listed(service, merchant_id, action="payments.RefundPayment")) == 2
    assert not await listed(service, merchant_id, action="payments.CapturePayment")


async def test_a_merchant_cannot_see_or_complete_anothers_entries(service, merchant_id):
    entry_id = await intent(service, merchant_id)
    other = ids.new("mer")
    assert not await listed(service, other)
    ended = ends(service, other, entry_id)
    assert await refusal(ended) == (Kind.NOT_FOUND, "audit_entry_not_found")


async def test_secrets_card_numbers_and_emails_are_not_recorded(service, merchant_id):
    before = {
        "webhook_secret": "whsec_1",
        "nested": [{"password": "x"}],
        "note": "card 4242 4242 4242 4242 of giulia@example.com",
    }
    await intent(service, merchant_id, before=json.dumps(before))
    (entry,) = await listed(service, merchant_id)
    assert json.loads(entry.before) == {
        "webhook_secret": "[not recorded]",
        "nested": [{"password": "[not recorded]"}],
        "note": "card [card] of [email]",
    }


@pytest.mark.parametrize("text", ["{", "[1]", "1"])
async def test_values_must_be_a_json_object(service, merchant_id, text):
    assert await violations(intent(service, merchant_id, before=text)) == {
        "before": "must be a JSON object"
    }


async def test_an_unknown_outcome_is_not_recorded(service, merchant_id):
    entry_id = await intent(service, merchant_id)
    ended = ends(service, merchant_id, entry_id, UNKNOWN)
    assert await violations(ended) == {"outcome": "must be done or refused"}


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit_records SET actor = 'mem_2'", "DELETE FROM audit_records"],
    ids=["changed", "removed"],
)
async def test_a_changed_or_removed_record_is_detected(service, merchant_id, change):
    for _ in range(3):
        await ends(service, merchant_id, await intent(service, merchant_id))
    sound = await service.call("CheckAuditEntries", merchant_id=merchant_id)
    assert (sound.records, sound.HasField("first_broken")) == (6, False)
    async with service.deps.db.transaction() as tx:
        with pytest.raises(asyncpg.RaiseError):
            await tx.execute(change)
    async with service.deps.db.transaction() as tx:
        await tx.execute("ALTER TABLE audit_records DISABLE TRIGGER USER")
        await tx.execute(f"{change} WHERE merchant_id = $1 AND number = 3", merchant_id)
        await tx.execute("ALTER TABLE audit_records ENABLE TRIGGER USER")
    broken = await service.call("CheckAuditEntries", merchant_id=merchant_id)
    assert broken.first_broken == 3
