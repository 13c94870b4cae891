"""`incasso doctor` names what is wrong with an installation, and fails for it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cli import doctor
from incasso.payments.v1 import payments_pb2 as pb
from tests.cli.conftest import Command

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


async def examined(env, *options):
    """By subject: the state and detail of each finding, and whether the command fails."""
    done = await Command(env)("doctor", *options)
    rows = await Command(env).json("doctor", *options) if done.exit_code == 0 else []
    return done, {row["subject"]: (row["state"], row["detail"]) for row in rows}


@pytest.fixture
def targets(merchants, payments):
    return {
        "INCASSO_MERCHANTS_TARGET": merchants.target,
        "INCASSO_PAYMENTS_TARGET": payments[1],
    }


async def test_what_nobody_named_is_not_looked_at_and_not_called_wrong(merchants, targets):
    done, found = await examined(targets)
    assert done.exit_code == 0, done.output
    assert found[f"merchants {merchants.target}"] == ("ok", "serving")
    assert found["outcomes"] == ("ok", "")
    assert found["gateway"][0] == found["cod"][0] == "not set"


async def test_a_replica_that_does_not_answer_is_wrong(targets, free_port):
    done, _ = await examined({**targets, "INCASSO_COD_TARGET": f"127.0.0.1:{free_port()}"})
    assert done.exit_code == 1
    assert "no answer" in done.stdout


async def test_a_gateway_that_does_not_answer_is_wrong(targets, free_port):
    done, _ = await examined(targets, "--url", f"http://127.0.0.1:{free_port()}")
    assert done.exit_code == 1
    assert "gateway" in done.stdout


async def test_outcomes_that_wait_for_a_person_are_wrong(payments, targets):
    payments[0].attempts = [pb.UnresolvedAttempt(id="att_1")]
    done, _ = await examined(targets)
    assert done.exit_code == 1
    assert "incasso payments unresolved" in done.stdout


async def test_an_account_without_credentials_is_wrong(payments, targets):
    payments[0].accounts = [pb.PspAccount(id="psa_1", name="stripe-eu", publishable_key="pk")]
    done, found = await examined(targets, "--merchant", "mer_1")
    assert found["PSP account stripe-eu"][0] == "ok", done.output
    payments[0].accounts = [pb.PspAccount(id="psa_1", name="stripe-eu")]
    done, _ = await examined(targets, "--merchant", "mer_1")
    assert done.exit_code == 1
    assert "stripe-eu" in done.stdout


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (3, "ok"), (-4, "failed")])
def test_a_clock_that_is_seconds_off_is_wrong(seconds, state):
    said = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert doctor._clock(said, NOW).state == state


def test_a_gateway_that_hides_its_time_is_wrong():
    assert doctor._clock("", NOW).state == "failed"
