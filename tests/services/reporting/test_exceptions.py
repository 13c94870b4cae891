"""Items that do not match: the type under which they are listed, and how a person resolves them."""

from datetime import UTC, datetime

import pytest

from incasso.reporting.v1 import reconciliation_pb2
from libs.errors import Refusal
from services.reporting.rules.exceptions import ExceptionType
from services.reporting.store.items import OPEN_ITEMS
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import (
    ACCOUNT,
    SOON,
    charge,
    load,
    only,
    open_types,
    report,
)
from tests.services.reporting.world import rows


@pytest.fixture
def day(world):
    world.now = SOON
    return world


# Fourteen kinds of errors, planted one by one; each must be found under its own type, and nothing else.


async def clean(world):
    """A payment that matches completely, except for its payout."""
    made = await charge(world, 7000, order="CLEAN")
    return stripe_row(7000, 130, charge=made.psp_reference, order="CLEAN", payout="po_clean")


async def missing_at_psp(world):
    await charge(world, order="M-1")
    await report(world, await clean(world))
    world.now = datetime(2026, 4, 16, tzinfo=UTC)
    line = bank_entry(6870, text="po_clean", day="2026-04-10")
    await load(world, bank_file([6870], [line]))


async def unknown_charge(world):
    await report(world, stripe_row(1234, charge="ch_nobodys", order="", payout=""))


async def unknown_refund(world):
    await report(world, stripe_row(-1234, kind="refund", charge="ch_none", order="", payout=""))


async def unknown_dispute(world):
    await report(world, stripe_row(-1234, kind="dispute", charge="ch_none", order="", payout=""))


async def unexplained_adjustment(world):
    await report(world, stripe_row(-500, kind="adjustment", charge="", order="", payout=""))


async def amount_differs(world):
    made = await charge(world, 5990)
    await report(world, stripe_row(5890, charge=made.psp_reference, payout=""))


async def currency_differs(world):
    made = await charge(world, 5990)
    await report(
        world, stripe_row(5990, charge=made.psp_reference, currency="usd", order="", payout="")
    )


async def duplicate(world):
    made = await charge(world, 5990)
    line = {"charge": made.psp_reference, "order": "A-1", "payout": ""}
    await report(world, stripe_row(5990, name="t1", **line), stripe_row(5990, name="t2", **line))


async def late(world):
    made = await charge(world, 5990)
    world.now = datetime(2026, 4, 30, tzinfo=UTC)
    await report(world, stripe_row(5990, charge=made.psp_reference, payout="", day="2026-04-29"))


async def fee_differs(world):
    await world.call(
        "PutReconciliationSource", party=ACCOUNT, fee_basis_points=150, fee_fixed_minor=25
    )
    made = await charge(world, 10000)
    await report(world, stripe_row(10000, 300, charge=made.psp_reference, payout=""))


async def missing_at_bank(world):
    await load(world, bank_file([], []))
    await report(world, await clean(world))
    world.now = datetime(2026, 4, 20, tzinfo=UTC)


async def unknown_credit(world):
    await load(world, bank_file([4711], [bank_entry(4711, text="from nobody")]))


async def unknown_debit(world):
    await load(world, bank_file([-350], [bank_entry(-350, text="charges")]))


async def ambiguous(world):
    """Two similar payments, and a line that fits both."""
    await charge(world, 2500, order="T-1")
    await charge(world, 2500, order="T-2")
    await report(world, stripe_row(2500, charge="", order="", payout=""))


PLANTED = (
    missing_at_psp, unknown_charge, unknown_refund, unknown_dispute, unexplained_adjustment, amount_differs,
    currency_differs, duplicate, late, fee_differs, missing_at_bank, unknown_credit, unknown_debit, ambiguous,
)  # fmt: skip  # a list, not a call


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
async def test_a_planted_error_is_found_under_its_name(day, plant):
    await plant(day)
    assert await open_types(day) == [plant.__name__]


async def test_no_payout_is_missing_at_the_bank_without_imported_statements(day):
    """PSPs' settlements are pulled for every merchant, even for those who import no bank statements."""
    await report(day, await clean(day))
    day.now = datetime(2026, 4, 20, tzinfo=UTC)
    assert await open_types(day) == []


async def test_an_amount_difference_has_the_expected_amount_and_the_payments_trace(day):
    await amount_differs(day)
    found = await only(day, ExceptionType.AMOUNT_DIFFERS)
    assert (found.amount_minor, found.expected_minor) == (5890, 5990)
    assert found.payment_id.startswith("pay_")
    assert found.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_payout_is_only_suggested_for_an_unrelated_credit_of_its_amount(day):
    made = await charge(day)
    await report(day, stripe_row(5990, charge=made.psp_reference))
    await load(day, bank_file([5990], [bank_entry(5990, text="birthday", day="2026-04-10")]))
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    assert [each[:4] for each in found.suggestions] == ["pyo_"]
    assert (await day.balances())["unallocated"] == -5990


async def test_a_person_matches_a_suggestion(day):
    await test_a_payout_is_only_suggested_for_an_unrelated_credit_of_its_amount(day)
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    resolved = await day.call(
        "ResolveException",
        exception_id=found.id,
        resolved_as="EXCEPTION_RESOLUTION_MATCHED",
        resolution="It is the payout.",
        item_ids=found.suggestions,
    )
    assert resolved.exception.resolved_by == "key_finance"
    assert await day.balances() == {"bank": 5990, "sales": -5990}
    assert await open_types(day) == []


async def test_a_payout_short_of_a_fee_is_resolved_as_a_split(day):
    made = await charge(day)
    await report(day, stripe_row(5990, charge=made.psp_reference))
    await load(day, bank_file([5740], [bank_entry(5740, text="fees kept", day="2026-04-10")]))
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    (payout,) = [each for each in await _open_ids(day) if each.startswith("pyo_")]
    request = {
        "exception_id": found.id,
        "resolved_as": "EXCEPTION_RESOLUTION_SPLIT",
        "resolution": "2.50 for the transfer.",
        "item_ids": [payout],
    }
    with pytest.raises(Refusal, match="items and parts sum to 5991") as caught:
        await day.call("ResolveException", **request, parts=[_part("psp_fees", 1)])
    assert caught.value.reason == "amounts_differ"
    await day.call("ResolveException", **request, parts=[_part("psp_fees", -250)])
    assert await day.balances() == {"bank": 5740, "psp_fees": 250, "sales": -5990}


def _part(account: str, minor: int):
    return reconciliation_pb2.ResolutionPart(account=account, amount_minor=minor)


async def _open_ids(world) -> list[str]:
    where = "WHERE merchant_id = $1"
    return [each.id for each in await world.deps.db.run(OPEN_ITEMS.all, where, world.merchant_id)]


async def test_a_write_off_is_booked_once_and_cannot_be_changed(day):
    await unknown_debit(day)
    found = await only(day, ExceptionType.UNKNOWN_DEBIT)
    request = {
        "exception_id": found.id,
        "resolved_as": "EXCEPTION_RESOLUTION_WRITTEN_OFF",
        "resolution": "Charges of the bank.",
    }
    first = await day.call("ResolveException", **request)
    assert (await day.call("ResolveException", **request)).exception == first.exception
    assert await day.balances() == {"bank": -350, "reconciliation_differences": 350}
    with pytest.raises(Refusal) as caught:
        await day.call("ResolveException", **{**request, "resolution": "something else"})
    assert caught.value.reason == "exception_resolved"


async def test_an_exception_of_a_matched_item_can_only_be_dismissed(day):
    await late(day)
    found = await only(day, ExceptionType.LATE)
    request = {"exception_id": found.id, "resolution": "A holiday."}
    with pytest.raises(Refusal) as caught:
        await day.call(
            "ResolveException", **request, resolved_as="EXCEPTION_RESOLUTION_WRITTEN_OFF"
        )
    assert caught.value.reason == "exception_not_resolvable_so"
    await day.call("ResolveException", **request, resolved_as="EXCEPTION_RESOLUTION_DISMISSED")
    assert await open_types(day) == []


async def test_a_payment_that_is_missing_again_is_listed_again(day):
    """The payment was suggested for a line that turned out to be something else."""
    await charge(day, 5990)
    day.now = datetime(2026, 4, 16, tzinfo=UTC)
    assert await open_types(day) == ["missing_at_psp"]
    await report(day, stripe_row(5990, charge="ch_nobodys", order="", payout=""))
    assert await open_types(day) == ["unknown_charge"]
    found = await only(day, ExceptionType.UNKNOWN_CHARGE)
    await day.call(
        "ResolveException",
        exception_id=found.id,
        resolved_as="EXCEPTION_RESOLUTION_WRITTEN_OFF",
        resolution="Another shop's.",
    )
    assert await open_types(day) == ["missing_at_psp"]


async def test_an_exception_is_assigned_to_an_owner_and_audited(day):
    await unknown_credit(day)
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    answer = await day.call("AssignException", exception_id=found.id, owner="Anna")
    assert answer.exception.owner == "Anna"
    records = (await day.call("ListAuditRecords", subject_id=found.id)).data
    assert rows(records, "action", "actor") == [("exception.assigned", "key_finance")]


async def test_a_tampered_audit_record_is_detected(day):
    await unknown_credit(day)
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    for owner in ("Anna", "Bruno", "Carla"):
        await day.call("AssignException", exception_id=found.id, owner=owner)
    answer = await day.call("CheckAuditLog")
    assert (answer.records, answer.HasField("first_broken")) == (3, False)
    async with day.deps.db.transaction() as tx:
        await tx.execute("ALTER TABLE audit_records DISABLE TRIGGER audit_records_append_only")
        await tx.execute(
            "UPDATE audit_records SET actor = 'key_else' WHERE merchant_id = $1 AND number = 2",
            day.merchant_id,
        )
        await tx.execute("ALTER TABLE audit_records ENABLE TRIGGER audit_records_append_only")
    assert (await day.call("CheckAuditLog")).first_broken == 2


async def test_the_audit_log_is_append_only(day):
    await unknown_credit(day)
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    await day.call("AssignException", exception_id=found.id, owner="Anna")
    with pytest.raises(Exception, match="append only"):
        await day.deps.db.run(_forge, day.merchant_id)


async def _forge(conn, merchant_id):
    await conn.execute("DELETE FROM audit_records WHERE merchant_id = $1", merchant_id)


async def test_an_unknown_exception_is_not_found(day):
    for rpc in ("GetException", "AssignException"):
        with pytest.raises(Refusal) as caught:
            await day.call(rpc, exception_id="exc_none")
        assert caught.value.reason == "exception_not_found"


async def test_matching_with_an_item_that_is_not_open_is_refused(day):
    await unknown_credit(day)
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    with pytest.raises(Refusal) as caught:
        await day.call(
            "ResolveException",
            exception_id=found.id,
            resolved_as="EXCEPTION_RESOLUTION_MATCHED",
            resolution="Not there.",
            item_ids=["pyo_none"],
        )
    assert caught.value.reason == "item_not_open"
