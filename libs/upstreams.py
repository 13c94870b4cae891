"""The gRPC services behind a process that browsers reach, and how to call their methods by descriptor.

libs/services lists them. The gateway answers LOCAL itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from libs import client, deadlines, descriptors, services
from libs.downloads import Download
from libs.uploads import Pieces

Call = Callable[[Message, str], Awaitable[Message]]
Upload = Callable[[Message, Pieces], Awaitable[Message]]
Downloaded = Callable[[Message], Awaitable[Download]]

LOCAL: Final = ("incasso.gateway.v1.CheckoutService",)


class Upstreams:
    """The channels of this process. Connects on the first call."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._by_service: dict[str, grpc.aio.Channel] = {}
        for service in services.SERVICES:
            channel = self._channels[service.name] = client.channel(targets[service.name])
            self._by_service |= dict.fromkeys(service.full_names, channel)

    def unary(self, rpc: MethodDescriptor) -> Any:
        """The callable that a generated stub would have for this RPC."""
        return self._channel(rpc).unary_unary(**_of(rpc))

    def method(self, upstream: str, name: str) -> Any:
        """The same by short names: `method("payments", "RefreshPayment")`."""
        return self.unary(rpc_of(upstream, name))

    def call(self, rpc: MethodDescriptor) -> Call:
        """A function of the request and the idempotency key. Raises Refusal."""
        unary = self.unary(rpc)

        async def call(request: Message, idempotency_key: str) -> Message:
            answer: Message = await client.call(
                unary,
                request,
                timeout_seconds=deadlines.CALL,
                idempotency_key=idempotency_key,
            )
            return answer

        return call

    def upload(self, rpc: MethodDescriptor) -> Upload:
        """A function of the request and the pieces of the file. Raises Refusal."""
        stream = self._channel(rpc).stream_unary(**_of(rpc))

        async def upload(request: Message, pieces: Pieces) -> Message:
            answer: Message = await client.upload(
                stream, request, pieces, timeout_seconds=deadlines.UPLOAD
            )
            return answer

        return upload

    def download(self, rpc: MethodDescriptor) -> Downloaded:
        """A function of the request. Raises Refusal, as do the pieces of the file."""
        stream = self._channel(rpc).unary_stream(**_of(rpc))

        async def download(request: Message) -> Download:
            return await client.download(stream, request, timeout_seconds=deadlines.DOWNLOAD)

        return download

    def _channel(self, rpc: MethodDescriptor) -> grpc.aio.Channel:
        return self._by_service[rpc.containing_service.full_name]

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()


def rpc_of(upstream: str, name: str) -> MethodDescriptor:
    """A method of any of the upstream's services, by its short name."""
    owners = map(descriptors.service, services.named(upstream).full_names)
    return next(owner.methods_by_name[name] for owner in owners if name in owner.methods_by_name)


def _of(rpc: MethodDescriptor) -> dict[str, Any]:
    return {
        "method": f"/{rpc.containing_service.full_name}/{rpc.name}",
        "request_serializer": message_class(rpc.input_type).SerializeToString,
        "response_deserializer": message_class(rpc.output_type).FromString,
    }


def message_class(descriptor: Any) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)
