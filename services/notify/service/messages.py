# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of messages: message → command → flow → message. Decides nothing."""

from typing import Any, TypeAlias

import grpc

from incasso.notify.v1 import messages_pb2 as pb
from incasso.notify.v1.messages_pb2_grpc import MessagesServiceServicer
from libs import pages, wire
from libs.idempotency import key_of
from services.notify.deps import Deps
from services.notify.messages.flows import messages, reports, suppressions
from services.notify.messages.rules.domain import Message, State, Suppression
from services.notify.messages.store.messages import MessageFilter

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]


def message_pb(message: Message) -> pb.Message:
    due_at = message.due_at if message.state is State.QUEUED else None
    return wire.message(pb.Message, message, next_attempt_at=wire.opt_timestamp(due_at))


def suppression_pb(suppression: Suppression) -> pb.Suppression:
    return wire.message(pb.Suppression, suppression)


class Messages(MessagesServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def GetMessage(self, request: pb.GetMessageRequest, rpc: Rpc) -> pb.GetMessageResponse:
        found = await messages.get_message(self._deps, request.message_id)
        return pb.GetMessageResponse(message=message_pb(found))

    async def ListMessages(
        self, request: pb.ListMessagesRequest, rpc: Rpc
    ) -> pb.ListMessagesResponse:
        wanted = wire.read(MessageFilter, request)
        listed = await messages.list_messages(self._deps, pages.asked(request, "msg"), wanted)
        return pb.ListMessagesResponse(
            data=map(message_pb, listed.rows), next_cursor=listed.next_cursor
        )

    async def ResendMessage(
        self, request: pb.ResendMessageRequest, rpc: Rpc
    ) -> pb.ResendMessageResponse:
        recipient, key = wire.opt(request, "recipient"), key_of(request, "ResendMessage")
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
