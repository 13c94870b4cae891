"""The workbench: files are previewed before they are imported, suggestions confirmed, items split."""

import asyncio
import hashlib
from datetime import timedelta

import aiohttp
import pytest

from incasso.reporting.v1 import imports_pb2, reconciliation_pb2
from libs.clock import world_now
from libs.errors import Kind, RemoteRefusal
from services.console.rules.carried import packed, unpacked
from tests.services.console.conftest import Console
from tests.services.console.report_samples import CONTENT_HASH, IMPORT_ID, an_import, progress
from tests.services.console.samples import EXCEPTION_ID, PAYMENT_ID, TRACE, exception, stamp
from tests.services.reporting.files import stripe_file, stripe_row
from tests.waiting import until

RESOLVE = f"/reconciliation/exceptions/{EXCEPTION_ID}/resolve"
MT940 = b"""\
:20:STARTUMS
:25:IT60X0542811101000000123456
:28C:00001/001
:60F:C261101EUR1000,00
:61:2611021102C129,00NTRFNONREF
:86:Bonifico A-1001
:62F:C261102EUR1129,00
-
"""


async def send(console: Console, path: str, content: bytes) -> tuple[int, str]:
    form = aiohttp.FormData({"proof": await console.proof()})
    form.add_field("file", content, filename="novembre.sta")
    async with console.request("POST", path, data=form) as response:
        return response.status, await response.text()


async def test_a_statement_is_previewed_before_it_is_imported(console: Console):
    status, page = await send(console, "/reconciliation/imports/preview", MT940)
    assert status == 200
    assert "IT60X0542811101000000123456" in page
    assert "€129.00" in page
    assert console.services.calls("ImportStatement") == 0
    carried = page.split('name="carried" value="')[1].split('"')[0]
    sent = {"carried": carried, "name": "novembre.sta"}
    status, place, _ = await console.post("/reconciliation/imports", sent)
    assert (status, place) == (303, f"/reconciliation/imports/{IMPORT_ID}?notice=imported")
    assert console.services.files["ImportStatement"] == MT940
    asked = console.services.last("ImportStatement").request
    assert (asked.name, asked.HasField("psp_account")) == ("novembre.sta", False)
    assert console.services.last("RecordIntent").request.action == "reporting.ImportStatement"


async def test_a_long_import_continues_and_shows_its_progress(console: Console):
    may_end = asyncio.Event()

    async def imported() -> imports_pb2.ImportStatementResponse:
        await may_end.wait()
        return imports_pb2.ImportStatementResponse(**{"import": an_import()})

    console.services.answers["ImportStatement"] = lambda _: imported()
    status, place, _ = await console.post(
        "/reconciliation/imports", {"carried": packed(MT940), "name": "novembre.sta"}
    )
    under_way = f"/reconciliation/imports/under-way/{hashlib.sha256(MT940).hexdigest()}"
    assert (status, place) == (303, under_way)
    page = await console.page(place)
    assert "8500 lines prepared; the file has 17000 entries" in page
    assert "data-live" in page
    assert console.services.calls("RecordOutcome") == 0
    may_end.set()
    await until(lambda: console.services.calls("RecordOutcome"))
    done = imports_pb2.ImportProgress(import_id=IMPORT_ID)
    console.services.answers["GetImportProgress"] = imports_pb2.GetImportProgressResponse(
        progress=done
    )
    page = await console.page(place)
    assert "312 new lines, 4 known ones" in page
    assert f'href="/reconciliation/imports/{IMPORT_ID}"' in page
    assert "data-live" not in page


async def test_an_interrupted_or_unknown_import_is_explained(console: Console):
    page_of = f"/reconciliation/imports/under-way/{CONTENT_HASH}"
    stopped = progress(seen_at=stamp(world_now() - timedelta(minutes=3)))
    answer = imports_pb2.GetImportProgressResponse(progress=stopped)
    console.services.answers["GetImportProgress"] = answer
    page = await console.page(page_of)
    assert "was interrupted" in page
    refusal = RemoteRefusal(Kind.NOT_FOUND, "import_not_found", "No such import.")
    console.services.answers["GetImportProgress"] = refusal
    page = await console.page(page_of)
    assert "is not being imported" in page
    assert "data-live" not in page


async def test_previewing_a_provider_report_needs_the_account_at_the_provider(console: Console):
    report = stripe_file(stripe_row(5990, 110, name="txn_1"))
    status, page = await send(console, "/reconciliation/imports/preview", report)
    assert status == 400
    assert "Name the PSP account" in page


async def test_a_statement_with_a_wrong_balance_is_refused(console: Console):
    broken = MT940.replace(b"1129,00", b"1130,00")
    status, page = await send(console, "/reconciliation/imports/preview", broken)
    assert status == 400
    assert "line 7: " in page
    assert console.services.calls("ImportStatement") == 0


@pytest.mark.parametrize("carried", ["", "no base64!", "AAAA", packed(b"x" * 9_000_000)])
async def test_a_missing_damaged_or_oversized_carried_file_is_not_imported(
    console: Console, carried: str
):
    status, _, _ = await console.post("/reconciliation/imports", {"carried": carried})
    assert status == 400
    assert console.services.calls("ImportStatement") == 0


def test_a_carried_file_is_unpacked_unchanged_within_its_size_limit():
    assert unpacked(packed(b"a file"), 6) == b"a file"
    assert unpacked(packed(b"a file"), 5) is None
    assert unpacked(packed(b"a file")[:-8], 6) is None


async def test_a_single_suggestion_is_confirmed_from_the_list(console: Console):
    one = exception(suggestions=["pyo_1"])
    answer = reconciliation_pb2.ListExceptionsResponse(data=[one])
    console.services.answers["ListExceptions"] = answer
    page = await console.page("/reconciliation")
    assert 'name="item:pyo_1"' in page
    assert 'data-press="c"' in page
    assert "Keys: j and k move" in page
    sent = {"resolved_as": "matched", "item:pyo_1": "yes", "resolution": "Suggestion confirmed"}
    _, place, _ = await console.post(RESOLVE, sent)
    assert place == "/reconciliation?notice=resolved"
    asked = console.services.last("ResolveException").request
    assert asked.resolved_as == reconciliation_pb2.EXCEPTION_RESOLUTION_MATCHED
    assert list(asked.item_ids) == ["pyo_1"]


async def test_an_item_is_split_among_items_and_accounts_with_its_own_sign(console: Console):
    answer = reconciliation_pb2.GetExceptionResponse(exception=exception(amount_minor=-9900))
    console.services.answers["GetException"] = answer
    sent = {
        "resolved_as": "split",
        "resolution": "two days together",
        "item:pyo_2": "yes",
        "others": "pyo_7, pyo_8 pyo_2",
        "account_1": "psp_fees",
        "amount_1": "2,50",
        "account_3": "shortage",
        "amount_3": "1",
    }
    status, _, _ = await console.post(RESOLVE, sent)
    assert status == 303
    asked = console.services.last("ResolveException").request
    assert list(asked.item_ids) == ["pyo_2", "pyo_7", "pyo_8"]
    parts = [(part.account, part.amount_minor) for part in asked.parts]
    assert parts == [("psp_fees", -250), ("shortage", -100)]
    status, _, page = await console.post(RESOLVE, {**sent, "amount_1": "much"})
    assert status == 400
    assert "Not an amount" in page


async def test_a_write_off_names_no_items(console: Console):
    sent = {"resolved_as": "written_off", "resolution": "too small", "item:pyo_1": "yes"}
    await console.post(RESOLVE, sent)
    assert list(console.services.last("ResolveException").request.item_ids) == []


async def test_an_exception_links_to_its_entries_and_their_trace(console: Console):
    page = await console.page(f"/reconciliation/exceptions/{EXCEPTION_ID}")
    assert console.services.last("ListJournalEntries").request.payment_id == PAYMENT_ID
    assert f'href="/entries?trace_id={TRACE}"' in page
    await console.page(f"/entries?trace_id={TRACE}")
    assert console.services.last("ListJournalEntries").request.trace_id == TRACE


async def test_an_exception_names_its_item_once(console: Console):
    one = exception(item_id="bln_1", theirs_id="bln_1")
    answer = reconciliation_pb2.GetExceptionResponse(exception=one)
    console.services.answers["GetException"] = answer
    page = await console.page(f"/reconciliation/exceptions/{EXCEPTION_ID}")
    assert page.count("<code>bln_1</code>") == 1
    assert "On theirs" in page
