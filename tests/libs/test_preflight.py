"""`check` names everything that a service lacks, and is silent if it lacks nothing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from libs import bus as buses
from libs import preflight
from libs.bus_users import SETUP
from libs.consumer import Consumer
from stack.certificates import Certificates
from stack.contracts import ROOT
from stack.keys import Keys
from stack.nats import throw_away_nats

SERVICE = "merchants"
MIGRATIONS = ROOT / "services" / SERVICE / "migrations"
NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def server():
    with throw_away_nats([SERVICE]) as started:
        yield started


@pytest.fixture
def config(server, new_database, tmp_path):
    keys, certificates = Keys(tmp_path / "keys"), Certificates(tmp_path / "tls")
    keys.ensure([SERVICE])
    certificates.ensure([SERVICE])
    return SimpleNamespace(
        database_url=new_database(SERVICE),
        nats_url=server.user_url(SERVICE),
        identity_key_file=keys.private(SERVICE),
        trust_dir=keys.trust,
        tls_certificate_file=certificates.chain(SERVICE),
        tls_ca_file=certificates.ca,
    )


async def handle_nothing(_conn, _event):
    pass


async def set_up_events(server, database):
    bus = await buses.connect(server.user_url(SETUP), service=SETUP)
    await buses.set_up(bus)
    handled = {"incasso.payments.payment.captured": handle_nothing}
    await Consumer(SERVICE, database, bus, handled).set_up()
    await bus.close()


async def wrong(config, *, in_days=0):
    now = datetime.now(UTC) + timedelta(days=in_days)
    found = await preflight.findings(SERVICE, config, MIGRATIONS, now=now)
    return {one.subject: one.wrong for one in found if one.wrong}


async def test_a_missing_event_setup_is_reported_until_it_is_done(server, config, database):
    bus = await buses.connect(server.user_url(SETUP), service=SETUP)
    await bus.close()
    assert "run the job `migrate`" in (await wrong(config))["events"]
    await set_up_events(server, database)
    assert await wrong(config) == {}


async def test_unreachable_servers_are_reported(config):
    config.database_url = f"postgresql://merchants:x@{NOWHERE}/merchants"
    config.nats_url = f"nats://{NOWHERE}"
    found = await wrong(config)
    assert found.keys() == {"database", "clock", "events"}
    assert all(one.startswith("does not answer") for one in found.values())


async def test_missing_migrations_are_named(config, new_database):
    config.database_url = new_database("libs")
    assert "0001_pre_" in (await wrong(config))["database"]


async def test_an_untrusted_key_is_reported(config, tmp_path):
    others = Keys(tmp_path / "others")
    others.ensure([SERVICE])
    config.identity_key_file = others.private(SERVICE)
    assert "lacks its public key" in (await wrong(config))["identity"]


async def test_an_invalid_certificate_is_reported(config):
    config.tls_certificate_file.write_text("none")
    assert str(config.tls_certificate_file) in (await wrong(config))["certificate"]


async def test_a_certificate_close_to_expiry_is_reported(config):
    assert "certificate" not in await wrong(config, in_days=350)
    assert " ends on 20" in (await wrong(config, in_days=352))["certificate"]
