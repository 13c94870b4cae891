"""Messages to the merchant's staff: scheduled reports, with their files."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from incasso.reporting.v1 import events_pb2, reports_pb2
from libs.bus import Event
from libs.money import Money
from services.notify.messages.rules.domain import About, Kind, Message
from services.notify.messages.shopper_events import message_of

_KIND: Final = {
    reports_pb2.ReportRun.STATE_DONE: Kind.REPORT_DONE,
    reports_pb2.ReportRun.STATE_FAILED: Kind.REPORT_FAILED,
}


def _report(event: Event, now: datetime) -> list[Message]:
    """No message for a state that this version does not know."""
    asked = events_pb2.ReportMessageRequested.FromString(event.body)
    run = asked.run
    kind = _KIND.get(run.state)
    if kind is None:
        return []
    days = [day for day in (run.booked_from, run.booked_to) if day]
    about = About(
        amount=Money(0, "EUR"),  # no money involved
        description=" ".join((run.report, " \N{EN DASH} ".join(dict.fromkeys(days)))).strip(),
        report_run_id=run.id,
    )
    return [replace(message_of(event, now, kind, about), recipient=asked.recipient)]


MESSAGES: Final = {"incasso.reporting.report.message_requested": _report}
