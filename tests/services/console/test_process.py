"""The console as a process: if it is killed during a change, its intent is on record, and the change is made once."""

import asyncio
import os
import signal
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from incasso.payments.v1 import payments_pb2
from libs.roles import SCOPES, Role
from stack.process import free_ports
from tests.services.console.answers import answers
from tests.services.console.conftest import KEY, PROOF, TOKEN
from tests.services.console.samples import PAYMENT_ID, payment
from tests.services.gateway.doubles import Services, start_servers
from tests.waiting import HANGING_SECONDS

FORM = f"/payments/{PAYMENT_ID}/refund"


def environment(targets: dict[str, str]) -> dict[str, str]:
    port, admin = free_ports(2)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("INCASSO_", "OTEL_"))}
    return clean | {
        "INCASSO_HTTP_PORT": str(port),
        "INCASSO_ADMIN_PORT": str(admin),
        "INCASSO_CONSOLE_URL": f"http://127.0.0.1:{port}",
        "INCASSO_SEAL_KEYS": Fernet.generate_key().decode(),
        "INCASSO_LOCAL_SIGN_IN": "true",
        "INCASSO_IDENTITY_KEY_FILE": os.environ["INCASSO_IDENTITY_KEY_FILE"],
        **{f"INCASSO_{name.upper()}_TARGET": target for name, target in targets.items()},
    }


@pytest.fixture
async def browser_like():
    """A client with the cookie of a signed-in person."""
    async with aiohttp.ClientSession(
        cookies={"incasso-session": TOKEN}, cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as http:
        yield http


async def filled_in(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """The form of a refund, as a browser would send it."""
    async with http.get(url + FORM) as response:
        page = await response.text()
    proof, key = PROOF.search(page), KEY.search(page)
    assert proof is not None
    assert key is not None
    return {"proof": proof[1], "key": key[1], "here": FORM, "amount": "12.50"}


async def test_a_refund_interrupted_by_sigkill_is_repeated_with_the_same_idempotency_key(
    new_processes: Any, browser_like: aiohttp.ClientSession
):
    services = Services(answers(SCOPES[Role.OWNER]))
    servers, targets = await start_servers(services)
    under_way, may_end = asyncio.Event(), asyncio.Event()

    async def refund(_: Any) -> payments_pb2.RefundPaymentResponse:
        """The first call gets no answer until the console is dead."""
        if services.calls("RefundPayment") == 1:
            under_way.set()
            await may_end.wait()
        return payments_pb2.RefundPaymentResponse(payment=payment())

    services.answers["RefundPayment"] = refund
    processes = new_processes("console", environment(targets))
    console = await processes.start()
    url = processes.environment["INCASSO_CONSOLE_URL"]
    fields = await filled_in(browser_like, url)
    sending = asyncio.create_task(browser_like.post(url + FORM, data=fields))
    async with asyncio.timeout(HANGING_SECONDS):
        await under_way.wait()
    await console.end(signal.SIGKILL)
    with pytest.raises(aiohttp.ClientError):
        await sending
    assert services.calls("RecordIntent") == 1
    assert services.calls("RecordOutcome") == 0  # so that the log says unknown

    await processes.start()
    async with browser_like.post(url + FORM, data=fields, allow_redirects=False) as response:
        assert response.headers["Location"] == f"/payments/{PAYMENT_ID}?notice=refunded"
    intents = [seen for seen in services.seen if seen.name == "RecordIntent"]
    refunds = [seen for seen in services.seen if seen.name == "RefundPayment"]
    for calls in (intents, refunds):  # to the services, it is the same call again
        assert len({seen.call.idempotency_key for seen in calls}) == 1
        assert len({seen.request.SerializeToString() for seen in calls}) == 1
    assert services.calls("RecordOutcome") == 1
    may_end.set()
    for server in set(servers.values()):
        await server.stop(0)
