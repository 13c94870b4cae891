"""A corpus of broken files: each is refused as a whole, with a reason, and leaves nothing behind."""

import codecs
import tracemalloc

import pytest

from libs.statements import reading
from services.reporting.store.imports import SETTLEMENT_LINES
from tests.libs.statements.test_samples import SAMPLES, STATED
from tests.services.reporting.files import simple, stripe_file, stripe_row
from tests.services.reporting.test_imports import ANY, OF_STRIPE, lines, load, refusal

GOOD = simple(100, 200)
REPORT = stripe_file(stripe_row(100, 3), stripe_row(200, 3))
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PROLOGUE = b'<?xml version="1.0" encoding="UTF-8"?>'
BROKEN = {
    "nothing": b"",
    "blank lines": b"\n\n \n",
    "a web page": b"<!doctype html><html>Your session has ended</html>",
    "a PDF": b"%PDF-1.7 ...",
    "a ZIP": b"PK\x03\x04....",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a CSV of something else": b"a,b,c\n1,2,3\n",
    "cut in an entry": GOOD[: GOOD.index(b"</Ntry>")],
    "cut after the entries": GOOD[: GOOD.rindex(b"<Bal>")],
    "cut in a letter": GOOD.replace(b"S1", "à".encode()[:1]),
    "another encoding than it says": GOOD.replace(b"S1", "à".encode("latin-1")),
    "balances that do not add up": GOOD.replace(b"3.00", b"3.01"),
    "an entity bomb": GOOD.replace(PROLOGUE, BOMB),
    "an external entity": GOOD.replace(PROLOGUE, EXTERNAL),
    "an unknown currency": GOOD.replace(b'"EUR"', b'"XXZ"'),
    "a day that is none": GOOD.replace(b"2026-04-07", b"2026-04-31"),
    "XML that is no statement": b"<?xml version='1.0'?><Document><Order/></Document>",
    "an MT940 that is cut": b":20:X\r\n:25:IT60\r\n:28C:1/1\r\n:60F:C260407EUR0,00\r\n:61:2604070407C1,00NTRF",
}
BROKEN_REPORTS = {
    "only a header": stripe_file(),
    "gross minus fee is not net": REPORT.replace(b"0.97", b"0.98"),
    "a row that is cut": REPORT[:-8],
    "a quotation mark that is open": REPORT.replace(b"ch_1,,", b'ch_1,",', 1),
    "too many decimals": REPORT.replace(b"1.00,", b"1.001,"),
    "in UTF-16, cut in half": codecs.BOM_UTF16_LE + REPORT.decode().encode("utf-16-le")[:-1],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_statement_is_refused_and_leaves_nothing(world, data):
    found = await refusal(world, data)
    assert found.reason == "statement_refused"
    assert found.facts["refused_reason"]
    assert await lines(world) == []


@pytest.mark.parametrize("data", BROKEN_REPORTS.values(), ids=BROKEN_REPORTS.keys())
async def test_a_broken_report_is_refused_and_leaves_nothing(world, data):
    found = await refusal(world, data, OF_STRIPE)
    assert found.reason == "statement_refused"
    assert found.facts["refused_reason"]
    assert await lines(world, SETTLEMENT_LINES) == []


@pytest.mark.parametrize("name", STATED)
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside this checkout")
async def test_a_sample_of_a_bank_is_imported_once(world, name):
    file = SAMPLES / name
    found = await load(world, file.read_bytes())
    kept = await lines(world)
    assert len(kept) == found.lines
    booked = sum(total.credits_minor - total.debits_minor for total in found.totals)
    assert found.known_lines or sum(line.amount_minor for line in kept) == booked
    again = await load(world, file.read_bytes() + b"\n")
    assert again.lines == 0


async def test_memory_does_not_grow_with_the_file(world, monkeypatch):
    """Measures Python's memory, not PostgreSQL's. With small blocks, a short file shows what a long one would."""
    monkeypatch.setattr(reading, "BLOCK_ENTRIES", 250)
    peaks = []
    for count in (500, 2_000):
        data = simple(*[1] * count, name=str(count), day=f"2026-05-{count // 100:02}")
        tracemalloc.start()
        try:
            await load(world, data, ANY)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
