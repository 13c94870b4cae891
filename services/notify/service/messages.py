# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of messages: message → command → flow → message. Decides nothing."""

from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from incasso.notify.v1 import messages_pb2 as pb
from incasso.notify.v1.messages_pb2_grpc import MessagesServiceServicer
from libs import wire
from libs.idempotency import key_of
from services.notify.deps import Deps
from services.notify.messages.flows import lookup, reports, resend
from services.notify.messages.rules.domain import (
    Channel,
    Kind,
    Message,
    State,
    Suppression,
    SuppressionReason,
)

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

STATES: Final = {state: pb.Message.State.Value(f"STATE_{state.name}") for state in State}
CHANNELS: Final = {one: pb.Message.Channel.Value(f"CHANNEL_{one.name}") for one in Channel}
KINDS: Final = {kind: pb.Message.Kind.Value(f"KIND_{kind.name}") for kind in Kind}
REASONS: Final = {
    reason: pb.Suppression.Reason.Value(f"REASON_{reason.name}") for reason in SuppressionReason
}
_STATE_OF: Final = {value: state for state, value in STATES.items()}


def message_pb(message: Message) -> pb.Message:
    def stamp(name: str) -> Timestamp | None:
        at = getattr(message, name)
        return wire.timestamp(at) if at else None

    return pb.Message(
        id=message.id,
        state=STATES[message.state],
        kind=KINDS[message.kind],
        channel=CHANNELS[message.channel],
        recipient=message.recipient,
        locale=message.locale,
        payment_link_id=message.payment_link_id,
        payment_id=message.payment_id,
        event_id=message.event_id,
        attempts=message.attempts,
        error=message.error,
        provider_reference=message.provider_reference,
        resend_of=message.resend_of,
        next_attempt_at=stamp("due_at") if message.state is State.QUEUED else None,
        sent_at=stamp("sent_at"),
        delivered_at=stamp("delivered_at"),
        created_at=stamp("created_at"),
    )


def suppression_pb(suppression: Suppression) -> pb.Suppression:
    return pb.Suppression(
        id=suppression.id,
        channel=CHANNELS[suppression.channel],
        recipient=suppression.recipient,
        reason=REASONS[suppression.reason],
        created_at=wire.timestamp(suppression.created_at),
    )


def _opt(message: Any, name: str) -> Any:
    """The value of an optional field; None when it was not sent."""
    return getattr(message, name) if message.HasField(name) else None


class Messages(MessagesServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def GetMessage(self, request: pb.GetMessageRequest, rpc: Rpc) -> pb.GetMessageResponse:
        found = await lookup.get_message(self._deps, request.message_id)
        return pb.GetMessageResponse(message=message_pb(found))

    async def ListMessages(
        self, request: pb.ListMessagesRequest, rpc: Rpc
    ) -> pb.ListMessagesResponse:
        created_from, created_to = _opt(request, "created_from"), _opt(request, "created_to")
        query = lookup.ListMessages(
            limit=request.limit,
            cursor=request.cursor,
            state=_STATE_OF.get(request.state),
            payment_link_id=_opt(request, "payment_link_id"),
            payment_id=_opt(request, "payment_id"),
            created_from=wire.time_of(created_from) if created_from else None,
            created_to=wire.time_of(created_to) if created_to else None,
        )
        rows, cursor = await lookup.list_messages(self._deps, query)
        return pb.ListMessagesResponse(
            data=[message_pb(row) for row in rows], next_cursor=cursor or None
        )

    async def ResendMessage(
        self, request: pb.ResendMessageRequest, rpc: Rpc
    ) -> pb.ResendMessageResponse:
        made = await resend.resend_message(
            self._deps,
            request.message_id,
            _opt(request, "recipient"),
            key_of(request, "ResendMessage"),
        )
        return pb.ResendMessageResponse(message=message_pb(made))

    async def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, rpc: Rpc
    ) -> pb.ListSuppressionsResponse:
        rows, cursor = await lookup.list_suppressions(
            self._deps, limit=request.limit, cursor=request.cursor
        )
        return pb.ListSuppressionsResponse(
            data=[suppression_pb(row) for row in rows], next_cursor=cursor or None
        )

    async def DeleteSuppression(
        self, request: pb.DeleteSuppressionRequest, rpc: Rpc
    ) -> pb.DeleteSuppressionResponse:
        await lookup.delete_suppression(self._deps, request.suppression_id)
        return pb.DeleteSuppressionResponse()

    async def HandleSmsStatus(
        self, request: pb.HandleSmsStatusRequest, rpc: Rpc
    ) -> pb.HandleSmsStatusResponse:
        await reports.handle_sms_status(
            self._deps,
            provider=request.provider,
            url=request.url,
            headers=dict(request.headers),
            body=request.body,
        )
        return pb.HandleSmsStatusResponse()

    async def HandleBounce(
        self, request: pb.HandleBounceRequest, rpc: Rpc
    ) -> pb.HandleBounceResponse:
        await reports.handle_bounce(self._deps, request.body)
        return pb.HandleBounceResponse()
