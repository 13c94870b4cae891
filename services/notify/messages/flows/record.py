"""Records the outcome of an attempt: the message's next state, suppressions, and reports that
arrived early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from libs.db import Conn
from libs.logs import log
from services.notify import metrics
from services.notify.deps import Deps
from services.notify.messages.flows.suppressions import suppress
from services.notify.messages.rules import domain, outcomes, retry
from services.notify.messages.rules.domain import (
    PHONES,
    DeliveryReport,
    Event,
    Message,
    State,
    SuppressionReason,
)
from services.notify.messages.store import attempts, reports
from services.notify.messages.store.attempts import Ending
from services.notify.messages.store.messages import MESSAGES


@dataclass(frozen=True, slots=True)
class _Ended:
    """The outcome of an attempt. `key`: under which its early reports are kept."""

    ending: Ending
    key: str
    suppression: SuppressionReason | None
    now: datetime


async def record_outcome(deps: Deps, message: Message, outcome: outcomes.Outcome) -> None:
    """In one transaction, shared with other attempts. Does nothing if another worker has already
    ended the attempt.
    """
    event, due_at = _event_of(deps, message, outcome)
    to = domain.after(message.state, event)
    if to is None:
        raise AssertionError(f"{message.state} knows no {event}")
    reference = outcome.reference if isinstance(outcome, outcomes.Accepted) else None
    now = deps.clock.now()
    ending = Ending(
        message,
        to,
        outcome=type(outcome).__name__.lower(),
        error=getattr(outcome, "error", None),
        reference=reference,
        due_at=due_at,
        sent_at=now if to is State.SENT else None,
    )
    ended = _Ended(
        ending,
        key=reference if reference and message.channel in PHONES else message.id,
        suppression=outcome.suppression if isinstance(outcome, outcomes.Refused) else None,
        now=now,
    )
    if await deps.batcher.transaction(_record, ended):
        metrics.MESSAGES.labels(message.channel.value, to.value).inc()
    else:
        log.warning("attempt was ended by another worker", message_id=message.id)


async def _record(tx: Conn, ended: Sequence[_Ended]) -> Sequence[bool]:
    """Whether each outcome was recorded."""
    await reports.lock(tx, [one.key for one in ended])
    finished = await attempts.finish(tx, [one.ending for one in ended])
    ours = {one.key: one for one in ended if one.ending.message.id in finished}
    for one in ours.values():
        if one.suppression:
            await suppress(tx, one.ending.message, one.suppression, one.now)
    for key, report in await reports.take(tx, list(ours)):
        await apply_report(tx, ours[key].ending.message, report, now=ours[key].now)
    return [one.ending.message.id in finished for one in ended]


def _event_of(
    deps: Deps, message: Message, outcome: outcomes.Outcome
) -> tuple[Event, datetime | None]:
    """The effect of the outcome on the message, and when it is due again."""
    match outcome:
        case outcomes.Accepted():
            return Event.ACCEPT, None
        case outcomes.Postponed(after_seconds=after_seconds):
            due_at = retry.next_try(
                attempts=message.attempts,
                queued_at=message.queued_at,
                now=deps.now(),
                after_seconds=after_seconds,
            )
            return (Event.POSTPONE, due_at) if due_at else (Event.FAIL, None)
        case outcomes.Redirected():
            return Event.POSTPONE, deps.now()
        case outcomes.Refused(bounced=bounced):
            return (Event.BOUNCE if bounced else Event.FAIL), None
        case outcomes.Lost():
            return Event.LOSE, deps.now() + retry.ASK if message.channel in PHONES else None
        case outcomes.Suppressed():
            return Event.SUPPRESS, None
        case outcomes.Obsolete():
            return Event.END, None
        case outcomes.OverQuota():
            return Event.REFUSE, None
        case _:
            assert_never(outcome)


async def apply_report(
    conn: Conn, message: Message, report: DeliveryReport, *, now: datetime
) -> None:
    """Advances the message; a report that comes too late changes nothing."""
    if report.suppression and message.recipient:
        await suppress(conn, message, report.suppression, now)
    current = await MESSAGES.lock(conn, message.merchant_id, message.id)
    to = domain.after(current.state, report.event) if current else None
    if current is None or to is None:
        return
    delivered_at = now if to is State.DELIVERED else None
    await attempts.move(conn, current, to, error=report.error, delivered_at=delivered_at)
    metrics.MESSAGES.labels(current.channel.value, to.value).inc()
