# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of messages: message → command → flow → message. Decides nothing."""

from typing import Final

from incasso.notify.v1 import messages_pb2 as pb
from incasso.notify.v1.messages_pb2_grpc import MessagesServiceServicer
from services.notify.deps import Deps

NAME: Final = pb.DESCRIPTOR.services_by_name["MessagesService"].full_name


class Messages(MessagesServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps
