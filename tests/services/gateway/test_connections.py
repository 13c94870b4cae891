"""Raw sockets, below the handlers: input that is not HTTP, too large, too slow, too many connections."""

import asyncio
import contextlib
import itertools
import json
import re
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from tests.services.gateway.doubles import SECRET
from tests.waiting import HANGING_SECONDS, until

GET = b"GET /v1/merchant HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + SECRET.encode() + b"\r\n"
POST = (
    b"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer " + SECRET.encode() + b"\r\n"
)


@asynccontextmanager
async def connected(gateway):
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answers_to(gateway, *sent):
    """Everything received until the server closes."""
    async with connected(gateway) as (reader, writer), asyncio.timeout(HANGING_SECONDS):
        for part in sent:
            writer.write(part)
        return await all_of(reader)


async def all_of(reader):
    """Everything received until the server closes; it resets a connection that is still writing."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while block := await reader.read(2**16):
            found += block
    return found


def problem(raw, status, code):
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert re.match(rf"HTTP/1\.[01] {status} ", lines[0]), raw
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    found = json.loads(body[: int(headers["content-length"])])
    assert (found["status"], found["code"]) == (status, code)
    assert found["trace_id"] == headers["incasso-trace-id"]
    assert len(found["trace_id"]) == 32
    assert "server" not in headers
    for word in (b"ython", b"aiohttp", b"llhttp", b"Traceback"):
        assert word not in raw
    return headers


NO_HTTP = {
    "text": b"hello\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "unknown method": b"BREW /v1/merchant HTTP/1.1\r\nHost: x\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "header without colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "nul in header": b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "length": POST + b"Content-Length: -1\r\n\r\n{}",
    "address": b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_malformed_http_is_refused_with_a_problem(gateway, name):
    problem(await answers_to(gateway, NO_HTTP[name]), 400, "http_malformed")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"A: " + b"a" * 20_000 + b"\r\n\r\n",
        GET + b"a" * 20_000 + b": a\r\n\r\n",
        GET + b"".join(b"A%d: a\r\n" % number for number in range(200)) + b"\r\n",
    ],
    ids=["address", "value", "name", "number"],
)
async def test_headers_that_are_too_large_are_refused(gateway, sent):
    problem(await answers_to(gateway, sent), 431, "headers_too_large")


async def test_headers_whose_total_size_is_too_large_are_refused(gateway):
    async with connected(gateway) as (reader, writer), asyncio.timeout(HANGING_SECONDS):
        problem(await trickled(reader, writer, b"a" * 7_000), 431, "headers_too_large")


async def trickled(reader, writer, value):
    """The answer to headers that never end."""
    answer = asyncio.create_task(all_of(reader))
    writer.write(b"GET / HTTP/1.1\r\n")
    for number in itertools.count():
        writer.write(b"A%d: %b\r\n" % (number, value))
        await asyncio.wait([answer], timeout=0.02)
        if answer.done():
            break
    return await answer


async def test_a_body_with_malformed_chunks_is_refused_as_unreadable(gateway):
    async with connected(gateway) as (reader, writer), asyncio.timeout(HANGING_SECONDS):
        writer.write(POST + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"xyz\r\n{}\r\n0\r\n\r\n")
        problem(await reader.read(), 400, "body_unreadable")


async def test_an_unsupported_expect_header_is_refused_with_a_problem(gateway):
    for headers, status, code in [
        ({"Expect": "200-ok"}, 417, "expectation_failed"),
        ({"Expect": "100-continue"}, 200, ""),
    ]:
        async with gateway.request("GET", "/v1/merchant", headers=headers) as response:
            assert response.status == status
            assert "Server" not in response.headers
            if code:
                assert response.content_type == "application/problem+json"
                assert (await response.json(content_type=None))["code"] == code


async def test_half_sent_headers_time_out(new_gateway):
    async with new_gateway(header_seconds=0.2) as gateway:
        problem(await answers_to(gateway, GET), 408, "headers_slow")
        problem(await answers_to(gateway, b"G"), 408, "headers_slow")
        assert await answers_to(gateway) == b""  # nothing was sent, so there is nothing to answer
        assert gateway.runner.server.open == 0


async def test_trickling_headers_does_not_extend_their_timeout(new_gateway):
    async with (
        new_gateway(header_seconds=0.3) as gateway,
        connected(gateway) as (reader, writer),
        asyncio.timeout(HANGING_SECONDS),
    ):
        problem(await trickled(reader, writer, b"a"), 408, "headers_slow")


async def test_the_header_timeout_applies_to_a_second_request(new_gateway):
    async with (
        new_gateway(header_seconds=0.2) as gateway,
        connected(gateway) as (reader, writer),
        asyncio.timeout(HANGING_SECONDS),
    ):
        writer.write(GET + b"\r\n")
        first = await reader.readuntil(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 200 ")
        await reader.readuntil(b"}")
        writer.write(b"GET / HT")
        answer = await reader.read()
        problem(answer[answer.index(b"HTTP/1.1") :], 408, "headers_slow")


async def test_half_sent_bodies_time_out(new_gateway):
    async with new_gateway(body_seconds=0.2) as gateway:
        for path in (b"/webhooks/psp/psa_1", b"/v1/customers", b"/p/tok/pay"):
            head = POST.replace(b"/v1/customers", path) + b"Content-Length: 100\r\n\r\n{"
            answer = await answers_to(gateway, head)
            assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert gateway.runner.server.open == 0


async def test_a_draining_gateway_sends_connection_close_with_each_answer(new_gateway):
    async with new_gateway() as gateway:
        async with gateway.request("GET", "/v1/payments") as before:
            assert "Connection" not in before.headers
        gateway.runner.leave()
        for path in ("/v1/payments", "/no-such-page"):
            async with gateway.request("GET", path) as answer:
                await answer.read()
                assert answer.headers["Connection"] == "close"


async def test_an_idle_connection_is_closed(new_gateway):
    async with new_gateway(idle_seconds=0.2) as gateway:
        answer = await answers_to(gateway, GET + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert gateway.runner.server.open == 0


async def test_a_client_that_does_not_read_is_dropped(new_gateway):
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    async with new_gateway(send_seconds=0.3) as gateway:
        for sent in (ask * 30, ask.replace(b"Host", b"Connection: close\r\nHost") * 30):
            async with connected(gateway) as (_, writer):
                writer.transport.pause_reading()
                writer.write(sent)
                await until_open(gateway, 1)
                await until_open(gateway, 0)


async def until_open(gateway, count):
    await until(lambda: gateway.runner.server.open == count)


async def test_connections_from_one_address_are_limited(new_gateway):
    async with new_gateway(max_connections_per_address=3) as gateway:
        async with connected(gateway), connected(gateway), connected(gateway):
            await until_open(gateway, 3)
            headers = problem(await answers_to(gateway, GET), 503, "too_many_connections")
            assert int(headers["retry-after"]) > 0
        await until_open(gateway, 0)
        sent = GET + b"Connection: close\r\n\r\n"
        assert (await answers_to(gateway, sent)).startswith(b"HTTP/1.1 200 ")


async def test_behind_a_proxy_only_the_total_number_of_connections_is_limited(new_gateway):
    config = {"max_connections_per_address": 1, "max_connections": 3, "trusted_proxies": 1}
    async with (
        new_gateway(**config) as gateway,
        connected(gateway),
        connected(gateway),
        connected(gateway),
    ):
        await until_open(gateway, 3)
        problem(await answers_to(gateway, GET), 503, "too_many_connections")


async def test_three_hundred_half_sent_headers_leave_room_for_others(new_gateway):
    async with new_gateway(header_seconds=0.5, max_connections_per_address=100) as gateway:
        slow = [asyncio.create_task(answers_to(gateway, GET)) for _ in range(300)]
        answers = await asyncio.gather(*slow, return_exceptions=True)
        # A client that is closed before it has read its refusal sees a reset, or nothing.
        received = [answer for answer in answers if answer and not isinstance(answer, Exception)]
        assert {answer.split(b" ", 2)[1] for answer in received} <= {b"408", b"503"}
        assert {type(answer) for answer in answers} <= {bytes, ConnectionResetError}
        assert gateway.runner.server.open == 0
        async with gateway.request("GET", "/v1/merchant") as response:
            assert response.status == 200
