"""Bodies that are files: forwarded as they arrive, within their size and time limits."""

import asyncio
import io

import pytest

from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.doubles import SECRET
from tests.services.gateway.samples import ROUTES
from tests.services.gateway.test_transcoder import problem

(ROUTE,) = (route for route in ROUTES if route.uploads)
RPC = ROUTE.rpc.name
URL = ROUTE.path


async def parts(*data: bytes):
    for piece in data:
        yield piece


@pytest.mark.parametrize("kind", ["application/xml", "text/csv; charset=utf-16", "", "nonsense"])
async def test_a_file_of_any_media_type_is_forwarded_unchanged(gateway, kind):
    data = bytes(range(256)) * 5000
    query = {"name": "april.xml", "psp_account": "a"}
    headers = {"Content-Type": kind} if kind else {}
    asked = gateway.request("POST", URL, params=query, data=parts(data, data), headers=headers)
    async with asked as response:
        assert response.status == ROUTE.success_status
    assert gateway.services.files[RPC] == data + data
    request = gateway.services.last(RPC).request
    assert (request.name, request.psp_account, request.HasField("file")) == (
        "april.xml",
        "a",
        False,
    )


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("file=x", "/file"),
        ("nmae=x", "/nmae"),
        ("name=" + "x" * 300, "/name"),
        ("source=x", "/source"),
    ],
)
async def test_invalid_parameters_of_an_upload_are_named(gateway, query, pointer):
    async with gateway.request("POST", f"{URL}?{query}", data=b"x") as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == [pointer]


async def test_a_file_that_is_too_large_is_refused_by_its_length(gateway):
    length = str(ROUTE.rules.upload.max_bytes + 1)
    headers = {"Content-Length": length, "Connection": "close"}
    async with gateway.request("POST", URL, headers=headers) as response:
        await problem(response, 413, "body_too_large")
    assert RPC not in gateway.services.files


async def test_a_compressed_file_is_refused(gateway):
    headers = {"Content-Encoding": "gzip"}
    async with gateway.request("POST", URL, headers=headers, data=b"x") as response:
        await problem(response, 415, "content_encoding_unsupported")


async def test_a_refusal_of_an_upload_reaches_the_sender(gateway):
    """It stops reading, and the sender gets the reason."""
    gateway.services.answers[RPC] = RemoteRefusal(Kind.UNPROCESSABLE, "statement_refused", "No.")
    async with gateway.request("POST", URL, data=io.BytesIO(b"x" * 5_000_000)) as response:
        await problem(response, 422, "statement_refused")


async def test_a_truncated_upload_is_not_accepted(gateway):
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SECRET}\r\n"
        "Content-Length: 100\r\n\r\n"
    )
    writer.write(head.encode() + b"half of it")
    await writer.drain()
    writer.close()
    async with gateway.request("POST", URL, data=b"another") as response:
        assert response.status == ROUTE.success_status
    assert gateway.services.files[RPC] == b"another"
    assert gateway.services.calls(RPC) == 1


async def test_a_slow_upload_is_refused(new_gateway):
    async def slowly():
        yield b"x"
        await asyncio.Event().wait()

    async with new_gateway(body_seconds=0.2) as gateway:
        headers = {"Content-Length": "100"}
        async with gateway.request("POST", URL, data=slowly(), headers=headers) as response:
            await problem(response, 408, "body_slow")
