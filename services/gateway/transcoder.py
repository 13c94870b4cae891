"""A REST call: authenticate, check, parse, call the service, answer. The gateway's hot path."""

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NoReturn

from aiohttp import web
from google.protobuf.message import Message

from libs import context, json_out, threads
from libs.errors import (
    IdempotencyKeyMissing,
    OutcomeUnknown,
    PublishableKeyNotAllowed,
    Refusal,
    ScopeMissing,
)
from libs.tasks import Tasks
from libs.upstreams import Call, message_class
from libs.web import bodies
from libs.web.client_addresses import Addresses, network, plain
from libs.web.errors import TooManyRequests, http_status
from libs.web.limits import MOST_BYTES
from services.gateway import authentication, problems
from services.gateway.authentication import Identity, Keys
from services.gateway.errors import IdempotencyKeyInvalid, MediaTypeUnsupported
from services.gateway.fairness import Fairness
from services.gateway.routes import Route
from services.gateway.rules import body_size, json_in, json_text
from services.gateway.rules.limits import Failures
from services.gateway.security import Security

LARGE_BYTES: Final = 16 * 1024  # a larger body is parsed off the event loop
JSON_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}
CALLER: Final = web.RequestKey("caller", Identity)  # set once the key is known
ADDRESS: Final = web.RequestKey("address", str)  # determined once per request
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@dataclass(frozen=True, slots=True)
class Edge:
    """What all routes share."""

    keys: Keys
    fairness: Fairness
    failures: Failures
    addresses: Addresses
    tasks: Tasks
    security: Security


class Transcoder:
    """The handler of one route."""

    def __init__(self, route: Route, call: Call, edge: Edge) -> None:
        self._route = route
        self._rules = route.rules
        self._call = call
        self._edge = edge
        self._message = message_class(route.rpc.input_type)
        self._most_bytes = body_size.of_call(route.rpc.input_type)
        self._not_in_body = route.elsewhere
        self._not_in_query = route.elsewhere
        if route.body:
            every = dict.fromkeys(route.rpc.input_type.fields_by_name, json_in.NOT_A_PARAMETER)
            self._not_in_query = {**every, **route.elsewhere}
        # Whether the call may change the merchant's keys or clock.
        self._changes_keys = not route.reads_only and ".merchants." in route.rpc.full_name

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await self._answer(request)
        except Refusal as refusal:
            response = await self._refused(request, refusal)
        if (caller := request.get(CALLER)) is not None and not response.prepared:
            response.headers.update(self._quota_headers(request, caller))
        if self._rules.publishable:
            self._edge.security.share(request, response)
        return response

    async def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        if isinstance(refusal, OutcomeUnknown):
            refusal = problems.of_unknown_outcome(reads_only=self._route.reads_only, error=refusal)
        if isinstance(refusal, TooManyRequests):
            await self._edge.fairness.slow_down(request.get(CALLER))
        return problems.response(refusal, body_field=self._route.body)

    def _quota_headers(self, request: web.Request, caller: Identity) -> dict[str, str]:
        return self._edge.fairness.quota_headers(caller, network(request[ADDRESS]))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        caller = await identify(request, self._edge)
        self._allow(caller)
        key = idempotency_key(request)
        if self._rules.idempotency_key_required and not key:
            raise IdempotencyKeyMissing
        slot = self._edge.fairness.slot(caller, reads_only=self._route.reads_only)
        if self._most_bytes > MOST_BYTES:
            async with slot:  # taken before the file is read, which limits files in memory
                return await self._called(request, caller, key, await self._parse(request))
        message = await self._parse(request)
        async with slot:
            return await self._called(request, caller, key, message)

    async def _called(
        self, request: web.Request, caller: Identity, key: str, message: Message
    ) -> web.Response:
        if caller.publishable and self._route.address_fields:
            self._fill_address(message, request)
        speak_for(caller, key)
        answer = await self._asked(request, message, key)
        if self._changes_keys:
            self._edge.keys.forget(caller.merchant_id)
        return web.Response(
            status=self._route.success_status,
            body=json_out.body_of(answer, self._route.response_body, browser=caller.publishable),
            headers=JSON_HEADERS,
        )

    async def _asked(self, request: web.Request, message: Message, key: str) -> Message:
        if self._route.reads_only:
            return await self._call(message, key)
        # A shopper who leaves cancels the wait, never the charge.
        return await self._edge.tasks.finish(self._change(message, key))

    async def _change(self, message: Message, key: str) -> Message:
        return await self._call(message, key)

    def _allow(self, caller: Identity) -> None:
        if caller.publishable:
            if not self._rules.publishable:
                raise PublishableKeyNotAllowed
        elif not caller.holds(self._rules.scope):
            raise ScopeMissing(self._rules.scope)

    async def _parse(self, request: web.Request) -> Message:
        route, message = self._route, self._message()
        json_in.fill_path(message, {name: request.match_info[name] for name in route.path_fields})
        json_in.fill_headers(message, route.header_fields, request.headers.getall)
        if request.query_string:
            json_in.fill_query(message, request.query.items(), elsewhere=self._not_in_query)
        if route.body:
            body = await bodies.unpacked(request, self._most_bytes)
            if body:
                check_media_type(request)
            if len(body) > LARGE_BYTES:
                await threads.run(self._read, message, body)
            elif body:
                self._read(message, body)
        return message

    def _fill_address(self, message: Message, request: web.Request) -> None:
        if address := plain(request[ADDRESS]):
            for name in self._route.address_fields:
                setattr(message, name, address)

    def _read(self, message: Message, body: bytes) -> None:
        value = json_text.parse(body)
        if self._route.body == "*":
            json_in.fill_body(message, value, elsewhere=self._not_in_body)
            return
        inner: Message = getattr(message, self._route.body)
        inner.SetInParent()
        json_in.fill_body(inner, value)


def speak_for(caller: Identity, key: str) -> None:
    """From now on, this task makes its calls on behalf of the caller."""
    context.set_current(
        context.Call(
            merchant_id=caller.merchant_id,
            actor=caller.api_key_id,
            idempotency_key=key,
            clock_offset_seconds=caller.clock_offset_seconds,
            publishable=caller.publishable,
            scopes=caller.scopes,
        )
    )


async def no_call(_: Message, __: str) -> NoReturn:
    """Stands in for the call of routes whose body or answer is a file."""
    raise AssertionError("a file is streamed")


async def identify(request: web.Request, edge: Edge) -> Identity:
    """The caller, within the limits of the key and, for refused keys, of the address."""
    at = time.monotonic()
    request[ADDRESS] = edge.addresses.of(request)
    address = network(request[ADDRESS])
    try:
        headers = request.headers.getall("Authorization", [])
        key = authentication.bearer_of(headers[0] if len(headers) == 1 else None)
        if not edge.keys.is_known(key) and (wait := edge.failures.keys.wait_seconds(address, at)):
            raise TooManyRequests(wait)
        caller = await edge.keys.identity(key)
    except Refusal as refusal:
        if http_status(refusal) == HTTPStatus.UNAUTHORIZED and (
            wait := edge.failures.keys.take(address, at)
        ):
            raise TooManyRequests(wait) from None
        raise
    request[CALLER] = caller
    edge.fairness.admit(caller, address)
    return caller


def idempotency_key(request: web.Request) -> str:
    """The Idempotency-Key header, bare or as a quoted string; "" if there is none."""
    values = request.headers.getall("Idempotency-Key", [])
    if not values:
        return ""
    text = values[0].strip()
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", quoted.group(1))
    if len(values) > 1 or not _PRINTABLE.fullmatch(text):
        raise IdempotencyKeyInvalid
    return text


def check_media_type(request: web.Request) -> None:
    """Accepts JSON in UTF-8, with any other parameters. Raises MediaTypeUnsupported."""
    kind, charset = bodies.media_type_of(request)
    is_json = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    if not is_json or charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise MediaTypeUnsupported
