"""The public view of the ledger, and reporting's events: a month was closed, a report finished."""

from collections.abc import Sequence
from datetime import datetime

from incasso.reporting.v1 import events_pb2, ledger_pb2, reports_pb2
from libs import descriptors, outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.reporting.rules.periods import Period
from services.reporting.rules.report_runs import ReportRun


def period_pb(period: Period) -> ledger_pb2.Period:
    return wire.message(ledger_pb2.Period, period)


async def period_closed(conn: Conn, merchant_id: str, period: Period, now: datetime) -> None:
    event = events_pb2.PeriodClosed(period=period_pb(period))
    subject, body = descriptors.subject_of(event), event.SerializeToString()
    await outbox.append(
        conn, NewEvent(merchant_id, f"{merchant_id}:{period.month}", subject, body, now)
    )


async def report_finished(
    conn: Conn, run: ReportRun, recipients: Sequence[str], now: datetime
) -> None:
    """`run`: its final state. Also requests the e-mails of its schedule."""
    shown = wire.message(reports_pb2.ReportRun, run)
    messages = [events_pb2.ReportMessageRequested(run=shown, recipient=each) for each in recipients]
    published = [events_pb2.ReportFinished(run=shown), *messages]
    await outbox.append(conn, *(outbox.event_of(run, event, now) for event in published))
