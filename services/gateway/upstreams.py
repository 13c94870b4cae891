"""Which gRPC services stand behind the gateway, and how one of their methods is called.

A new service is a line per gRPC service in UPSTREAMS and its target in config.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from incasso.gateway.v1 import checkout_pb2
from incasso.merchants.v1 import merchants_pb2
from incasso.notify.v1 import messages_pb2, webhooks_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2, shop_pb2
from incasso.payments.v1 import payments_pb2
from libs import client, descriptors

Call = Callable[[Message, str], Awaitable[Message]]

DEADLINE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Upstream:
    name: str  # the target is config.<name>_target
    service: str  # full name


def _full_name(module: Any, service: str) -> str:
    return str(module.DESCRIPTOR.services_by_name[service].full_name)


UPSTREAMS: Final = (
    Upstream("merchants", _full_name(merchants_pb2, "MerchantsService")),
    Upstream("payments", _full_name(payments_pb2, "PaymentsService")),
    Upstream("oneclick", _full_name(oneclick_pb2, "OneClickService")),
    Upstream("paylink", _full_name(paylink_pb2, "PaymentLinksService")),
    Upstream("paylink", _full_name(shop_pb2, "ShopService")),
    Upstream("paylink", _full_name(pages_pb2, "PayPagesService")),
    Upstream("notify", _full_name(messages_pb2, "MessagesService")),
    Upstream("notify", _full_name(webhooks_pb2, "WebhooksService")),
)
# The gateway answers these itself.
LOCAL: Final = (_full_name(checkout_pb2, "CheckoutService"),)


class Upstreams:
    """The channels of this process. Connects when the first call is made."""

    def __init__(self, targets: dict[str, str]) -> None:
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._by_service: dict[str, grpc.aio.Channel] = {}
        for upstream in UPSTREAMS:
            if upstream.name not in self._channels:
                self._channels[upstream.name] = client.channel(targets[upstream.name])
            self._by_service[upstream.service] = self._channels[upstream.name]

    def unary(self, rpc: MethodDescriptor) -> Any:
        """What a generated stub would have as its attribute."""
        path = f"/{rpc.containing_service.full_name}/{rpc.name}"
        return self._by_service[rpc.containing_service.full_name].unary_unary(
            path,
            request_serializer=message_class(rpc.input_type).SerializeToString,
            response_deserializer=message_class(rpc.output_type).FromString,
        )

    def method(self, upstream: str, name: str) -> Any:
        """By the short names: `method("payments", "RefreshPayment")`."""
        return self.unary(rpc_of(upstream, name))

    def call(self, rpc: MethodDescriptor) -> Call:
        """A function of the request and the idempotency key. Raises Refusal."""
        unary = self.unary(rpc)

        async def call(request: Message, idempotency_key: str) -> Message:
            answer: Message = await client.call(
                unary,
                request,
                timeout_seconds=DEADLINE_SECONDS,
                idempotency_key=idempotency_key,
            )
            return answer

        return call

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()


def rpc_of(upstream: str, name: str) -> MethodDescriptor:
    """A method of any of the upstream's services, by its short name."""
    owners = [descriptors.service(known.service) for known in UPSTREAMS if known.name == upstream]
    return next(owner.methods_by_name[name] for owner in owners if name in owner.methods_by_name)


def message_class(descriptor: Any) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)
