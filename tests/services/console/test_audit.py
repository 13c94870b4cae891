"""The audit log as people read it: entries with an unknown outcome, and whether the records are intact."""

import pytest

from incasso.merchants.v1 import audit_pb2
from libs.display import LANGUAGES
from services.console import texts
from services.console.areas.audit import ACTIONS
from services.console.page import action_of, is_audited
from services.console.routes import PAGES
from tests.services.console.conftest import Console
from tests.services.console.samples import PAYMENT_ID, audited


async def test_an_entry_without_an_outcome_is_shown_as_unknown_with_advice(console: Console):
    """As after killing the console between a call and its record."""
    entry = audited()
    entry.outcome = audit_pb2.AuditEntry.OUTCOME_UNKNOWN
    console.services.answers["ListAuditEntries"] = audit_pb2.ListAuditEntriesResponse(data=[entry])
    page = await console.page("/audit")
    assert "Not known" in page
    assert "Check the result before you do it again" in page
    assert f'href="/search?q={PAYMENT_ID}"' in page


async def test_intact_records_are_reported_as_intact(console: Console):
    answer = audit_pb2.CheckAuditEntriesResponse(records=6)
    console.services.answers["CheckAuditEntries"] = answer
    status, place, _ = await console.post("/audit/check", {})
    assert (status, place) == (303, "/audit?notice=intact")
    assert "none was changed or removed" in await console.page(place)


async def test_a_broken_record_is_named(console: Console):
    answer = audit_pb2.CheckAuditEntriesResponse(records=6, first_broken=3)
    console.services.answers["CheckAuditEntries"] = answer
    _, _, page = await console.post("/audit/check", {})
    assert "Record 3 of 6" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_that_can_be_recorded_has_a_text(language: str):
    recorded = {page.recorded for page in PAGES if page.recorded}
    changes = {action_of(rpc) for page in PAGES for rpc in page.rpcs.values() if is_audited(rpc)}
    assert texts.read(ACTIONS)[language].keys() == recorded | changes


async def test_an_entry_shows_its_action_in_words_and_by_name(console: Console):
    entry = audited()
    entry.outcome, entry.reason = audit_pb2.AuditEntry.OUTCOME_REFUSED, "amount_too_large"
    later = audited()
    later.action = "payments.OfAnotherVersion"
    answer = audit_pb2.ListAuditEntriesResponse(data=[later, entry])
    console.services.answers["ListAuditEntries"] = answer
    page = await console.page("/audit")
    assert "<strong>Refund a payment</strong>" in page
    assert "<code>payments.RefundPayment</code> <code>amount_too_large</code>" in page
    assert "more than can be refunded" in page
    assert "<strong>payments.OfAnotherVersion</strong>" in page
