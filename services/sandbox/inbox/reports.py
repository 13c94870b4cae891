"""Reports to senders: bounces and the SMS provider's callbacks.

Pending reports are stored in the books, so they survive a restart; a failed report is retried.
"""

import asyncio
import json
import sqlite3
import time

import aiohttp
import structlog

from services.sandbox.books import messages, notices
from services.sandbox.books.notices import Notice
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.resting import AFTER_ERROR_SECONDS, rest_until

ANSWER_TIMEOUT_SECONDS = 10
AT_ONCE = 16
MOST_ATTEMPTS = 8
LONGEST_RETRY_SECONDS = 60.0
# Twilio's "unreachable destination handset".
UNREACHABLE = 30003

log = structlog.get_logger("sandbox.reports")


async def run(deps: Deps) -> None:
    """Runs until cancelled. Sleeps until the next report is due, or a new one is stored."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            deps.noticed.clear()
            try:
                await send_due(deps, session)
                due_at = notices.next_due_at(deps.conn)
            except sqlite3.Error:
                log.exception("reports_failed")
                due_at = time.time() + AFTER_ERROR_SECONDS
            await rest_until(due_at, deps.noticed)


async def send_due(deps: Deps, session: aiohttp.ClientSession) -> None:
    waiting = notices.due(deps.conn, time.time(), limit=AT_ONCE)
    for notice in waiting:
        if not notice.attempts:
            code = UNREACHABLE if notice.state == "undelivered" else None
            messages.set_state(deps.conn, notice.message, notice.state, code)
    await asyncio.gather(*(_send(deps, session, notice) for notice in waiting))


async def _send(deps: Deps, session: aiohttp.ClientSession, notice: Notice) -> None:
    outcome = await _post(session, notice)
    given_up = notice.attempts + 1 >= MOST_ATTEMPTS
    with transaction(deps.conn):
        if outcome == "delivered" or given_up:
            notices.delete(deps.conn, notice.sequence)
        else:
            wait = deps.config.sandbox_webhook_retry_seconds * 2.0**notice.attempts
            due_at = time.time() + min(wait, LONGEST_RETRY_SECONDS)
            notices.postpone(deps.conn, notice.sequence, due_at)
    if outcome != "delivered":
        log.info("report_failed", message=notice.message, outcome=outcome, given_up=given_up)


async def _post(session: aiohttp.ClientSession, notice: Notice) -> str:
    """Sends once and returns "delivered" or the error."""
    if notice.url is None:
        return "delivered"
    try:
        async with session.post(
            notice.url, data=notice.body, headers=json.loads(notice.headers), allow_redirects=False
        ) as answer:
            await answer.read()
            return "delivered" if 200 <= answer.status < 300 else f"{answer.status}"  # noqa: PLR2004  # the success range
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return type(error).__name__
