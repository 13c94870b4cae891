"""The event warning that a merchant's text messages for the month are running out, as a row of the
outbox.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from incasso.notify.v1 import events_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent

SUBJECT: Final = "incasso.notify.sms_quota.reached"


@dataclass(frozen=True, slots=True)
class SmsUsage:
    plan: str
    limit: int
    used: int
    month: date


async def sms_quota_reached(
    conn: Conn, merchant_id: str, usage: SmsUsage, percent: int, *, at: datetime
) -> None:
    month = usage.month.strftime("%Y-%m")
    event = wire.message(events_pb2.SmsQuotaReached, usage, percent=percent, month=month)
    quota_event = NewEvent(merchant_id, merchant_id, SUBJECT, event.SerializeToString(), at)
    await outbox.append(conn, quota_event)
