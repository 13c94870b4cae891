# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of messages: message → command → flow → message. Decides nothing."""

from typing import Any, Final, TypeAlias

import grpc

from incasso.notify.v1 import messages_pb2 as pb
from incasso.notify.v1.messages_pb2_grpc import MessagesServiceServicer
from libs import pages
from libs.idempotency import key_of
from libs.wire import opt, opt_timestamp, timestamp
from services.notify.deps import Deps
from services.notify.messages.flows import messages, reports, suppressions
from services.notify.messages.rules.domain import (
    Channel,
    Kind,
    Message,
    State,
    Suppression,
    SuppressionReason,
)
from services.notify.messages.store.messages import MessageFilter

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

STATES: Final = {state: pb.Message.State.Value(f"STATE_{state.name}") for state in State}
CHANNELS: Final = {one: pb.Message.Channel.Value(f"CHANNEL_{one.name}") for one in Channel}
KINDS: Final = {kind: pb.Message.Kind.Value(f"KIND_{kind.name}") for kind in Kind}
REASONS: Final = {
    reason: pb.Suppression.Reason.Value(f"REASON_{reason.name}") for reason in SuppressionReason
}
_STATE_OF: Final = {value: state for state, value in STATES.items()}


def message_pb(message: Message) -> pb.Message:
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
        next_attempt_at=opt_timestamp(message.due_at if message.state is State.QUEUED else None),
        sent_at=opt_timestamp(message.sent_at),
        delivered_at=opt_timestamp(message.delivered_at),
        created_at=timestamp(message.created_at),
    )


def suppression_pb(suppression: Suppression) -> pb.Suppression:
    return pb.Suppression(
        id=suppression.id,
        channel=CHANNELS[suppression.channel],
        recipient=suppression.recipient,
        reason=REASONS[suppression.reason],
        created_at=timestamp(suppression.created_at),
    )


class Messages(MessagesServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def GetMessage(self, request: pb.GetMessageRequest, rpc: Rpc) -> pb.GetMessageResponse:
        found = await messages.get_message(self._deps, request.message_id)
        return pb.GetMessageResponse(message=message_pb(found))

    async def ListMessages(
        self, request: pb.ListMessagesRequest, rpc: Rpc
    ) -> pb.ListMessagesResponse:
        wanted = MessageFilter(
            state=_STATE_OF.get(request.state),
            payment_link_id=opt(request, "payment_link_id"),
            payment_id=opt(request, "payment_id"),
            created_from=opt(request, "created_from"),
            created_to=opt(request, "created_to"),
        )
        listed = await messages.list_messages(self._deps, pages.asked(request, "msg"), wanted)
        return pb.ListMessagesResponse(
            data=map(message_pb, listed.rows), next_cursor=listed.next_cursor
        )

    async def ResendMessage(
        self, request: pb.ResendMessageRequest, rpc: Rpc
    ) -> pb.ResendMessageResponse:
        recipient, key = opt(request, "recipient"), key_of(request, "ResendMessage")
        made = await messages.resend_message(self._deps, request.message_id, recipient, key)
        return pb.ResendMessageResponse(message=message_pb(made))

    async def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, rpc: Rpc
    ) -> pb.ListSuppressionsResponse:
        listed = await suppressions.list_suppressions(self._deps, pages.asked(request, "sup"))
        return pb.ListSuppressionsResponse(
            data=map(suppression_pb, listed.rows), next_cursor=listed.next_cursor
        )

    async def DeleteSuppression(
        self, request: pb.DeleteSuppressionRequest, rpc: Rpc
    ) -> pb.DeleteSuppressionResponse:
        await suppressions.delete_suppression(self._deps, request.suppression_id)
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
