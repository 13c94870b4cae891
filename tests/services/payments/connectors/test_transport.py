"""Connections to a PSP are retried as long as nothing was sent."""

import asyncio
import socket
import ssl

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from services.payments.connectors import transport
from stack.process import free_ports


class Psp:
    """A PSP that begins to listen after a first call has failed, and counts its requests."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.tries = 0
        self.bodies: list[bytes] = []
        app = web.Application()
        app.router.add_post("/charges", self._charge)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def _charge(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response()

    async def listens_late(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self.tries += 1
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            await self.runner.setup()
            await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
            raise


async def tries_of_a_call_that_fails_with(error: Exception) -> int:
    tries = 0

    async def no_connection(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        nonlocal tries
        tries += 1
        raise error

    async with aiohttp.ClientSession(middlewares=(transport.connect_again, no_connection)) as http:
        with pytest.raises(type(error)):
            await http.post("http://127.0.0.1/charges")
    return tries


async def test_a_request_that_connects_at_the_second_try_is_sent_once():
    psp = Psp()
    middlewares = (transport.connect_again, psp.listens_late)
    async with aiohttp.ClientSession(middlewares=middlewares) as http:
        url = f"http://127.0.0.1:{psp.port}/charges"
        answer = await http.post(url, json={"amount_minor": 5990}, timeout=transport.TIMEOUT)
    await psp.runner.cleanup()
    assert (answer.status, psp.tries, psp.bodies) == (200, 2, [b'{"amount_minor": 5990}'])


async def test_a_psp_that_cannot_be_reached_is_given_up_after_three_tries():
    assert await tries_of_a_call_that_fails_with(aiohttp.ConnectionTimeoutError()) == 3


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.SocketTimeoutError(),
        aiohttp.ClientConnectorCertificateError(None, ssl.SSLCertVerificationError()),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_request_that_may_have_been_sent_or_fails_tls_is_not_retried(error):
    assert await tries_of_a_call_that_fails_with(error) == 1


def test_all_connection_tries_fit_into_the_wait_for_a_connection():
    tries = len(transport._PAUSES) + 1
    longest = tries * transport.CONNECT_SECONDS + sum(transport._PAUSES)
    assert longest <= transport.WAIT_SECONDS


class Dns(AbstractResolver):
    """Answers, or refuses, or does not answer."""

    def __init__(self) -> None:
        self.answers = ["192.0.2.1"]
        self.trouble = None

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if self.trouble:
            await self.trouble()
        return [{"hostname": host, "host": each, "port": port} for each in self.answers]

    async def close(self):
        pass


async def refuses():
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def does_not_know_it():
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def hangs():
    await asyncio.Event().wait()


async def addresses(resolver):
    return [found["host"] for found in await resolver.resolve("psp.example", 443)]


@pytest.fixture
def dns(monkeypatch):
    monkeypatch.setattr(transport, "RESOLVE_SECONDS", 0.01)
    return Dns()


@pytest.mark.parametrize("trouble", [refuses, hangs])
async def test_the_last_known_address_is_used_while_dns_fails(dns, trouble):
    resolver = transport.LastKnown(dns)
    assert await addresses(resolver) == ["192.0.2.1"]
    dns.trouble = trouble
    assert await addresses(resolver) == ["192.0.2.1"]
    dns.trouble, dns.answers = None, ["192.0.2.2"]
    assert await addresses(resolver) == ["192.0.2.2"]


async def test_a_dns_failure_is_raised_when_no_address_is_known(dns):
    dns.trouble = refuses
    with pytest.raises(socket.gaierror):
        await addresses(transport.LastKnown(dns))


async def test_a_name_removed_from_dns_is_no_longer_resolved(dns):
    resolver = transport.LastKnown(dns)
    await addresses(resolver)
    dns.trouble = does_not_know_it
    with pytest.raises(socket.gaierror):
        await addresses(resolver)


async def test_psp_sessions_use_the_last_known_resolver():
    async with transport.new_session() as http:
        assert isinstance(http.connector._resolver, transport.LastKnown)
