"""`incasso doctor` names the faults of an installation, and fails if there are any."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cli import doctor
from incasso.notify.v1 import webhooks_pb2, webhooks_pb2_grpc
from incasso.payments.v1 import payments_pb2 as pb
from libs import wire
from libs.server import Server
from libs.tasks import Tasks
from tests.cli.conftest import Command

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


async def examined(env, *options):
    """The finished command, and the state and detail of each finding by subject if it succeeded."""
    done = await Command(env)("doctor", *options)
    rows = await Command(env).json("doctor", *options) if done.exit_code == 0 else []
    return done, {row["subject"]: (row["state"], row["detail"]) for row in rows}


@pytest.fixture
def targets(merchants, payments):
    return {
        "INCASSO_MERCHANTS_TARGET": merchants.target,
        "INCASSO_PAYMENTS_TARGET": payments[1],
    }


async def test_unconfigured_targets_are_reported_as_not_set_and_do_not_fail(merchants, targets):
    done, found = await examined(targets)
    assert done.exit_code == 0, done.output
    assert found[f"merchants {merchants.target}"] == ("ok", "serving")
    assert found["outcomes"] == ("ok", "")
    assert found["gateway"][0] == found["console"][0] == found["cod"][0] == "not set"


async def test_an_unreachable_replica_is_a_fault(targets, free_port):
    done, _ = await examined({**targets, "INCASSO_COD_TARGET": f"127.0.0.1:{free_port()}"})
    assert done.exit_code == 1
    assert "no answer" in done.stdout


async def test_an_unreachable_gateway_or_console_is_a_fault(targets, free_port):
    nobody = f"http://127.0.0.1:{free_port()}"
    done = await Command(targets)("doctor", "--url", nobody, "--console", nobody, "--json")
    assert done.exit_code == 1
    states = {row["subject"]: row["state"] for row in json.loads(done.stdout)}
    assert states["gateway"] == states["console"] == "failed"


async def test_unresolved_attempts_are_a_fault(payments, targets):
    payments[0].attempts = [pb.UnresolvedAttempt(id="att_1")]
    done, _ = await examined(targets)
    assert done.exit_code == 1
    assert "incasso payments unresolved" in done.stdout


async def test_a_psp_account_without_credentials_is_a_fault(payments, targets):
    payments[0].accounts = [pb.PspAccount(id="psa_1", name="stripe-eu", publishable_key="pk")]
    done, found = await examined(targets, "--merchant", "mer_1")
    assert found["PSP account stripe-eu"][0] == "ok", done.output
    payments[0].accounts = [pb.PspAccount(id="psa_1", name="stripe-eu")]
    done, _ = await examined(targets, "--merchant", "mer_1")
    assert done.exit_code == 1
    assert "stripe-eu" in done.stdout


def arrivals(*, approved=None, webhook=None):
    return pb.PspWebhookArrivals(
        psp_account_id="psa_1",
        name="stripe-eu",
        approved_at=approved and wire.timestamp(approved),
        last_webhook_at=webhook and wire.timestamp(webhook),
    )


async def test_psp_webhooks_that_stopped_arriving_are_a_fault(payments, targets):
    payments[0].arrivals = [arrivals(approved=NOW, webhook=NOW - timedelta(days=1))]
    done, _ = await examined({**targets, "COLUMNS": "400"}, "--merchant", "mer_1")
    assert done.exit_code == 1
    assert "/webhooks/psp/psa_1" in done.stdout


@pytest.mark.parametrize(
    ("arrived", "state"),
    [
        (arrivals(), "ok"),
        (arrivals(webhook=NOW), "ok"),
        (arrivals(approved=NOW), "failed"),
        (arrivals(approved=NOW, webhook=NOW), "ok"),
    ],
)
def test_a_psp_webhook_is_missing_only_after_an_approved_payment(arrived, state):
    assert doctor._arrival(arrived)[0] == state


class Webhooks(webhooks_pb2_grpc.WebhooksServiceServicer):
    async def ListWebhookEndpoints(self, request, rpc):
        return webhooks_pb2.ListWebhookEndpointsResponse(data=ENDPOINTS.values())


ENDPOINT = webhooks_pb2.WebhookEndpoint
ENDPOINTS = {
    "well": ENDPOINT(id="well", state=ENDPOINT.STATE_ENABLED),
    "paused": ENDPOINT(
        id="paused",
        state=ENDPOINT.STATE_DISABLED,
        disabled_reason=ENDPOINT.DISABLED_REASON_MERCHANT,
    ),
    "failing": ENDPOINT(
        id="failing", state=ENDPOINT.STATE_ENABLED, failing_since=wire.timestamp(NOW)
    ),
    "dead": ENDPOINT(
        id="dead", state=ENDPOINT.STATE_DISABLED, disabled_reason=ENDPOINT.DISABLED_REASON_FAILING
    ),
    "gone": ENDPOINT(
        id="gone", state=ENDPOINT.STATE_DISABLED, disabled_reason=ENDPOINT.DISABLED_REASON_GONE
    ),
}


async def test_failing_webhook_endpoints_are_faults_but_paused_ones_are_not(targets):
    add = webhooks_pb2_grpc.add_WebhooksServiceServicer_to_server
    server = Server([(add, Webhooks())], ["incasso.notify.v1.WebhooksService"], Tasks())
    port = await server.start("127.0.0.1:0")
    env = {**targets, "INCASSO_NOTIFY_TARGET": f"127.0.0.1:{port}"}
    done = await Command(env)("doctor", "--merchant", "mer_1", "--json")
    await server.stop(1)
    assert done.exit_code == 1
    states = {row["subject"]: row["state"] for row in json.loads(done.stdout)}
    wrong = {name for name in ENDPOINTS if states[f"webhooks to {name}"] == "failed"}
    assert wrong == {"failing", "dead", "gone"}


@pytest.mark.parametrize(
    ("status", "state", "detail"),
    [
        (303, "ok", "people sign in at id.example"),
        (404, "ok", "with a password"),
        (503, "failed", "cannot reach its OpenID provider"),
        (500, "failed", "HTTP 500"),
    ],
)
def test_the_sign_in_status_decides_the_consoles_state(status, state, detail):
    found = doctor._sign_in(status, "https://id.example/authorize?state=a", "https://console")
    assert (found.subject, found.state) == ("console", state)
    assert detail in found.detail


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (3, "ok"), (-4, "failed")])
def test_a_clock_off_by_more_than_three_seconds_is_a_fault(seconds, state):
    date_header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert doctor._clock(date_header, NOW).state == state


def test_a_gateway_without_a_date_header_is_a_fault():
    assert doctor._clock("", NOW).state == "failed"
