"""The audit log as people read it: what nobody knows the end of, and whether the records are intact."""

from incasso.merchants.v1 import audit_pb2
from tests.services.console.conftest import Console
from tests.services.console.samples import PAYMENT_ID, audited


async def test_what_has_no_recorded_end_is_shown_as_unknown_with_what_to_do(console: Console):
    """As after a kill of the console between a call and its record."""
    entry = audited()
    entry.outcome = audit_pb2.AuditEntry.OUTCOME_UNKNOWN
    console.services.answers["ListAuditEntries"] = audit_pb2.ListAuditEntriesResponse(data=[entry])
    page = await console.page("/audit")
    assert "Not known" in page
    assert "Look at what it is about before you do it again" in page
    assert f'href="/search?q={PAYMENT_ID}"' in page


async def test_intact_records_are_said_to_be_intact(console: Console):
    answer = audit_pb2.CheckAuditEntriesResponse(records=6)
    console.services.answers["CheckAuditEntries"] = answer
    status, place, _ = await console.post("/audit/check", {})
    assert (status, place) == (303, "/audit?said=intact")
    assert "none was changed or removed" in await console.page(place)


async def test_a_broken_record_is_named(console: Console):
    answer = audit_pb2.CheckAuditEntriesResponse(records=6, first_broken=3)
    console.services.answers["CheckAuditEntries"] = answer
    _, _, page = await console.post("/audit/check", {})
    assert "Record 3 of 6" in page
