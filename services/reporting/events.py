"""The public view of the ledger: entries and periods as protobuf, and the event of a close."""

from datetime import datetime

from incasso.reporting.v1 import events_pb2, ledger_pb2
from libs import descriptors, outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.reporting.rules.periods import Period


def period_pb(period: Period) -> ledger_pb2.Period:
    return wire.message(ledger_pb2.Period, period)


async def period_closed(conn: Conn, merchant_id: str, period: Period, now: datetime) -> None:
    event = events_pb2.PeriodClosed(period=period_pb(period))
    subject, body = descriptors.subject_of(event), event.SerializeToString()
    await outbox.append(
        conn, NewEvent(merchant_id, f"{merchant_id}:{period.month}", subject, body, now)
    )
