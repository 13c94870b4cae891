"""How connections between processes are kept: the defaults survive a rollout, and each setting takes effect."""

import asyncio

import grpc
import pytest

from incasso.payments.v1 import payments_pb2_grpc
from libs import client, deadlines, grpc_settings, settings
from libs.grpc_settings import GrpcSettings
from libs.server import Server
from libs.tasks import Tasks
from tests.waiting import HANGING_SECONDS

# By setting: a value other than the default, and the gRPC option that has it in milliseconds.
OF_CLIENTS = {
    "keepalive_seconds": (60, "grpc.keepalive_time_ms"),
    "keepalive_timeout_seconds": (5, "grpc.keepalive_timeout_ms"),
    "resolve_seconds": (2.5, "grpc.dns_min_time_between_resolutions_ms"),
    "reconnect_seconds": (3, "grpc.max_reconnect_backoff_ms"),
}
OF_SERVERS = {
    "connection_age_seconds": (120, "grpc.max_connection_age_ms"),
    "connection_grace_seconds": (7200, "grpc.max_connection_age_grace_ms"),
    "ping_interval_seconds": (20, "grpc.http2.min_ping_interval_without_data_ms"),
}


@pytest.fixture
def environment(monkeypatch):
    for name, (value, _) in (OF_CLIENTS | OF_SERVERS).items():
        monkeypatch.setenv(f"INCASSO_GRPC_{name.upper()}", str(value))
    yield
    client.set_up(grpc_settings.DEFAULTS)


def test_the_default_options_find_new_replicas_and_outlast_transfers():
    found = dict(client.options())
    assert found["grpc.lb_policy_name"] == "round_robin"
    assert found["grpc.dns_min_time_between_resolutions_ms"] <= 5000
    ours = dict(grpc_settings.DEFAULTS.server_options)
    assert found["grpc.keepalive_time_ms"] > ours["grpc.http2.min_ping_interval_without_data_ms"]
    grace = ours["grpc.max_connection_age_grace_ms"]
    assert grace > 1000 * max(deadlines.UPLOAD, deadlines.DOWNLOAD)


@pytest.mark.usefixtures("environment")
def test_environment_settings_reach_channel_and_server():
    config = settings.load(GrpcSettings)
    client.set_up(config)
    for given, found in (
        (OF_CLIENTS, dict(client.options())),
        (OF_SERVERS, dict(config.server_options)),
    ):
        assert {option: found[option] for _, option in given.values()} == {
            option: 1000 * value for value, option in given.values()
        }
    assert {f"grpc_{name}" for name in OF_CLIENTS | OF_SERVERS} == GrpcSettings.model_fields.keys()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CONNECTION_GRACE_SECONDS", "60", "INCASSO_GRPC_CONNECTION_GRACE_SECONDS"),
        ("RESOLVE_SECONDS", "0", "INCASSO_GRPC_RESOLVE_SECONDS"),
        ("KEEPALIVE_SECONDS", "5", "refuse their clients' pings"),
    ],
)
def test_a_setting_that_would_cut_calls_is_refused(monkeypatch, capsys, name, value, complaint):
    monkeypatch.setenv(f"INCASSO_GRPC_{name}", value)
    with pytest.raises(SystemExit):
        settings.load(GrpcSettings)
    assert complaint in capsys.readouterr().err


async def test_a_connection_at_its_maximum_age_is_closed():
    add = payments_pb2_grpc.add_PaymentsServiceServicer_to_server
    servicer = payments_pb2_grpc.PaymentsServiceServicer()
    young = GrpcSettings(grpc_connection_age_seconds=1)
    server = Server(
        [(add, servicer)], ["incasso.payments.v1.PaymentsService"], Tasks(), settings=young
    )
    port = await server.start("127.0.0.1:0")
    async with client.channel(f"ipv4:127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        async with asyncio.timeout(HANGING_SECONDS):
            await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
    await server.stop(0)
