"""Payments' events: what becomes of a payment without being asked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from incasso.payments.v1 import events_pb2, payments_pb2
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.payments.answer import Answer
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

Follow: TypeAlias = Callable[[Conn, Answer], Awaitable[None]]
FollowOther: TypeAlias = Callable[[Conn, payments_pb2.Payment], Awaitable[None]]


def handlers(
    method: str, follow: Follow, *, others: FollowOther | None = None, without: str = ""
) -> dict[str, Handler]:
    """`follow` is told of the payments of `method`, in the inbox's transaction, in any order and any
    number of times; `others` of those of the other methods. `without`: a verb that is not followed.

    The row is the one with the answer's `id`, or the one of its `key` that has no payment yet.
    """

    async def on_payment(conn: Conn, event: Event) -> None:
        message = MESSAGES[event.subject.removeprefix(PREFIX)].FromString(event.body)
        if message.payment.method == method:
            await follow(conn, answer_of(message.payment))
        elif others is not None:
            await others(conn, message.payment)

    return {f"{PREFIX}{verb}": on_payment for verb in MESSAGES if verb != without}
