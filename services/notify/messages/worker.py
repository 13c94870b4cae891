"""Entry points of messages besides gRPC: events that lead to messages, and due messages."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from libs import context
from libs.bus import Event
from libs.consumer import BatchHandler, Handler
from libs.db import Conn
from libs.due import DueWorker
from libs.queues import Room
from services.notify.deps import Deps
from services.notify.messages import (
    cod_events,
    owner_events,
    plan_events,
    report_events,
    shopper_events,
    team_events,
)
from services.notify.messages.flows.messages import queue_messages
from services.notify.messages.flows.resolve import resolve_message
from services.notify.messages.flows.send import send_message
from services.notify.messages.rules import retry
from services.notify.messages.rules.domain import PHONES, Channel, Message
from services.notify.messages.store import attempts
from services.notify.messages.store.attempts import Due

ACTOR: Final = "notify"
MAIL_PLACES: Final = 16
PHONE_PLACES: Final = 8

_MESSAGES: Final[Mapping[str, Callable[[Event, datetime], list[Message]]]] = {
    **shopper_events.MESSAGES,
    **owner_events.MESSAGES,
    **plan_events.MESSAGES,
    **cod_events.MESSAGES,
    **report_events.MESSAGES,
    **team_events.MESSAGES,
}


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers, by subject. They send nothing."""

    async def handle(conn: Conn, events: Sequence[Event]) -> None:
        now = deps.now()
        made = [message for event in events for message in _MESSAGES[event.subject](event, now)]
        await queue_messages(conn, made)

    return dict.fromkeys(_MESSAGES, BatchHandler(handle))


def due_workers(deps: Deps) -> Sequence[DueWorker[Due]]:
    """The workers of messages, one per kind of server."""
    return [mail_worker(deps), phone_worker(deps)]


def mail_worker(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Due]:
    """Due e-mail."""
    return _sender("mail", deps, (Channel.EMAIL,), interval_seconds, MAIL_PLACES)


def phone_worker(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Due]:
    """Due text messages: separate, so that neither waits for the other's server."""
    return _sender("text messages", deps, PHONES, interval_seconds, PHONE_PLACES)


def _sender(
    name: str, deps: Deps, channels: tuple[Channel, ...], interval_seconds: float, places: int
) -> DueWorker[Due]:
    async def claim(conn: Conn, room: Room) -> Sequence[Due]:
        return await attempts.claim(conn, room, channels=channels, lease=retry.LEASE)

    async def work(due: Due) -> None:
        context.set_current(
            context.Call(
                merchant_id=due.message.merchant_id,
                actor=ACTOR,
                clock_offset_seconds=due.clock_offset_seconds,
            )
        )
        if due.doubtful:
            await resolve_message(deps, due.message)
        else:
            # A stopping process finishes its attempts, so that no message is left in an unknown
            # state.
            await deps.sending.finish(send_message(deps, due.message))

    return DueWorker(
        name,
        deps.db,
        claim,
        work,
        any_due=attempts.claim_of(channels).any_due,
        interval_seconds=interval_seconds,
        concurrency=places,
    )
