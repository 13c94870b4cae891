"""The running stack with everything on: strangers and services that exceed their rights are refused."""

from collections.abc import Callable

import asyncpg
import grpc
import nats
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nats.aio.client import Client

from incasso.merchants.v1 import merchants_pb2
from libs import services
from libs.bus import inbox
from libs.errors import CallerUnknown
from libs.status import refusal_of
from stack.embedded import Stack
from stack.nats import Nats
from stack.postgres import Postgres
from tests.kit.connections import connected
from tests.waiting import HANGING_SECONDS, until

LIST_MERCHANTS = "/incasso.merchants.v1.MerchantsService/ListMerchants"


@pytest.fixture
def postgres(stack: Stack) -> Postgres:
    folders = stack.folders
    return Postgres(folders.data("postgres"), stack.ports.postgres, secrets=folders.secrets)


@pytest.fixture
def bus(stack: Stack) -> Nats:
    return Nats(stack.folders.data("nats"), stack.ports.nats, stack.folders.secrets)


def in_clear(stack: Stack, service: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target(stack, service))


def without_a_certificate(stack: Stack, service: str) -> grpc.aio.Channel:
    ca = stack.folders.certificates.ca.read_bytes()
    return grpc.aio.secure_channel(target(stack, service), grpc.ssl_channel_credentials(ca))


def target(stack: Stack, service: str) -> str:
    return stack.env[f"INCASSO_{service.upper()}_TARGET"]


@pytest.mark.parametrize("opened", [in_clear, without_a_certificate])
@pytest.mark.parametrize("service", services.NAMES)
async def test_a_connection_without_a_certificate_of_the_stack_is_refused(
    stack: Stack, service: str, opened: Callable[[Stack, str], grpc.aio.Channel]
):
    async with opened(stack, service) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=HANGING_SECONDS)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_call_without_a_caller_identity_is_refused(stack: Stack):
    """Merchant and actor as plain metadata are refused: a certificate alone does not identify a caller."""
    plain = (("incasso-merchant-id", "mer_1"), ("incasso-actor", "operator"))
    async with stack.channel("merchants") as channel:
        call = channel.unary_unary(
            LIST_MERCHANTS,
            request_serializer=merchants_pb2.ListMerchantsRequest.SerializeToString,
            response_deserializer=merchants_pb2.ListMerchantsResponse.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(
                merchants_pb2.ListMerchantsRequest(), metadata=plain, timeout=HANGING_SECONDS
            )
    assert refusal_of(caught.value).reason == CallerUnknown.reason


@pytest.mark.parametrize("service", services.NAMES)
async def test_no_service_offers_grpc_reflection(stack: Stack, service: str):
    async with stack.channel(service) as channel:
        call = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(iter(()), timeout=HANGING_SECONDS).read()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_service_cannot_publish_events_of_payments(bus: Nats):
    complaints: list[str] = []

    async def complain(error: Exception) -> None:
        complaints.append(str(error).lower())

    client = Client()
    url = bus.user_url("oneclick")
    await client.connect(url, error_cb=complain, inbox_prefix=inbox("oneclick").encode())
    try:
        with pytest.raises(nats.errors.TimeoutError):
            await client.jetstream(timeout=0.5).publish("incasso.payments.payment.captured", b"")
        await until(lambda: complaints)
    finally:
        await client.close()
    assert "permissions violation for publish" in complaints[0]


@pytest.mark.parametrize("service", services.NAMES)
async def test_no_service_can_connect_to_another_services_database(
    postgres: Postgres, service: str
):
    async with connected(postgres.role_url(service, service)) as own:
        assert await own.fetchval("SELECT count(*) FROM schema_migrations") > 0
        assert (
            await own.fetchval("SELECT usesuper FROM pg_user WHERE usename = current_user") is False
        )
    for other in {*services.NAMES, "postgres"} - {service}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(postgres.role_url(service, other))


async def test_key_and_password_files_are_readable_only_by_their_owner(stack: Stack):
    keys = stack.folders.keys
    folders = (keys.folder, keys.trust, stack.folders.secrets, stack.folders.certificates.folder)
    files = [file for folder in folders for file in folder.iterdir() if file.is_file()]
    assert len(files) > 30
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


@pytest.mark.usefixtures("demo_merchant")
@pytest.mark.parametrize(
    "name", [*services.NAMES, "gateway", *(f"{name}-migrate" for name in services.NAMES)]
)
async def test_no_service_logs_a_refusal_of_its_own_permissions(stack: Stack, name: str):
    log = stack.log(name).lower()
    refusals = (
        "permissions violation",
        "permission denied",
        "identity of this process",
        "not set up",
    )
    assert [refusal for refusal in refusals if refusal in log] == []
