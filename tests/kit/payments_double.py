"""A double of payments that keeps books and follows a test's script, for tests of method services."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import grpc

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import (
    PaymentsServiceServicer,
    add_PaymentsServiceServicer_to_server,
)
from libs import context, ids, wire
from libs.clock import Clock
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyReused, Kind, RemoteRefusal
from libs.server import Server
from libs.tasks import Tasks

State = pb.Payment


Hooks = dict[str, Callable[[], Any]]


async def scripted(hooks: Hooks, method: str) -> None:
    """Runs what a test has scripted around a call of this name."""
    if method in hooks:
        done = hooks[method]()
        if asyncio.iscoroutine(done):
            await done


class PaymentNotFound(RemoteRefusal):
    def __init__(self) -> None:
        super().__init__(Kind.NOT_FOUND, "payment_not_found", "no such payment")


class Payments(PaymentsServiceServicer):
    """`before` and `after` run around calls, by method name; they may raise or wait.

    `books` is the truth: one payment per idempotency key, however often it is requested.
    """

    def __init__(self) -> None:
        self.before: Hooks = {}
        self.after: Hooks = {}
        self.calls: dict[str, list[Any]] = defaultdict(list)
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.books: dict[str, pb.Payment] = {}
        self.closed: set[str] = set()
        self.hashes: dict[str, bytes] = {}
        self.running: set[str] = set()
        self.state = State.STATE_CAPTURED
        self.cards: dict[str, dict[str, Any]] = {}
        self.setups: dict[str, pb.SetUpInstrumentResponse] = {}
        self.removed: list[tuple[str, str]] = []
        self.refunds: dict[str, pb.Refund] = {}
        self.refund_state = pb.Refund.STATE_SUCCEEDED
        self.one_per_part = False  # whether an order's part is paid only once, as in payments

    _around = staticmethod(scripted)

    async def CreatePayment(self, request: pb.CreatePaymentRequest, rpc: Any) -> Any:
        key = context.current().idempotency_key
        self.calls["CreatePayment"].append(request)
        self.keys["CreatePayment"].append(key)
        digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        if self.hashes.setdefault(key, digest) != digest:
            raise IdempotencyKeyReused
        if key in self.running:
            raise IdempotencyKeyInUse
        self.running.add(key)
        try:
            await self._around(self.before, "CreatePayment")
            if key in self.closed:
                raise IdempotencyKeyReused
            if key not in self.books:
                self._check_part(request)
                self.books[key] = self._made(request)
                self.books[key].caller_key = key
            await self._around(self.after, "CreatePayment")
        finally:
            self.running.discard(key)
        return pb.CreatePaymentResponse(payment=self.books[key])

    def _check_part(self, request: pb.CreatePaymentRequest) -> None:
        over = (State.STATE_DECLINED, State.STATE_CANCELLED)
        for first in self.books.values() if self.one_per_part else ():
            same = first.order_reference == request.order_reference
            if same and first.order_part == request.order_part and first.state not in over:
                facts = {"payment_id": first.id, "payment_state": "captured"}
                raise RemoteRefusal(Kind.CONFLICT, "order_already_paid", "paid", facts=facts)

    def _made(self, request: pb.CreatePaymentRequest) -> pb.Payment:
        now = Clock().now()
        made = pb.Payment(
            id=ids.new("pay"),
            state=self.state,
            amount=request.amount,
            capturable_minor=request.amount.amount_minor,
            order_reference=request.order_reference,
            order_part=request.order_part,
            method=request.method,
            customer_id=request.customer_id,
            instrument_id=request.instrument.instrument_id,
            capture=request.capture,
            metadata=request.metadata,
            created_at=wire.timestamp(now),
        )
        if request.capture == pb.CAPTURE_MODE_DELAYED:
            seconds = request.capture_delay_seconds
            made.capture_at.CopyFrom(wire.timestamp(now))
            made.capture_at.seconds += seconds
        if self.state == State.STATE_REQUIRES_ACTION:
            made.next_action.type = "redirect"
            made.next_action.url = "http://127.0.0.1/challenge"
        return made

    def payment(self, payment_id: str) -> pb.Payment:
        found = next((p for p in self.books.values() if p.id == payment_id), None)
        if found is None:
            raise PaymentNotFound
        return found

    async def GetPayment(self, request: pb.GetPaymentRequest, rpc: Any) -> Any:
        self.calls["GetPayment"].append(request)
        await self._around(self.before, "GetPayment")
        return pb.GetPaymentResponse(payment=self.payment(request.payment_id))

    async def GetPaymentByKey(self, request: pb.GetPaymentByKeyRequest, rpc: Any) -> Any:
        await self._around(self.before, "GetPaymentByKey")
        if request.key not in self.books:
            raise PaymentNotFound
        return pb.GetPaymentByKeyResponse(payment=self.books[request.key])

    async def ClosePaymentKey(self, request: pb.ClosePaymentKeyRequest, rpc: Any) -> Any:
        await self._around(self.before, "ClosePaymentKey")
        self.closed.add(request.key)
        await self._around(self.after, "ClosePaymentKey")
        return pb.ClosePaymentKeyResponse(payment=self.books.get(request.key))

    async def CancelPayment(self, request: pb.CancelPaymentRequest, rpc: Any) -> Any:
        self.keys["CancelPayment"].append(context.current().idempotency_key)
        await self._around(self.before, "CancelPayment")
        payment = self.payment(request.payment_id)
        payment.state = State.STATE_CANCELLED
        await self._around(self.after, "CancelPayment")
        return pb.CancelPaymentResponse(payment=payment)

    async def RefundPayment(self, request: pb.RefundPaymentRequest, rpc: Any) -> Any:
        key = context.current().idempotency_key
        self.keys["RefundPayment"].append(key)
        await self._around(self.before, "RefundPayment")
        payment = self.payment(request.payment_id)
        if key not in self.refunds:
            self.refunds[key] = self._refunded(payment, request.amount.amount_minor, key)
        await self._around(self.after, "RefundPayment")
        return pb.RefundPaymentResponse(payment=payment)

    def _refunded(self, payment: pb.Payment, amount_minor: int, key: str) -> pb.Refund:
        if payment.refunded_minor + amount_minor > payment.amount.amount_minor:
            raise RemoteRefusal(Kind.UNPROCESSABLE, "refund_too_large", "too much")
        made = payment.refunds.add(
            id=ids.new("ref"),
            state=self.refund_state,
            amount_minor=amount_minor,
            created_at=wire.timestamp(Clock().now()),
            caller_key=key,
        )
        payment.refunded_minor += amount_minor
        whole = payment.refunded_minor == payment.amount.amount_minor
        payment.state = State.STATE_REFUNDED if whole else State.STATE_PARTIALLY_REFUNDED
        return made

    def effects(self, rpc: str) -> dict[str, Any]:
        """Executed calls of an RPC, by key."""
        return self.refunds if rpc == "RefundPayment" else self.books

    async def LowerPayment(self, request: pb.LowerPaymentRequest, rpc: Any) -> Any:
        await self._around(self.before, "LowerPayment")
        payment = self.payment(request.payment_id)
        if request.amount.amount_minor > payment.capturable_minor:
            raise RemoteRefusal(Kind.UNPROCESSABLE, "capture_too_large", "too much")
        payment.capturable_minor = request.amount.amount_minor
        await self._around(self.after, "LowerPayment")
        return pb.LowerPaymentResponse(payment=payment)

    async def SetUpInstrument(self, request: pb.SetUpInstrumentRequest, rpc: Any) -> Any:
        key = context.current().idempotency_key
        self.calls["SetUpInstrument"].append(request)
        self.keys["SetUpInstrument"].append(key)
        digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        if self.hashes.setdefault(key, digest) != digest:
            raise IdempotencyKeyReused
        await self._around(self.before, "SetUpInstrument")
        if key not in self.setups:
            self.setups[key] = self._set_up(request)
        await self._around(self.after, "SetUpInstrument")
        return self.setups[key]

    def _set_up(self, request: pb.SetUpInstrumentRequest) -> pb.SetUpInstrumentResponse:
        card = {
            "brand": "visa",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2034,
            "country": "IT",
            "fingerprint": f"fp-{request.token}",
            **self.cards.get(request.token, {}),
        }
        made = pb.SetUpInstrumentResponse(
            token=ids.new("tok"), psp_customer=f"psp-{request.customer_id}", **card
        )
        if request.token == "tok_3ds":
            made.next_action.type = "redirect"
            made.next_action.url = "http://127.0.0.1/challenge"
        return made

    async def RemoveInstrument(self, request: pb.RemoveInstrumentRequest, rpc: Any) -> Any:
        await self._around(self.before, "RemoveInstrument")
        self.removed.append((request.psp_account, request.token))
        return pb.RemoveInstrumentResponse()


def money(amount_minor: int, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)


async def serve(double: Payments) -> tuple[Server, str]:
    """Serves the double in this process on a free port; returns the server and its target."""
    server = Server(
        [(add_PaymentsServiceServicer_to_server, double)],
        ["incasso.payments.v1.PaymentsService"],
        Tasks(),
    )
    port = await server.start("127.0.0.1:0")
    return server, f"ipv4:127.0.0.1:{port}"


def refuse(kind: Kind, reason: str, **facts: str) -> Callable[[], None]:
    def hook() -> None:
        raise RemoteRefusal(kind, reason, f"scripted {reason}", facts=facts)

    return hook


def once(hook: Callable[[], Any]) -> Callable[[], Any]:
    """Runs the hook for the first call only."""
    left = [hook]

    def run() -> Any:
        return left.pop()() if left else None

    return run


class Lost(grpc.RpcError):
    """Raised by a hook: the caller sees INTERNAL and does not know what happened."""


def lose_answer() -> None:
    raise Lost
