"""The gRPC servicer of messages."""

from typing import Final

from incasso.notify.v1 import messages_pb2 as pb
from libs import context, pages, servicer, wire
from libs.pages import Listed
from services.notify.deps import Deps
from services.notify.errors import MessageNotFound
from services.notify.messages.flows import messages, reports, suppressions
from services.notify.messages.rules.domain import Message, State
from services.notify.messages.store.messages import MESSAGES, MessageFilter, page
from services.notify.messages.store.suppressions import SUPPRESSIONS


def message_pb(message: Message) -> pb.Message:
    due_at = message.due_at if message.state is State.QUEUED else None
    return wire.message(pb.Message, message, next_attempt_at=wire.opt_timestamp(due_at))


async def _list_messages(deps: Deps, request: pb.ListMessagesRequest) -> Listed[Message]:
    wanted = wire.read(MessageFilter, request)
    return await deps.db.run(page, context.merchant_id(), pages.asked(request, "msg"), wanted)


Messages: Final = servicer.of(
    "incasso.notify.v1.MessagesService",
    shows={Message: message_pb},
    GetMessage=servicer.Row(MESSAGES, MessageNotFound),
    ListMessages=_list_messages,
    ResendMessage=messages.resend_message,
    GetSmsUsage=messages.get_sms_usage,
    ListSuppressions=servicer.Rows(SUPPRESSIONS, "sup", where="removed_at IS NULL"),
    DeleteSuppression=suppressions.delete_suppression,
    HandleSmsStatus=reports.handle_sms_status,
    HandleBounce=reports.handle_bounce,
)
