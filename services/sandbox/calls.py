"""How a call of the PSP API runs: faults, idempotency, the booking, and more faults.

A key whose call is still running answers 409; a booked key repeats its first answer at once, even
while a slow first answer is still on its way.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.sandbox import errors, wire
from services.sandbox.books import operations
from services.sandbox.books.operations import Operation
from services.sandbox.deps import Deps
from services.sandbox.faults import AFTER, BEFORE, Kind
from services.sandbox.flows import Call

Book = Callable[[Call], Operation]


def dropped(request: web.Request) -> web.Response:
    """Cuts the connection; the response that aiohttp expects goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def crashed() -> web.Response:
    return wire.json_answer({"code": "internal_error", "message": "injected fault"}, status=500)


async def perform(
    request: web.Request, call: Call, book: Book, *, token_fault: Kind | None = None
) -> web.StreamResponse:
    """`token_fault` only affects the first call of a key, so that recovery learns the true
    result.
    """
    deps = wire.deps_of(request)
    if broken := await fail_before(deps, request, call.account, call.kind):
        return broken
    strikes = token_fault is not None and deps.faults.is_first_call(call.account, call.key)
    if strikes and token_fault is Kind.ERROR_BEFORE:
        return crashed()
    operation = operations.find(deps.conn, call.account, call.key)
    replayed = operation is not None
    if operation is None:
        operation = await _book_once(deps, call, book)
    elif operation.body_hash != call.body_hash:
        raise errors.IdempotencyKeyReusedError("this key was used with another request")
    answer = wire.json_text(operation.answer, status=operation.status, replayed=replayed)
    fault = token_fault if strikes and not replayed else None
    return await spoil_after(deps, request, call, answer, fault)


async def _book_once(deps: Deps, call: Call, book: Book) -> Operation:
    at_work = (call.account, call.key)
    if at_work in deps.running:
        raise errors.InProgressError("the call with this key is still at work")
    deps.running.add(at_work)
    try:
        if rule := deps.faults.take_one(call.account, call.kind, Kind.LATENCY):
            deps.metrics.faults.labels(call.kind, rule.kind).inc()
            await asyncio.sleep(1.0 if rule.seconds is None else rule.seconds)
        return book(call)
    finally:
        deps.running.discard(at_work)


async def fail_before(
    deps: Deps, request: web.Request, account: str, operation: str
) -> web.Response | None:
    """A fault that prevents the call from being processed at all."""
    rule = deps.faults.take(account, operation, BEFORE) if deps.faults.rules else None
    if rule is None:
        return None
    deps.metrics.faults.labels(operation, rule.kind).inc()
    if rule.kind is Kind.ERROR_BEFORE:
        return crashed()
    if rule.kind is Kind.TIMEOUT_BEFORE:
        await asyncio.sleep(_seconds(deps, rule.seconds))
    return dropped(request)


async def spoil_after(
    deps: Deps, request: web.Request, call: Call, answer: web.Response, fault: Kind | None
) -> web.Response:
    """Spoils only the answer: the booking is kept, but the caller gets no answer in time."""
    seconds: float | None = None
    rule = deps.faults.take(call.account, call.kind, AFTER) if deps.faults.rules else None
    if rule is not None:
        fault, seconds = rule.kind, rule.seconds
    if fault is None:
        return answer
    deps.metrics.faults.labels(call.kind, fault).inc()
    if fault is Kind.TIMEOUT_AFTER:
        await asyncio.sleep(_seconds(deps, seconds))
        return answer
    return crashed() if fault is Kind.ERROR_AFTER else dropped(request)


def _seconds(deps: Deps, seconds: float | None) -> float:
    return deps.config.sandbox_slow_seconds if seconds is None else seconds


async def answer_read(
    request: web.Request, account: str, read: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """Look-ups have faults too: latency, and those of `fail_before`."""
    deps = wire.deps_of(request)
    if broken := await fail_before(deps, request, account, "lookup"):
        return broken
    if rule := deps.faults.take_one(account, "lookup", Kind.LATENCY):
        await asyncio.sleep(1.0 if rule.seconds is None else rule.seconds)
    answer = await read()
    call = Call(account, "", "lookup", b"", "")
    return await spoil_after(deps, request, call, answer, None)
