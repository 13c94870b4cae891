# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of webhooks and events: message → command → flow → message. Decides nothing."""

from typing import Final

from incasso.notify.v1 import webhooks_pb2 as pb
from incasso.notify.v1.webhooks_pb2_grpc import WebhooksServiceServicer
from services.notify.deps import WebhookDeps

NAME: Final = pb.DESCRIPTOR.services_by_name["WebhooksService"].full_name


class Webhooks(WebhooksServiceServicer):
    def __init__(self, deps: WebhookDeps) -> None:
        self._deps = deps
