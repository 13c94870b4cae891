"""The real process, killed while it hands a message over and restarted: nothing is sent twice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest
import pytest_asyncio

from incasso.merchants.v1.events_pb2 import MerchantUpdated
from incasso.notify.v1 import messages_pb2 as pb
from incasso.notify.v1.messages_pb2_grpc import MessagesServiceStub
from libs import bus, client, context, relay, settings
from libs.errors import ServiceUnavailable
from libs.merchants import FRESH_SECONDS
from services.notify.config import Config
from tests import waiting
from tests.kit.connections import connected
from tests.kit.processes import Processes
from tests.services.notify.messages import neighbours
from tests.services.notify.messages.conftest import KEYS
from tests.services.notify.messages.mail_double import MailServer
from tests.services.notify.messages.sms_double import ACCOUNT, TOKEN, SmsApi
from tests.services.notify.messages.world import Requested, World
from tests.waiting import HANGING_SECONDS


@pytest_asyncio.fixture(loop_scope="session")
async def beside() -> AsyncIterator[tuple[neighbours.Neighbours, str]]:
    double = neighbours.Neighbours()
    server, target = await neighbours.serve(double)
    yield double, target
    await server.stop(0)


@pytest.fixture
def environment(fresh_nats_url, free_port, beside, new_database, mail: MailServer, sms: SmsApi):
    database = new_database("notify")
    return {
        **os.environ,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
        "INCASSO_NATS_URL": fresh_nats_url,
        "INCASSO_DATABASE_URL": database,
        "INCASSO_MERCHANTS_TARGET": beside[1],
        "INCASSO_ONECLICK_TARGET": beside[1],
        "INCASSO_PAYLINK_TARGET": beside[1],
        "INCASSO_INSTALMENTS_TARGET": beside[1],
        "INCASSO_COD_TARGET": beside[1],
        "INCASSO_REPORTING_TARGET": beside[1],
        "INCASSO_SEAL_KEYS": ",".join(KEYS),
        "INCASSO_PUBLIC_URL": "https://pay.example/",
        "INCASSO_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
        "INCASSO_MAIL_FROM": "pay@incasso.example",
        "INCASSO_BOUNCE_DOMAIN": "bounces.example",
        "INCASSO_SMS_PROVIDER": "twilio",
        "INCASSO_TWILIO_ACCOUNT_SID": ACCOUNT,
        "INCASSO_TWILIO_AUTH_TOKEN": TOKEN,
        "INCASSO_TWILIO_FROM": "+390200000000",
        "INCASSO_TWILIO_API_BASE": sms.base,
    }


@pytest.fixture
def processes(new_processes, environment) -> Processes:
    return new_processes("notify", environment)


@pytest_asyncio.fixture(loop_scope="session")
async def merchant(environment, beside, mail, sms) -> AsyncIterator[World]:
    """A merchant whose links are to be sent; `call` calls the process."""
    channel = client.channel(f"ipv4:127.0.0.1:{environment['INCASSO_GRPC_PORT']}")
    yield World(None, beside[0], mail, sms, MessagesServiceStub(channel), None)
    await channel.close()


async def publish(environment: dict[str, str], world: World, **changes: Any) -> None:
    payload = Requested(payment_link=world.link(**changes), reason=Requested.REASON_ISSUED)
    connection = await bus.connect(environment["INCASSO_NATS_URL"], service="test")
    event = world.event("paylink.payment_link.message_requested", payload)
    await relay.publish(connection, event)
    await relay.publish(connection, event)
    await connection.close()


async def state_of(world: World) -> int:
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="test"))
    (message,) = (await world.call("ListMessages", pb.ListMessagesRequest())).data
    return message.state


async def until(world: World, state: int) -> None:
    async with asyncio.timeout(HANGING_SECONDS):
        while True:
            with suppress(ServiceUnavailable):  # it is still starting
                if await state_of(world) == state:
                    return
            await asyncio.sleep(0.1)


async def sent(environment: dict[str, str], count: int) -> bool:
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        found = await conn.fetchval("SELECT count(*) FROM messages WHERE state = 'sent'")
        return bool(found == count)


async def end_lease(environment: dict[str, str]) -> None:
    """Ends the dead process's lease, which would expire only after minutes."""
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        await conn.execute("UPDATE due_messages SET due_at = now(), leased_until = NULL")


@pytest.mark.parametrize(("moment", "end"), [("on_rcpt", "sent"), ("on_data", "unknown")])
async def test_a_kill_during_smtp_sends_nothing_twice(
    environment, processes, merchant: World, mail: MailServer, moment: str, end: str
):
    reached = asyncio.Event()

    async def hang(_: object) -> str:
        reached.set()
        await asyncio.sleep(60)
        return ""

    getattr(mail, moment).append(hang)
    child = await processes.start()
    await publish(environment, merchant)
    async with asyncio.timeout(HANGING_SECONDS):
        await reached.wait()
    await child.end(signal.SIGKILL)
    await end_lease(environment)
    await processes.start()
    await until(merchant, pb.Message.State.Value(f"STATE_{end.upper()}"))
    await end_lease(environment)
    before = 1 if end == "sent" else 0
    await publish(environment, merchant)
    await waiting.until(lambda: sent(environment, before + 1))  # everything due before it is done
    assert len(mail.inbox) == before + 1


async def test_a_merchants_new_name_is_in_mails_before_its_cache_expires(
    environment, processes, beside, merchant: World, mail: MailServer
):
    """Long before the cached merchant would expire."""

    async def next_mail() -> EmailMessage:
        count = len(mail.inbox)
        await publish(environment, merchant)
        while True:
            if len(mail.inbox) > count:
                return mail.letters[-1]
            await asyncio.sleep(0.05)

    await processes.start()
    async with asyncio.timeout(FRESH_SECONDS - 10):
        assert str((await next_mail())["Subject"]).startswith("Ottica Rossi:")
        beside[0].merchant.name = "Ottica Nova"
        connection = await bus.connect(environment["INCASSO_NATS_URL"], service="test")
        renamed = MerchantUpdated(merchant=beside[0].merchant)
        await relay.publish(connection, merchant.event("merchants.merchant.updated", renamed))
        await connection.close()
        while not str((await next_mail())["Subject"]).startswith("Ottica Nova:"):
            pass  # the event is on its way


async def test_sigterm_finishes_the_message_being_sent_and_logs_no_secrets(
    environment, processes, merchant: World, mail: MailServer
):
    reached = asyncio.Event()

    async def slow(_: object) -> str:
        reached.set()
        await asyncio.sleep(2)
        return ""

    mail.on_data.append(slow)
    child = await processes.start()
    await publish(environment, merchant)
    async with asyncio.timeout(HANGING_SECONDS):
        await reached.wait()
    assert await child.end() == 0, child.output
    assert "giulia" not in child.output
    assert "/p/" not in child.output
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        states = await conn.fetch("SELECT state FROM messages")
    assert ([row["state"] for row in states], len(mail.inbox)) == (["sent"], 1)


async def test_it_refuses_to_start_before_its_schema_is_there(processes, new_database):
    processes.environment["INCASSO_DATABASE_URL"] = new_database()
    code, output = await processes.refused()
    assert code != 0
    assert "run: python -m services.notify migrate" in output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INCASSO_SMTP_URL", "mail.example:25"),
        ("INCASSO_SEAL_KEYS", " ,"),
        ("INCASSO_SEAL_KEYS", "x"),
        ("INCASSO_MAIL_FROM", "Incasso <pay@incasso.example>"),
        ("INCASSO_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.1/8"),
    ],
)
def test_an_invalid_setting_is_named(environment, monkeypatch, capsys, name, value):
    for variable, given in {**environment, name: value}.items():
        monkeypatch.setenv(variable, given)
    with pytest.raises(SystemExit) as ended:
        settings.load(Config)
    assert ended.value.code == 78
    assert capsys.readouterr().err.startswith(f"{name}: ")
