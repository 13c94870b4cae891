"""Fake services behind a gateway: real gRPC servers and field rules, no business logic."""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from incasso.merchants.v1 import merchants_pb2
from libs import context, descriptors
from libs.downloads import Download
from libs.errors import Kind, RemoteRefusal
from libs.server import Server
from libs.services import SERVICES
from libs.tasks import Tasks
from libs.uploads import Upload
from libs.upstreams import message_class
from tests.contracts import adder

SECRET = "sk_all00000000000000000000000000000"
PUBLISHABLE = "pk_browser0000000000000000000000000"
NARROW = "sk_narrow00000000000000000000000000"
# Keys of one merchant whose plan allows a request a second.
SMALL_PLAN = {
    "sk_small00000000000000000000000000a": merchants_pb2.ApiKey.KIND_SECRET,
    "sk_small00000000000000000000000000b": merchants_pb2.ApiKey.KIND_SECRET,
    "pk_small000000000000000000000000000": merchants_pb2.ApiKey.KIND_PUBLISHABLE,
}
REVOKED = "sk_revoked0000000000000000000000000"
UNKNOWN = "sk_unknown0000000000000000000000000"


Doors = Sequence[tuple[str, Any]]  # names of services, and the functions that add them to a server


@dataclass
class Seen:
    name: str
    request: Any
    call: context.Call


@dataclass
class Services:
    """Answers by RPC name: a message, a refusal to raise, or a function of the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # uploaded files, by RPC

    def last(self, name: str) -> Seen:
        return next(seen for seen in reversed(self.seen) if seen.name == name)

    def calls(self, name: str) -> int:
        return sum(seen.name == name for seen in self.seen)

    async def answer(self, name: str, request: Message, default: Any) -> Any:
        self.seen.append(Seen(name, request, context.current()))
        found = self.answers.get(name)
        if callable(found):
            found = found(request)
        if asyncio.iscoroutine(found):
            found = await found
        if isinstance(found, Exception):
            raise found
        return found if found is not None else default()


def authenticate(request: merchants_pb2.AuthenticateKeyRequest) -> Any:
    if request.secret == REVOKED:
        return RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_revoked", "This key was revoked.")
    kind, scopes = merchants_pb2.ApiKey.KIND_SECRET, ["*"]
    rate = 0
    if request.secret == PUBLISHABLE:
        kind, scopes = merchants_pb2.ApiKey.KIND_PUBLISHABLE, []
    elif request.secret == NARROW:
        scopes = ["nothing:read"]
    elif request.secret in SMALL_PLAN:
        rate = 1
        kind = SMALL_PLAN[request.secret]
    elif request.secret != SECRET:
        return RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_unknown", "No such key.")
    return merchants_pb2.AuthenticateKeyResponse(
        api_key_id=f"key_{request.secret[3:9]}",
        merchant_id="mer_1",
        kind=kind,
        scopes=scopes,
        clock_offset_seconds=7,
        plan="tiny" if rate else "pro",
        requests_per_second=rate,
    )


def a_file(rules: Any) -> Download:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a file"

    return Download("a file.txt", rules.media_types[0], pieces())


class Servicer:
    def __init__(self, services: Services, service: str) -> None:
        for rpc in descriptors.service(service).methods:
            setattr(self, rpc.name, self._method(services, rpc))

    def _method(self, services: Services, rpc: Any) -> Any:
        default: Any = message_class(rpc.output_type)
        if rpc.server_streaming:
            default = functools.partial(a_file, descriptors.rules_of(rpc).download)

        async def method(request: Any, _: Any) -> Any:
            if isinstance(request, Upload):
                services.files[rpc.name] = b"".join([piece async for piece in request.pieces])
                request = request.request
            return await services.answer(rpc.name, request, default)

        return method


async def start_servers(
    services: Services, alone: str = "", more: Doors = ()
) -> tuple[Any, dict[str, str]]:
    """One server for all upstreams except `alone`, since starting each takes 4 ms; and their targets."""
    servers, targets = {}, dict[str, str]()
    for group in ({one.name for one in SERVICES} - {alone}, {alone} - {""}):
        full_names = [name for one in SERVICES if one.name in group for name in one.full_names]
        doors = [
            (adder(descriptors.service(name)), Servicer(services, name)) for name in full_names
        ]
        if alone not in group:
            doors += [(add, Servicer(services, name)) for name, add in more]
            full_names += [name for name, _ in more]
        if doors:
            server = Server(doors, full_names, Tasks())
            port = await server.start("127.0.0.1:0")
            servers |= dict.fromkeys(group, server)
            targets |= dict.fromkeys(group, f"ipv4:127.0.0.1:{port}")
    return servers, targets
