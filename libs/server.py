"""The gRPC server of every service, with the settings that Kubernetes needs.

One entry point (`_GuardedMethods`) handles for each RPC what no servicer should have to: allowed
callers, trace, validation, required idempotency key, refusals to statuses, metrics, and work that
survives a cancelled call.
"""

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import Counter, Histogram

from incasso.rest.v1 import options_pb2
from libs import (
    context,
    descriptors,
    downloads,
    grpc_settings,
    idempotency,
    identity,
    pages,
    status,
    telemetry,
    tls,
    uploads,
    validation,
)
from libs.admission import Admission
from libs.downloads import Download
from libs.errors import IdempotencyKeyMissing, InternalError, Refusal, invalid
from libs.grpc_settings import GrpcSettings
from libs.logs import log
from libs.tasks import Tasks

MOST_BYTES: Final = 2 * 1024 * 1024  # of a request, besides its files

RPC_SECONDS = Histogram(
    "incasso_rpc_seconds",
    "Duration of RPCs by method and code",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSED = Counter(
    "incasso_rpc_refused_total", "RPCs refused before being handled", ["method", "reason"]
)

# Takes a request, or an uploads.Upload.
Unary = Callable[[Any, Any], Coroutine[Any, Any, Message | Download]]
Guarded = Callable[[Any, Any], Coroutine[Any, Any, Message | None]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Server:
    """`servicers` are pairs of grpcio's add_…_to_server and the servicer.

    Trust is per process (libs/identity). `reflects` serves the contracts to any caller, for
    development. Health checks are open to all.
    """

    def __init__(
        self,
        servicers: Sequence[tuple[Callable[[Any, grpc.aio.Server], None], object]],
        names: Sequence[str],
        tasks: Tasks,
        *,
        reflects: bool = False,
        settings: GrpcSettings = grpc_settings.DEFAULTS,
    ) -> None:
        self._tasks = tasks
        self._names = ["", *names]
        most_bytes = MOST_BYTES + _most_file_bytes(names)
        self._server = grpc.aio.server(
            options=(*settings.server_options, ("grpc.max_receive_message_length", most_bytes))
        )
        methods = _Methods()
        registry: Any = methods  # has what generated code needs from a server
        for add, servicer in servicers:
            add(servicer, registry)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, registry)
        self._server.add_generic_rpc_handlers((_GuardedMethods(methods, tasks, identity.trust()),))
        if reflects:  # with gRPC's own server: reflection needs its kind of servicer
            reflection.enable_server_reflection(
                [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
            )

    async def start(self, address: str) -> int:
        """Binds, serves, and returns the port."""
        secured = tls.current()
        port = (
            self._server.add_secure_port(address, secured.server_credentials())
            if secured is not None
            else self._server.add_insecure_port(address)
        )
        await self._server.start()
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def leave(self) -> None:
        """Tells health checks that this process is shutting down."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Refuses new calls; lets calls in progress, and the work they own, finish."""
        await self._server.stop(grace_seconds)
        if left := await self._tasks.wait(grace_seconds):
            log.warning("work did not end within the grace period", count=left)


class _Methods(dict[str, Handler]):
    """Methods registered by generated code, by full path. Not registered with gRPC itself: its
    server would wait for each method separately, and every call would have to look at all of them.
    """

    def add_generic_rpc_handlers(self, _: object) -> None:
        """Ignored: the same methods without their names."""

    def add_registered_method_handlers(self, service: str, found: Mapping[str, Handler]) -> None:
        self.update({f"/{service}/{name}": handler for name, handler in found.items()})


class _GuardedMethods(grpc.GenericRpcHandler):
    def __init__(self, methods: _Methods, tasks: Tasks, trust: identity.Trust) -> None:
        self._tasks = tasks
        self._trust = trust
        self._open = {name: found for name, found in methods.items() if not _is_ours(name)}
        self._guarded = {
            name: self._wrap(name, found) for name, found in methods.items() if _is_ours(name)
        }

    def service(self, details: Any) -> "Handler | None":
        """Runs in the same task as the handler that it returns, so the call that it sets stays current."""
        found = self._guarded.get(details.method)
        if found is None:
            return self._open.get(details.method)
        admission, handler = found
        try:
            context.set_current(admission.admit(dict(details.invocation_metadata)))
        except Refusal as refusal:
            REFUSED.labels(details.method.rpartition("/")[2], refusal.reason).inc()
            return _refusing(refusal)
        return handler

    def _wrap(self, method: str, inner: Any) -> tuple[Admission, Handler]:
        rules = descriptors.method_rules(method)
        kind: Any = grpc.unary_unary_rpc_method_handler
        if inner.request_streaming:
            kind = grpc.stream_unary_rpc_method_handler
        elif inner.response_streaming:
            kind = grpc.unary_stream_rpc_method_handler
        asked = inner.stream_unary or inner.unary_stream or inner.unary_unary
        handler = kind(
            self._guard(method, rules, asked),
            inner.request_deserializer,
            inner.response_serializer,
        )
        return Admission(method, rules, self._trust), handler

    def _guard(self, method: str, rules: options_pb2.MethodRules, inner: Unary) -> Guarded:
        name = method.rpartition("/")[2]

        async def run(request: Any, rpc: Any) -> Message | None:
            metadata = dict(rpc.invocation_metadata())
            started = time.perf_counter()
            with telemetry.span(
                name,
                kind=telemetry.SpanKind.SERVER,
                parent=metadata.get(telemetry.TRACEPARENT, ""),
                attributes={"rpc.system.name": "grpc", "rpc.method": method},
            ) as span:
                answer = await self._answer(method, rules, inner, request, rpc)
                if isinstance(answer, Refusal):
                    span.set_attribute("incasso.reason", answer.reason)
            code = answer.kind.grpc_code if isinstance(answer, Refusal) else grpc.StatusCode.OK
            RPC_SECONDS.labels(name, code.name).observe(time.perf_counter() - started)
            if isinstance(answer, Refusal):
                _refuse(rpc, answer)
                return None
            return answer

        return run

    async def _answer(
        self,
        method: str,
        rules: options_pb2.MethodRules,
        inner: Unary,
        request: Any,
        rpc: Any,
    ) -> Message | Refusal | None:
        try:
            if rules.HasField("upload"):
                request = await uploads.received(request, rules.upload)
                _check(request.request, rules)
                await rpc.send_initial_metadata((uploads.TAKEN,))  # the sender waits for it
            else:
                _check(request, rules)
            answer = await self._tasks.finish(inner(request, rpc))
            if isinstance(answer, Download):
                await _send(answer, method, rules.download, rpc)
                return None
            return pages.fit(answer)
        except Refusal as refusal:
            return refusal
        except Exception as error:  # noqa: BLE001 - the caller learns that it is our fault
            log.error("rpc failed", method=method.rpartition("/")[2], exc_info=error)
            return InternalError()


async def _send(
    download: Download, method: str, rules: options_pb2.DownloadRules, rpc: Any
) -> None:
    """Sends as fast as the other side reads."""
    kind = GetMessageClass(descriptors.method(method).output_type)
    async with aclosing(downloads.messages(download, rules, kind)) as messages:
        async for message in messages:
            await rpc.write(message)


def _is_ours(method: str) -> bool:
    return method.startswith("/incasso.")


def _refuse(rpc: Any, refusal: Refusal) -> None:
    """Sets the refusal on the call. grpc's `abort` would raise an error that keeps its own frames,
    and thus the whole request, alive until the garbage collector runs.
    """
    rpc.set_code(refusal.kind.grpc_code)
    rpc.set_details(refusal.message)
    rpc.set_trailing_metadata(status.details_of(refusal))


def _refusing(refusal: Refusal) -> Handler:
    """Refuses without reading the request: a stranger's data is not parsed."""

    async def refuse(_: bytes, rpc: Any) -> None:
        _refuse(rpc, refusal)

    return grpc.unary_unary_rpc_method_handler(refuse)


def _check(request: Message, rules: options_pb2.MethodRules) -> None:
    validation.check(request)
    call = context.current()
    if rules.publishable and call.publishable:
        validation.check_of_browser(request)
    key = call.idempotency_key
    if rules.idempotency_key_required and not key:
        raise IdempotencyKeyMissing
    if len(key) > idempotency.MAX_LENGTH:
        raise invalid("idempotency-key", f"must have at most {idempotency.MAX_LENGTH} characters")


def _most_file_bytes(names: Sequence[str]) -> int:
    """Maximum size of the files in one request of these services."""
    requests = [rpc.input_type for name in names for rpc in descriptors.service(name).methods]
    return max(map(validation.most_file_bytes, requests), default=0)
