"""SQL of report schedules."""

from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.queues import CLOCK_OFFSET, Queue
from libs.rows import Table
from services.reporting.rules.schedules import ReportSchedule

SCHEDULES: Final = Table("report_schedules", ReportSchedule)
# The claim only locks: the work moves the due time, in the transaction that creates the run.
CLAIM: Final = Queue("report_schedules", by_test_clock=True).claim(f"""
SELECT merchant_id, id, {CLOCK_OFFSET} FROM due LEFT JOIN test_clocks USING (merchant_id)""")  # noqa: S608 - made of constants


async def active(conn: Conn, merchant_id: str) -> int:
    where = "WHERE merchant_id = $1 AND state = 'active'"
    return await SCHEDULES.count(conn, where, merchant_id)


async def move(conn: Conn, schedule: ReportSchedule, due_at: datetime) -> None:
    await SCHEDULES.change(conn, schedule, "due_at = $3", due_at, only="state = 'active'")


async def stop(conn: Conn, schedule: ReportSchedule) -> None:
    sql = "state = 'stopped', due_at = NULL"
    await SCHEDULES.change(conn, schedule, sql, only="state = 'active'")
