"""What came of a try: the message's next state, suppressions, and reports that came before."""

from datetime import datetime
from typing import assert_never

from libs.db import Conn
from libs.logs import log
from services.notify import metrics
from services.notify.deps import Deps
from services.notify.messages.flows.suppressions import suppress
from services.notify.messages.rules import domain, retry
from services.notify.messages.rules.domain import PHONES, DeliveryReport, Event, Message, State
from services.notify.messages.rules.outcomes import (
    Accepted,
    Lost,
    Outcome,
    Over,
    OverQuota,
    Postponed,
    Refused,
    Suppressed,
)
from services.notify.messages.store import messages, reports, tries


async def record_outcome(deps: Deps, message: Message, outcome: Outcome) -> None:
    """In one transaction. Nothing happens when the try was ended by somebody else."""
    event, due_at = _event_of(deps, message, outcome)
    to = domain.after(message.state, event)
    if to is None:
        raise AssertionError(f"{message.state} knows no {event}")
    error = getattr(outcome, "error", None)
    reference = outcome.reference if isinstance(outcome, Accepted) else None
    name = type(outcome).__name__.lower()
    key = reference if reference and message.channel in PHONES else message.id
    async with deps.db.transaction() as tx:
        await reports.lock(tx, key)
        if not await tries.finish(
            tx,
            message,
            to,
            outcome=name,
            error=error,
            reference=reference,
            due_at=due_at,
            sent_at=deps.clock.now() if to is State.SENT else None,
        ):
            log.warning("try was ended by another worker", message_id=message.id)
            return
        if isinstance(outcome, Refused) and outcome.suppression:
            await suppress(tx, message, outcome.suppression, deps.clock.now())
        for report in await reports.take(tx, key):
            await apply_report(tx, message, report, now=deps.clock.now())
    metrics.MESSAGES.labels(message.channel.value, to.value).inc()


def _event_of(deps: Deps, message: Message, outcome: Outcome) -> tuple[Event, datetime | None]:
    """What the outcome does to the message, and when it is due again."""
    match outcome:
        case Accepted():
            return Event.ACCEPT, None
        case Postponed(after_seconds=after_seconds):
            due_at = retry.next_try(
                attempts=message.attempts,
                queued_at=message.queued_at,
                now=deps.now(),
                after_seconds=after_seconds,
            )
            return (Event.POSTPONE, due_at) if due_at else (Event.FAIL, None)
        case Refused(bounced=bounced):
            return (Event.BOUNCE if bounced else Event.FAIL), None
        case Lost():
            return Event.LOSE, deps.now() + retry.ASK if message.channel in PHONES else None
        case Suppressed():
            return Event.SUPPRESS, None
        case Over():
            return Event.END, None
        case OverQuota():
            return Event.REFUSE, None
        case _:
            assert_never(outcome)


async def apply_report(
    conn: Conn, message: Message, report: DeliveryReport, *, now: datetime
) -> None:
    """Move the message forward; a report that comes too late changes nothing."""
    if report.suppression and message.recipient:
        await suppress(conn, message, report.suppression, now)
    current = await messages.lock(conn, message.merchant_id, message.id)
    to = domain.after(current.state, report.event) if current else None
    if current is None or to is None:
        return
    delivered_at = now if to is State.DELIVERED else None
    await tries.move(conn, current, to, error=report.error, delivered_at=delivered_at)
    metrics.MESSAGES.labels(current.channel.value, to.value).inc()
