"""Events of payments: changes to a payment that the service did not request."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from incasso.payments.v1 import events_pb2, payments_pb2
from libs.bus import Event
from libs.consumer import Handler, UnlessKnown
from libs.db import Conn
from libs.payments import routes
from libs.payments.answer import Answer, Outcome
from libs.payments.client import answer_of

MESSAGES: Final[Mapping[str, Any]] = {
    "action_required": events_pb2.PaymentActionRequired,
    "pending": events_pb2.PaymentPending,
    "authorised": events_pb2.PaymentAuthorised,
    "captured": events_pb2.PaymentCaptured,
    "lowered": events_pb2.PaymentLowered,
    "declined": events_pb2.PaymentDeclined,
    "cancelled": events_pb2.PaymentCancelled,
}
PREFIX: Final = "incasso.payments.payment."


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """An event about one of the service's own payments."""

    event_id: str
    merchant_id: str
    answer: Answer


Known: TypeAlias = Callable[[Conn, Sequence[PaymentEvent]], Awaitable[Collection[str]]]
Follow: TypeAlias = Callable[[Conn, Answer], Awaitable[None]]
FollowOther: TypeAlias = Callable[[Conn, payments_pb2.Payment], Awaitable[None]]


def handlers(
    method: str,
    follow: Follow,
    *,
    known: Known,
    others: FollowOther | None = None,
    without: str = "",
) -> dict[str, Handler]:
    """`follow` handles events of payments by `method`, in the inbox's transaction, in any order and
    any number of times; `others` handles those of other methods with a saved instrument. `known`
    returns, in one statement, the ids of events that would change nothing. `without`: a verb to
    leave out.

    The row is the one with the answer's `id`, or the one with its `key` and no payment yet.
    """

    async def known_of(conn: Conn, events: Sequence[Event]) -> Collection[str]:
        ours = [
            PaymentEvent(event.event_id, event.merchant_id, answer_of(payment))
            for event in events
            if (payment := _payment(event)).method == method
        ]
        return await known(conn, ours) if ours else set()

    async def on_payment(conn: Conn, event: Event) -> None:
        payment = _payment(event)
        if payment.method == method:
            await follow(conn, answer_of(payment))
        elif others is not None:
            await others(conn, payment)

    route = routes.SAVED if others else routes.of_method(method)
    one = UnlessKnown(known_of, on_payment, route)
    return {f"{PREFIX}{verb}": one for verb in MESSAGES if verb != without}


async def already_ended(
    conn: Conn, table: str, events: Sequence[PaymentEvent], *, unended: Sequence[str]
) -> Collection[str]:
    """Ids of events about rows that had already ended: for `known` of a service whose `table` has
    a row for each payment. `unended`: the states before the end.
    """
    found = await conn.fetch(
        "SELECT event.event_id"  # noqa: S608 - made of constants
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[])"
        " AS event (event_id, merchant_id, payment_id, succeeded)"
        f" JOIN {table} AS known USING (merchant_id, payment_id)"
        " WHERE state = 'succeeded' OR state <> ALL($5::text[]) AND NOT succeeded",
        [event.event_id for event in events],
        [event.merchant_id for event in events],
        [event.answer.id for event in events],
        [event.answer.outcome is Outcome.SUCCEED for event in events],
        list(unended),
    )
    return {row["event_id"] for row in found}


def _payment(event: Event) -> payments_pb2.Payment:
    message = MESSAGES[event.subject.removeprefix(PREFIX)].FromString(event.body)
    found: payments_pb2.Payment = message.payment
    return found
