"""The gRPC chassis with a test servicer: the behaviour that every service gets for free."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, context
from libs.errors import Kind, OutcomeUnknown, Refusal, RemoteRefusal
from libs.server import Server
from libs.tasks import Tasks
from tests.kit import garbage
from tests.waiting import HANGING_SECONDS, until

SERVICE = "incasso.payments.v1.PaymentsService"


class NotToday(Refusal, kind=Kind.CONFLICT, reason="not_today"):
    message = "Come back tomorrow."


class Servicer(payments_pb2_grpc.PaymentsServiceServicer):
    def __init__(self):
        self.calls = []
        self.began, self.may_end, self.finished = (asyncio.Event() for _ in range(3))

    async def GetPayment(self, request, rpc):
        self.calls.append(context.current())
        if request.payment_id == "pay_refused":
            raise NotToday
        if request.payment_id == "pay_broken":
            raise ValueError("secret detail")
        return payments_pb2.GetPaymentResponse(payment=payments_pb2.Payment(id=request.payment_id))

    async def CapturePayment(self, request, rpc):
        self.began.set()
        await self.may_end.wait()
        self.finished.set()
        return payments_pb2.CapturePaymentResponse()


@pytest.fixture
async def served():
    servicer, tasks = Servicer(), Tasks()
    add = payments_pb2_grpc.add_PaymentsServiceServicer_to_server
    server = Server([(add, servicer)], [SERVICE], tasks)
    port = await server.start("127.0.0.1:0")
    channel = client.channel(f"ipv4:127.0.0.1:{port}")
    await channel.channel_ready()  # so that short deadlines need not cover connecting
    yield servicer, payments_pb2_grpc.PaymentsServiceStub(channel), server, channel
    await channel.close()
    await server.stop(1)


async def test_a_call_carries_merchant_actor_and_key(served):
    servicer, stub, *_ = served
    context.set_current(context.Call(merchant_id="mer_a", actor="key_1", clock_offset_seconds=60))
    request = payments_pb2.GetPaymentRequest(payment_id="pay_1")
    answer = await client.call(
        stub.GetPayment, request, timeout_seconds=HANGING_SECONDS, idempotency_key="derived"
    )
    context.set_current(context.Call())
    assert answer.payment.id == "pay_1"
    (call,) = servicer.calls
    assert (call.merchant_id, call.actor, call.caller) == ("mer_a", "key_1", "gateway")
    assert (call.idempotency_key, call.clock_offset_seconds) == ("derived", 60)


async def test_a_refusal_arrives_with_its_reason(served):
    _, stub, *_ = served
    request = payments_pb2.GetPaymentRequest(payment_id="pay_refused")
    with pytest.raises(RemoteRefusal) as caught:
        await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)
    refusal = caught.value
    assert (refusal.kind, refusal.reason) == (Kind.CONFLICT, "not_today")
    assert refusal.message == "Come back tomorrow."


async def test_an_internal_error_reveals_no_details(served):
    _, stub, *_ = served
    request = payments_pb2.GetPaymentRequest(payment_id="pay_broken")
    with pytest.raises(RemoteRefusal) as caught:
        await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)
    assert caught.value.reason == "internal_error"
    assert "secret detail" not in caught.value.message


async def refused(stub, payment_id) -> None:
    request = payments_pb2.GetPaymentRequest(payment_id=payment_id)
    try:
        await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)
    except RemoteRefusal:
        return
    raise AssertionError("it was not refused")


@pytest.mark.parametrize("payment_id", ["pay_refused", ""])
async def test_a_refused_call_leaves_nothing_for_the_garbage_collector(served, payment_id):
    _, stub, *_ = served
    with garbage.uncollected() as left:
        await refused(stub, payment_id)
        await until(lambda: left() == [])


async def test_every_wrong_field_is_named(served):
    servicer, stub, *_ = served
    request = payments_pb2.CreatePaymentRequest(
        order_reference="x" * 101, metadata={"k" * 41: "v", "fine": "x" * 501}
    )
    request.amount.currency = "LIT"
    request.instrument.tokens.add(psp_account="a\x00b")
    with pytest.raises(RemoteRefusal) as caught:
        await client.call(
            stub.CreatePayment, request, timeout_seconds=HANGING_SECONDS, idempotency_key="k"
        )
    assert caught.value.reason == "invalid_argument"
    assert {violation.field for violation in caught.value.violations} == {
        "amount.amount_minor",
        "amount.currency",
        "order_reference",
        "method",
        "instrument.tokens.0.psp_account",
        "instrument.tokens.0.token",
        "metadata",
        "metadata.fine",
    }
    assert servicer.calls == []


async def test_a_call_that_moves_money_needs_an_idempotency_key(served):
    _, stub, *_ = served
    request = payments_pb2.CapturePaymentRequest(payment_id="pay_1")
    with pytest.raises(RemoteRefusal) as caught:
        await client.call(stub.CapturePayment, request, timeout_seconds=HANGING_SECONDS)
    assert caught.value.reason == "idempotency_key_missing"


async def give_up(stub, servicer):
    """Repeats a call until it times out after its work began: on a busy machine it may time out before."""
    request = payments_pb2.CapturePaymentRequest(payment_id="pay_1")
    while not servicer.began.is_set():
        with pytest.raises(OutcomeUnknown):
            await client.call(stub.CapturePayment, request, timeout_seconds=1, idempotency_key="k")


async def test_a_timed_out_call_is_unknown_and_its_work_continues(served):
    servicer, stub, *_ = served
    await give_up(stub, servicer)
    servicer.may_end.set()
    await asyncio.wait_for(servicer.finished.wait(), HANGING_SECONDS)


async def test_a_stopping_server_waits_for_the_work_under_way(served):
    servicer, stub, server, _ = served
    await give_up(stub, servicer)
    stopping = asyncio.create_task(server.stop(HANGING_SECONDS))
    assert not (await asyncio.wait([stopping], timeout=0.1))[0], "it waits"
    servicer.may_end.set()
    await stopping
    assert servicer.finished.is_set()


async def test_an_unreachable_service_gives_an_unknown_outcome(free_port):
    channel = client.channel(f"ipv4:127.0.0.1:{free_port()}")
    stub = payments_pb2_grpc.PaymentsServiceStub(channel)
    with pytest.raises(OutcomeUnknown):
        await client.call(
            stub.CancelPayment,
            payments_pb2.CancelPaymentRequest(payment_id="pay_1"),
            timeout_seconds=2,
            idempotency_key="k",
        )
    await channel.close()


async def test_health_is_serving_until_the_process_leaves(served):
    *_, server, channel = served
    stub = health_pb2_grpc.HealthStub(channel)
    check = health_pb2.HealthCheckRequest(service=SERVICE)
    assert (await stub.Check(check)).status == health_pb2.HealthCheckResponse.SERVING
    await server.leave()
    assert (await stub.Check(check)).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_calls_spread_over_all_replicas():
    servicers, servers, ports = [Servicer(), Servicer()], [], []
    add = payments_pb2_grpc.add_PaymentsServiceServicer_to_server
    for servicer in servicers:
        server = Server([(add, servicer)], [SERVICE], Tasks())
        ports.append(await server.start("127.0.0.1:0"))
        servers.append(server)
    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
    channel = client.channel(target)
    stub = payments_pb2_grpc.PaymentsServiceStub(channel)
    for _ in range(20):
        await client.call(
            stub.GetPayment,
            payments_pb2.GetPaymentRequest(payment_id="pay_1"),
            timeout_seconds=HANGING_SECONDS,
        )
    assert all(len(servicer.calls) >= 5 for servicer in servicers)
    await channel.close()
    for server in servers:
        await server.stop(1)


class GoingAway(payments_pb2_grpc.PaymentsServiceServicer):
    """Answers the first call like a process that is shutting down."""

    def __init__(self):
        self.seen = 0

    async def GetPayment(self, request, rpc):
        self.seen += 1
        if self.seen == 1:
            await rpc.abort(grpc.StatusCode.UNAVAILABLE, "going away")
        return payments_pb2.GetPaymentResponse()

    async def CapturePayment(self, request, rpc):
        await self.GetPayment(request, rpc)
        return payments_pb2.CapturePaymentResponse()


@pytest.fixture
async def going_away():
    servicer, server = GoingAway(), grpc.aio.server()
    payments_pb2_grpc.add_PaymentsServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = client.channel(f"ipv4:127.0.0.1:{port}")
    yield servicer, payments_pb2_grpc.PaymentsServiceStub(channel)
    await channel.close()
    await server.stop(0)


async def test_a_read_is_retried_when_its_replica_shuts_down(going_away):
    servicer, stub = going_away
    request = payments_pb2.GetPaymentRequest(payment_id="pay_1")
    await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)
    assert servicer.seen == 2


async def test_a_call_with_a_key_is_retried_when_its_replica_shuts_down(going_away):
    servicer, stub = going_away
    request = payments_pb2.CapturePaymentRequest(payment_id="pay_1")
    await client.call(
        stub.CapturePayment, request, timeout_seconds=HANGING_SECONDS, idempotency_key="k"
    )
    assert servicer.seen == 2


async def test_a_change_without_a_key_is_never_retried(going_away):
    servicer, stub = going_away
    request = payments_pb2.CapturePaymentRequest(payment_id="pay_1")
    with pytest.raises(OutcomeUnknown):
        await client.call(stub.CapturePayment, request, timeout_seconds=HANGING_SECONDS)
    assert servicer.seen == 1
