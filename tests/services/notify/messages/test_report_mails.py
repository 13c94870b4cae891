"""Scheduled reports, e-mailed to the addresses in the schedule."""

from typing import Any

import pytest

from incasso.reporting.v1 import events_pb2, reports_pb2
from services.notify.messages.rules.attachments import MOST_BYTES
from tests.services.notify.messages.world import World

DONE, FAILED = reports_pb2.ReportRun.STATE_DONE, reports_pb2.ReportRun.STATE_FAILED
SHEET = b"day,gross\r\n2026-11-01,59.90\r\n"
FINANCE = "finance@rossi.example"


def requested(world: World, state: Any = DONE, recipient: str = FINANCE) -> Any:
    run = reports_pb2.ReportRun(
        id="rrn_1",
        state=state,
        report="daily_sales",
        booked_from="2026-11-01",
        booked_to="2026-11-30",
    )
    payload = events_pb2.ReportMessageRequested(run=run, recipient=recipient)
    return world.event("reporting.report.message_requested", payload)


@pytest.mark.parametrize(
    ("locale", "heading"), [("it", "Un report è pronto"), ("en", "A report is ready")]
)
async def test_a_report_is_mailed_with_its_file_to_the_scheduled_recipient(
    world: World, locale: str, heading: str
):
    world.neighbours.merchant.locale = locale
    world.neighbours.files["rrn_1"] = ("daily_sales.csv", "text/csv", SHEET)
    await world.happen(requested(world))
    await world.turn()
    (letter,) = world.mail.letters
    text = letter.get_body(("plain",)).get_content()
    for words in (heading, "daily_sales 2026-11-01 \N{EN DASH} 2026-11-30", "daily_sales.csv"):
        assert words in text
    (part,) = letter.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("text/csv", "daily_sales.csv")
    assert part.get_payload(decode=True) == SHEET
    assert letter["To"].addresses[0].addr_spec == FINANCE


@pytest.mark.parametrize("file", [None, bytes(MOST_BYTES + 1)])
async def test_a_too_large_or_expired_file_is_referenced_instead_of_attached(
    world: World, file: bytes | None
):
    world.neighbours.merchant.locale = "en"
    if file:
        world.neighbours.files["rrn_1"] = ("daily_sales.csv", "text/csv", file)
    await world.happen(requested(world))
    await world.turn()
    (letter,) = world.mail.letters
    assert list(letter.iter_attachments()) == []
    assert "GET /v1/reports/runs/rrn_1/file" in letter.get_body(("plain",)).get_content()


async def test_a_report_mail_waits_during_a_reporting_outage(world: World):
    world.neighbours.files["rrn_1"] = ("daily_sales.csv", "text/csv", SHEET)
    world.neighbours.away.add("DownloadReportRun")
    await world.happen(requested(world))
    await world.turn()
    assert (await world.row())["state"] == "queued"
    world.neighbours.away.clear()
    await world.due()
    await world.turn()
    assert len(world.mail.letters) == 1


async def test_a_failed_report_is_notified_once_even_if_its_event_repeats(world: World):
    world.neighbours.merchant.locale = "en"
    event = requested(world, FAILED)
    for _ in range(2):
        await world.happen(event)
    await world.turn()
    (letter,) = world.mail.letters
    assert "could not be made" in letter["Subject"]
