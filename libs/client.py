"""Calls to other services: a channel that survives rollouts, and one way to call.

Every call has a deadline, proves who calls and for whom (libs/identity), carries the trace and a
derived idempotency key, and raises a Refusal: the other service's own, or OutcomeUnknown if
there was no answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from libs import context, descriptors, downloads, grpc_settings, identity, telemetry, tls, uploads
from libs.downloads import Download
from libs.errors import (
    CallerNotAllowed,
    CallerUnknown,
    IdentityRefused,
    OutcomeUnknown,
    Refusal,
)
from libs.grpc_settings import GrpcSettings, Options
from libs.logs import log
from libs.status import refusal_of
from libs.uploads import Pieces

# Pauses before an unanswered call is repeated; together longer than it takes to reconnect to a
# restarted process.
RETRY_PAUSES_SECONDS: Final = (0.05, 0.2, 0.5, 1.0)
_OF_IDENTITY: Final = frozenset({CallerUnknown.reason, CallerNotAllowed.reason})


class _Process:
    settings: GrpcSettings = grpc_settings.DEFAULTS


def set_up(found: GrpcSettings) -> None:
    """Called once per process, before its first channel; otherwise channels have the defaults."""
    _Process.settings = found


def options() -> Options:
    """The options of this process's channels."""
    return _Process.settings.client_options


def channel(target: str) -> grpc.aio.Channel:
    """A channel to all replicas behind `target`. Close it at the end."""
    secured = tls.current()
    if secured is not None:
        return secured.channel(target, options())
    return grpc.aio.insecure_channel(target, options=options())


def is_safe(name: str) -> bool:
    """Whether an RPC only reads, so that an unanswered call can be repeated."""
    return name.startswith(("Get", "List", "Authenticate"))


async def call(
    method: Any, request: Message, *, timeout_seconds: float, idempotency_key: str = ""
) -> Any:
    """Calls a stub's method for the current call's merchant.

    `idempotency_key` is derived from the id of the caller's own row, never random. An unanswered
    call is repeated if it only reads or has a key: during a rollout another replica answers, and
    the key prevents a second effect. So is a call whose tokens were refused, as happens in the
    second before a new key becomes known: it had no effect. Raises Refusal, and OutcomeUnknown if
    no answer came.
    """
    name = request.DESCRIPTOR.name.removesuffix("Request")
    repeatable = bool(idempotency_key) or is_safe(name)
    deadline = time.monotonic() + timeout_seconds
    with telemetry.span(f"call {name}", kind=telemetry.SpanKind.CLIENT):
        for pause in (*RETRY_PAUSES_SECONDS, None):
            left = deadline - time.monotonic()
            metadata = _metadata(request, idempotency_key)
            try:
                return await method(request, timeout=left, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                again = _may_be_repeated(error, repeatable=repeatable)
                if pause is None or left <= pause or not again:
                    raise _refusal_of(error, name) from error
            await asyncio.sleep(pause)
    raise AssertionError("the last turn answers or raises")


async def upload(method: Any, request: Message, pieces: Pieces, *, timeout_seconds: float) -> Any:
    """Like `call`, and streams a file once the other side has accepted the request. An error of `pieces`
    ends the call, and is raised.
    """
    name = request.DESCRIPTOR.name.removesuffix("Request")
    rules = descriptors.method_rules(descriptors.path_of(request.DESCRIPTOR.full_name)).upload
    with telemetry.span(f"call {name}", kind=telemetry.SpanKind.CLIENT):
        sent = await _taken(method, request, name, timeout_seconds)
        try:
            async for message in uploads.messages(request, rules, pieces):
                await sent.write(message)
            await sent.done_writing()
            return await sent
        except asyncio.InvalidStateError:  # answered before the end of the file
            return await sent
        except grpc.aio.AioRpcError as error:
            raise _refusal_of(error, name) from error
        finally:
            sent.cancel()


async def _taken(method: Any, request: Message, name: str, timeout_seconds: float) -> Any:
    """The call, once the other side's metadata say that it has accepted the request."""
    for pause in (*RETRY_PAUSES_SECONDS, None):
        sent = method(timeout=timeout_seconds, metadata=_metadata(request, ""))
        try:
            await sent.write(request)
            if uploads.TAKEN in [*await sent.initial_metadata()]:
                return sent
            await sent
        except grpc.aio.AioRpcError as error:
            if pause is None or not _may_be_repeated(error, repeatable=True):
                raise _refusal_of(error, name) from error
        except BaseException:
            sent.cancel()
            raise
        await asyncio.sleep(pause or 0)
    raise AssertionError("the last turn answers or raises")


async def download(method: Any, request: Message, *, timeout_seconds: float) -> Download:
    """Like `call`, for a file: returns its description; the pieces follow as they are read, and raise
    Refusal if the rest does not come.
    """
    name = request.DESCRIPTOR.name.removesuffix("Request")
    rules = descriptors.method_rules(descriptors.path_of(request.DESCRIPTOR.full_name)).download
    deadline = time.monotonic() + timeout_seconds
    with telemetry.span(f"call {name}", kind=telemetry.SpanKind.CLIENT):
        for pause in (*RETRY_PAUSES_SECONDS, None):
            left = deadline - time.monotonic()
            stream = method(request, timeout=left, metadata=_metadata(request, ""))
            try:
                found = await downloads.received(stream, rules)
            except grpc.aio.AioRpcError as error:
                if pause is None or not _may_be_repeated(error, repeatable=True):
                    raise _refusal_of(error, name) from error
            except BaseException:
                stream.cancel()
                raise
            else:
                return replace(found, pieces=_refusing(found.pieces, name))
            await asyncio.sleep(pause)
    raise AssertionError("the last turn answers or raises")


async def _refusing(pieces: Pieces, name: str) -> AsyncIterator[bytes]:
    async with downloads.closing(pieces):
        try:
            async for piece in pieces:
                yield piece
        except grpc.aio.AioRpcError as error:
            raise _refusal_of(error, name) from error


def _metadata(request: Message, idempotency_key: str) -> tuple[tuple[str, str], ...]:
    proofs = identity.signer().metadata(
        descriptors.path_of(request.DESCRIPTOR.full_name), context.current()
    )
    trace = (telemetry.TRACEPARENT, telemetry.traceparent())
    if idempotency_key:
        return (*proofs, trace, (context.IDEMPOTENCY_KEY, idempotency_key))
    return (*proofs, trace)


def _may_be_repeated(error: grpc.aio.AioRpcError, *, repeatable: bool) -> bool:
    """Whether the call can be repeated: nothing was done, or the key prevents a second effect."""
    refusal = refusal_of(error)
    if refusal.reason in _OF_IDENTITY:
        return True
    # A replica that shuts down answers UNAVAILABLE, or cuts the stream: CANCELLED, UNKNOWN.
    late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    return repeatable and isinstance(refusal, OutcomeUnknown) and not late


def _refusal_of(error: grpc.aio.AioRpcError, name: str) -> Refusal:
    refusal = refusal_of(error)
    if refusal.reason in _OF_IDENTITY:
        log.error("identity of this process was refused", name=name)
        return IdentityRefused()
    return refusal
