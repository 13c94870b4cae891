"""Bank files: each ready refund goes into one file, once, and a person records the result."""

import asyncio
from datetime import date, timedelta

import asyncpg
import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import refunds_pb2 as pb
from libs import ids, retention
from services.cod import retention as kept_here
from tests.services.cod.refunding import GIULIAS, MARCOS, Cashier
from tests.services.cod.refusing import refused
from tests.services.cod.test_erasing import erase, held
from tests.services.cod.test_transfer_files import schema, texts

State = pb.CodRefund.State
DEBTOR = {
    "holder": "Bottega S.r.l.",
    "iban": "IT60X0542811101000000123456",
    "address": {"street": "Via Torino", "building_number": "12", "town": "Milano", "country": "IT"},
}


@pytest.fixture
async def cashier(shop) -> Cashier:
    await shop.world.settings(refund_account=DEBTOR)
    return Cashier(shop)


async def test_ready_refunds_are_exported_to_a_valid_file(cashier):
    first = await cashier.ready(25_50, order_reference="A-1")
    second = await cashier.ready(10_00, MARCOS)
    waiting = await cashier.ask(await cashier.collected())
    export = await cashier.export()
    assert (export.refunds, export.amount.amount_minor) == (2, 35_50)
    assert (dict(export.states), export.created_by) == ({"exported": 2}, "key_1")
    file = await cashier.file(export)
    schema().validate(file.xml)
    assert file.name == f"{export.id}.xml"
    assert texts(file.xml, ".//MsgId") == [export.id.replace("_", "")]
    assert texts(file.xml, ".//EndToEndId") == [r.id.replace("_", "") for r in (first, second)]
    assert texts(file.xml, ".//CdtrAcct/Id/IBAN") == [GIULIAS["iban"], MARCOS["iban"]]
    assert texts(file.xml, ".//InstdAmt") == ["25.50", "10.00"]
    assert texts(file.xml, ".//Ustrd")[0] == "Rimborso ordine A-1"
    assert texts(file.xml, ".//Cdtr/PstlAdr/TwnNm") == ["Roma", "Roma"]
    now = await cashier.call("GetCodRefund", first)
    assert (now.state, now.export_id, now.exports) == (State.STATE_EXPORTED, export.id, 1)
    assert (await cashier.call("GetCodRefund", waiting)).state == State.STATE_REQUESTED
    assert (await cashier.shop.published(first.id))[-1] == "refund.exported"


async def test_the_same_key_returns_the_same_file(cashier):
    await cashier.ready()
    export = await cashier.export(key="k")
    file = await cashier.file(export)
    await cashier.ready()
    await cashier.shop.world.settings(refund_account={**DEBTOR, "holder": "Another"})
    assert await cashier.export(key="k") == export
    assert await cashier.file(export) == file
    assert (await cashier.export()).id != export.id


async def test_an_export_needs_ready_refunds_the_merchants_account_and_a_key(shop):
    cashier = Cashier(shop)
    assert await refused(cashier.export()) == "cod_refund_debtor_missing"
    await shop.world.settings(refund_account=DEBTOR)
    assert await refused(cashier.export()) == "no_cod_refunds_ready"
    work = shop.call("CreateCodRefundExport")
    assert await refused(work) == "idempotency_key_missing"


@pytest.mark.parametrize("wrong", [{"holder": "★"}, {"iban": "BR1800360305000010009795493C1"}])
async def test_a_merchants_account_outside_sepa_is_refused_by_field(shop, wrong):
    work = shop.world.settings(refund_account={**DEBTOR, **wrong})
    refusal = await refused(work, whole=True)
    (name,) = wrong
    assert [found.field for found in refusal.violations] == [f"refund_account.{name}"]


async def test_a_limited_export_takes_the_oldest_refunds(cashier):
    refunds = [await cashier.ready() for _ in range(3)]
    export = await cashier.export(max_refunds=2)
    listed = (await cashier.shop.call("ListCodRefunds", export_id=export.id)).data
    assert [each.id for each in listed] == [refunds[1].id, refunds[0].id]


async def test_the_execution_date_must_be_in_the_near_future(cashier):
    await cashier.ready()
    for on in (date(2020, 1, 1), date.today() + timedelta(days=100)):  # noqa: DTZ011 - too far by any time zone
        refusal = await refused(cashier.export(execution_on=on.isoformat()), whole=True)
        assert [found.field for found in refusal.violations] == ["execution_on"]
    on = (date.today() + timedelta(days=30)).isoformat()  # noqa: DTZ011 - allowed in any time zone
    export = await cashier.export(execution_on=on)
    assert export.execution_on == on
    assert texts((await cashier.file(export)).xml, ".//ReqdExctnDt/Dt") == [on]


async def test_concurrent_exports_share_no_refund(cashier):
    refunds = [await cashier.ready() for _ in range(6)]
    asked = [cashier.export(max_refunds=4) for _ in range(4)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    files = [await cashier.file(each) for each in done if isinstance(each, pb.CodRefundExport)]
    paid = [reference for file in files for reference in texts(file.xml, ".//EndToEndId")]
    assert len(paid) == len(set(paid))
    if len(paid) < len(refunds):  # others had locked them for a moment
        paid += texts((await cashier.file(await cashier.export())).xml, ".//EndToEndId")
    assert sorted(paid) == sorted(refund.id.replace("_", "") for refund in refunds)


async def test_only_one_of_a_concurrent_export_and_cancellation_succeeds(cashier):
    for _ in range(5):
        refund = await cashier.ready()
        work = (cashier.export(), cashier.call("CancelCodRefund", refund))
        exported, cancelled = await asyncio.gather(*work, return_exceptions=True)
        assert isinstance(exported, pb.CodRefundExport) != isinstance(cancelled, pb.CodRefund)


async def test_the_database_refuses_a_second_transfer_for_one_attempt(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    async with cashier.shop.world.deps.db.connection() as conn:
        with pytest.raises(asyncpg.UniqueViolationError, match="refund_transfers_pkey"):
            await conn.execute(
                "INSERT INTO refund_transfers (merchant_id, refund_id, number, export_id)"
                " SELECT merchant_id, id, exports, $2 FROM refunds WHERE id = $1",
                refund.id,
                export.id,
            )


async def test_an_exported_refund_is_not_cancelled_retried_or_redirected(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    for rpc, more in (
        ("CancelCodRefund", {}),
        ("RetryCodRefund", {}),
        ("SetCodRefundAccount", {"account": MARCOS}),
    ):
        refusal = await refused(cashier.call(rpc, refund, **more), whole=True)
        assert (refusal.reason, refusal.facts) == ("cod_refund_closed", {"state": "exported"})
    await cashier.paid(export)
    assert await refused(cashier.call("CancelCodRefund", refund)) == "cod_refund_closed"


async def test_refunds_of_a_file_are_marked_paid_together_or_one_by_one(cashier):
    first, second = [await cashier.ready() for _ in range(2)]
    export = await cashier.export()
    assert dict((await cashier.paid(export, second)).states) == {"exported": 1, "paid": 1}
    for _ in range(2):  # repeating changes nothing
        assert dict((await cashier.paid(export)).states) == {"paid": 2}
    for refund in (first, second):
        subjects = ["refund.requested", "refund.ready", "refund.exported", "refund.paid"]
        assert await cashier.shop.published(refund.id) == subjects
    assert (await cashier.call("GetCodRefund", first)).HasField("ended_at")


async def test_a_failed_refund_is_retried_in_another_file(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    for _ in range(2):
        assert dict((await cashier.failed(export, refund)).states) == {"failed": 1}
    failed = await cashier.call("GetCodRefund", refund)
    assert (failed.state, failed.failure) == (State.STATE_FAILED, "AM04")
    assert await refused(cashier.export()) == "no_cod_refunds_ready"
    for _ in range(2):
        assert (await cashier.call("RetryCodRefund", refund)).state == State.STATE_READY
    other = await cashier.export()
    await cashier.failed(export, refund)  # a late repeat
    assert await refused(cashier.paid(export, refund)) == "cod_refund_closed"
    now = await cashier.call("GetCodRefund", refund)
    assert (now.state, now.export_id, now.exports) == (State.STATE_EXPORTED, other.id, 2)
    assert not now.HasField("failure")
    ends = [texts((await cashier.file(each)).xml, ".//InstrId")[0][-2:] for each in (export, other)]
    assert ends == ["-1", "-2"]
    assert (await cashier.shop.published(refund.id))[2:] == [
        "refund.exported",
        "refund.failed",
        "refund.ready",
        "refund.exported",
    ]


async def test_a_wrong_account_is_requested_again(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    await cashier.failed(export, refund, account_is_wrong=True)
    waiting = await cashier.call("GetCodRefund", refund)
    assert (waiting.state, waiting.HasField("account")) == (State.STATE_REQUESTED, False)
    assert (await cashier.shop.published(refund.id))[-2:] == ["refund.failed", "refund.requested"]
    await cashier.give(refund, MARCOS)
    other = await cashier.export()
    assert texts((await cashier.file(other)).xml, ".//CdtrAcct/Id/IBAN") == [MARCOS["iban"]]


async def test_a_paid_refund_can_fail_and_a_failed_one_be_marked_paid(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    await cashier.paid(export)
    assert dict((await cashier.failed(export, refund)).states) == {"failed": 1}
    assert not (await cashier.call("GetCodRefund", refund)).HasField("ended_at")
    assert dict((await cashier.paid(export, refund)).states) == {"paid": 1}
    (failed,) = await cashier.shop.bodies(refund.id, events_pb2.CodRefundFailed, "refund.failed")
    assert failed.had_been_paid


async def test_a_failed_refund_can_be_cancelled(cashier):
    refund = await cashier.ready()
    await cashier.failed(await cashier.export(), refund)
    assert (await cashier.call("CancelCodRefund", refund)).state == State.STATE_CANCELLED


async def test_a_refund_is_not_marked_through_another_file(cashier):
    await cashier.ready()
    export = await cashier.export()
    other = await cashier.ready()
    refusal = await refused(cashier.paid(export, other), whole=True)
    assert (refusal.reason, refusal.facts) == (
        "cod_refund_not_in_export",
        {"cod_refund_id": other.id},
    )
    assert await refused(cashier.failed(export, other)) == "cod_refund_not_in_export"


async def test_another_merchant_finds_no_file(cashier, stranger):
    refund = await cashier.ready()
    export = await cashier.export()
    fields = {"cod_refund_export_id": export.id}
    failed = {"cod_refund_ids": [refund.id], "reason": "x"}
    for rpc, more in (
        ("GetCodRefundExport", {}),
        ("GetCodRefundFile", {}),
        ("MarkCodRefundsPaid", {}),
        ("MarkCodRefundsFailed", failed),
    ):
        work = stranger.call(rpc, **fields, **more)
        assert await refused(work) == "cod_refund_export_not_found"
    assert list((await stranger.call("ListCodRefundExports")).data) == []
    await stranger.world.settings(refund_account=DEBTOR)
    work = stranger.call("CreateCodRefundExport", key=ids.new("key"))
    assert await refused(work) == "no_cod_refunds_ready"


async def test_files_are_listed_newest_first(cashier):
    made = []
    for _ in range(2):
        await cashier.ready()
        made.insert(0, await cashier.export())
    assert list((await cashier.shop.call("ListCodRefundExports")).data) == made


async def test_erasure_removes_the_customers_account_and_refund_files(cashier):
    refund = await cashier.ready(customer_id="cus_erased")
    export = await cashier.export()
    assert GIULIAS["iban"].lower() not in await held(cashier.shop, ("refund_files", "outbox"))
    await erase(cashier.shop)
    assert await refused(cashier.file(export)) == "cod_refund_file_forgotten"
    now = await cashier.call("GetCodRefund", refund)
    assert (now.state, now.HasField("account")) == (State.STATE_EXPORTED, False)
    await cashier.failed(export, refund)
    assert await refused(cashier.call("RetryCodRefund", refund)) == "cod_refund_account_missing"
    assert (await cashier.give(refund)).state == State.STATE_READY


async def test_accounts_and_files_are_removed_after_the_retention_period(cashier):
    refund = await cashier.ready()
    export = await cashier.export()
    await cashier.paid(export)
    async with cashier.shop.world.deps.db.connection() as conn:
        for table in ("refunds", "refund_files"):
            await conn.execute(
                f"UPDATE {table} SET created_at = now() - $2::interval WHERE merchant_id = $1",
                cashier.shop.world.merchant_id,
                kept_here.DISPUTABLE + timedelta(days=1),
            )
    await retention.keep_to(cashier.shop.world.deps.db, kept_here.KEPT.rules)
    assert await refused(cashier.file(export)) == "cod_refund_file_forgotten"
    now = await cashier.call("GetCodRefund", refund)
    assert (now.state, now.HasField("account")) == (State.STATE_PAID, False)
