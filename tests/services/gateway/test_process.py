"""The gateway as a process: starts from the environment, stops without losing a request."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from incasso.oneclick.v1 import oneclick_pb2
from stack.process import free_ports
from tests.conftest import ROOT
from tests.kit.processes import Process
from tests.services.gateway import pay_samples
from tests.services.gateway.doubles import SECRET, Services, authenticate, start_servers
from tests.services.gateway.pay_samples import PATH
from tests.services.gateway.test_transcoder import BODY, KEY, PAY
from tests.waiting import HANGING_SECONDS

HEADERS = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def start(new_processes):
    """`await start(targets, INCASSO_…="…")`: the process, its URL and that of its admin port."""

    async def started(targets: dict[str, str], **env: str) -> tuple[Process, str, str]:
        processes = new_processes("gateway", environment(targets) | env)
        process = await processes.start()
        ports = (processes.environment[f"INCASSO_{name}_PORT"] for name in ("HTTP", "ADMIN"))
        url, admin = (f"http://127.0.0.1:{port}" for port in ports)
        return process, url, admin

    return started


def environment(targets: dict[str, str]) -> dict[str, str]:
    port, admin = free_ports(2)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("INCASSO_", "OTEL_"))}
    return clean | {
        "INCASSO_HTTP_PORT": str(port),
        "INCASSO_ADMIN_PORT": str(admin),
        "INCASSO_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "INCASSO_IDENTITY_KEY_FILE": os.environ["INCASSO_IDENTITY_KEY_FILE"],
        **{f"INCASSO_{name.upper()}_TARGET": target for name, target in targets.items()},
    }


async def status_of(http, url):
    try:
        async with http.get(url, headers=HEADERS) as response:
            return response.status
    except aiohttp.ClientConnectionError:
        return 0


async def until(http, url, status):
    async with asyncio.timeout(HANGING_SECONDS):
        while await status_of(http, url) != status:  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.02)


async def test_a_request_in_progress_is_answered_during_shutdown(start):
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services)
    started, may_end = asyncio.Event(), asyncio.Event()

    async def charge(_):
        started.set()
        await may_end.wait()
        return oneclick_pb2.CreateOneClickPaymentResponse()

    services.answers["CreateOneClickPayment"] = charge
    gateway, url, admin = await start(targets, INCASSO_DRAIN_SECONDS="5")
    async with aiohttp.ClientSession() as http:
        await until(http, f"{admin}/healthz/ready", 200)
        assert await status_of(http, f"{admin}/healthz/live") == 200

        async def pay():
            headers = {**HEADERS, **KEY}
            async with http.post(url + PAY, json=BODY, headers=headers) as response:
                return response.status

        paying = asyncio.create_task(pay())
        await started.wait()
        gateway.send(signal.SIGTERM)
        await until(http, f"{admin}/healthz/ready", 503)
        assert await status_of(http, f"{url}/v1/merchant") == 200  # while it drains
        await until(http, f"{url}/v1/merchant", 0)  # no further request is accepted
        may_end.set()
        assert await paying == 201
        assert await gateway.wait() == 0
    for server in servers.values():
        await server.stop(0)


async def test_metrics_count_requests_by_route(start):
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services)
    _, url, admin = await start(targets)
    async with aiohttp.ClientSession() as http:
        await until(http, f"{admin}/healthz/ready", 200)
        assert await status_of(http, f"{url}/v1/payments/pay_1") == 200
        async with http.get(f"{admin}/metrics") as response:
            text = await response.text()
    line = 'incasso_http_seconds_count{method="GET",route="/v1/payments/{payment_id}",status="200"} 1.0'
    assert line in text
    for server in servers.values():
        await server.stop(0)


async def test_a_wrong_number_of_proxies_is_reported_to_the_operator(start):
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services)
    gateway, url, admin = await start(targets)
    async with aiohttp.ClientSession() as http:
        await until(http, f"{admin}/healthz/ready", 200)
        forwarded = {**HEADERS, "X-Forwarded-For": "192.0.2.7"}
        for _ in range(2):
            async with http.get(f"{url}/v1/merchant", headers=forwarded) as response:
                assert response.status == 200
        async with http.get(f"{admin}/healthz/ready") as response:
            assert "INCASSO_TRUSTED_PROXIES is 0" in await response.text()
        async with http.get(f"{admin}/metrics") as response:
            metrics = await response.text()
    assert await gateway.end() == 0
    assert 'incasso_http_forwarded_wrong_total{reason="untrusted"} 2.0' in metrics
    assert gateway.output.count("INCASSO_TRUSTED_PROXIES") == 1
    for server in servers.values():
        await server.stop(0)


async def test_link_tokens_do_not_appear_in_logs_or_metrics(start):
    """Not even for a page that fails to render, whose error is logged with its traceback."""
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services)
    broken = pay_samples.page()
    broken.payment_link.expires_at.seconds = 10**14
    services.answers["GetPayPage"] = pay_samples.shown(broken)
    services.answers["MarkSeen"] = ValueError("a fault of paylink")
    gateway, url, admin = await start(targets)
    async with aiohttp.ClientSession() as http:
        await until(http, f"{admin}/healthz/ready", 200)
        async with http.get(f"{url}{PATH}?use=secret-use&lang=en") as response:
            assert response.status == 500
            assert "It is our fault" in await response.text()
        async with http.post(f"{url}{PATH}/seen", allow_redirects=False) as response:
            assert response.status == 303
        async with http.get(f"{admin}/metrics") as response:
            metrics = await response.text()
    assert await gateway.end() == 0
    assert 'route="/p/{token}"' in metrics
    assert "incasso_loop_lag_seconds" in metrics
    assert "page failed" in gateway.output
    for text in (metrics, gateway.output):
        assert pay_samples.TOKEN not in text
        assert "secret-use" not in text
    for server in servers.values():
        await server.stop(0)


async def test_a_missing_setting_is_named_and_ends_the_process():
    given = environment({"merchants": "ipv4:127.0.0.1:1"})
    gateway = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway"),
        cwd=ROOT,
        env=given,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await asyncio.wait_for(gateway.communicate(), HANGING_SECONDS)
    assert gateway.returncode == 78
    assert b"INCASSO_PAYMENTS_TARGET" in stderr
