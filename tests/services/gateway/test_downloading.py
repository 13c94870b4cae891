"""Answers that are files: forwarded as they arrive; a truncated file never looks complete."""

import asyncio

import aiohttp
import pytest

from libs import servicer
from libs.downloads import CutOffError, Download, messages, received
from libs.errors import Kind, RemoteRefusal
from libs.web.files import disposition
from services.gateway.openapi import document
from tests.services.gateway import download_contract as contract
from tests.services.gateway.conftest import running_gateway
from tests.services.gateway.doubles import NARROW, PUBLISHABLE, SECRET
from tests.services.gateway.samples import ROUTES
from tests.services.gateway.test_transcoder import problem

URL = "/v1/books/boo_1/file"
MIB = b"0123456789abcdef" * 2**16


@pytest.fixture(scope="module")
async def _books():
    books = {"more": [(contract.NAME, contract.add)], "routes": (contract.ROUTE,)}
    async with running_gateway(**books, merchant_files_at_once=2) as gateway:
        yield gateway


@pytest.fixture
def books(_books):
    _books.services.answers.pop("DownloadBook", None)
    _books.services.seen.clear()
    return _books


async def parts(*data):
    for piece in data:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def book(*data, size=None):
    return lambda _: Download("Bücher; 2026.csv", "text/csv", parts(*data), size)


async def test_a_file_is_forwarded_unchanged(books):
    books.services.answers["DownloadBook"] = book(MIB, b"", MIB)
    async with books.request("GET", URL, params={"edition": "2"}) as response:
        assert await response.read() == MIB + MIB
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == disposition("Bücher; 2026.csv")
    assert response.headers["Cache-Control"] == "no-store"
    assert {"Incasso-Trace-Id", "RateLimit", "X-Content-Type-Options"} <= set(response.headers)
    assert "Content-Length" not in response.headers
    request = books.services.last("DownloadBook").request
    assert (request.book_id, request.edition) == ("boo_1", "2")


async def test_a_known_file_size_becomes_the_content_length(books):
    books.services.answers["DownloadBook"] = book(b"123", size=3)
    async with books.request("GET", URL) as response:
        assert response.headers["Content-Length"] == "3"
        assert await response.read() == b"123"


def test_a_file_name_is_sent_in_ascii_and_in_utf_8():
    assert disposition('a"b\r\n€.csv') == (
        "attachment; filename=\"a_b___.csv\"; filename*=UTF-8''a%22b%0D%0A%E2%82%AC.csv"
    )


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "api_key_missing"),
        (NARROW, 403, "scope_missing"),
        (PUBLISHABLE, 403, "publishable_key_not_allowed"),
    ],
)
async def test_only_keys_with_the_scope_get_a_file(books, key, status, code):
    async with books.request("GET", URL, key=key) as response:
        await problem(response, status, code)
    assert books.services.calls("DownloadBook") == 0


async def test_a_refusal_by_the_service_is_a_problem(books):
    books.services.answers["DownloadBook"] = RemoteRefusal(Kind.NOT_FOUND, "book_not_found", "No.")
    async with books.request("GET", URL) as response:
        await problem(response, 404, "book_not_found")


async def test_an_unknown_parameter_is_refused_by_name(books):
    async with books.request("GET", URL, params={"editoin": "2"}) as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == ["/editoin"]


async def test_an_error_before_the_first_piece_is_a_problem(books):
    books.services.answers["DownloadBook"] = book(RuntimeError("disk"))
    async with books.request("GET", URL) as response:
        await problem(response, 500, "internal_error")


@pytest.mark.parametrize("size", [None, 3 * len(MIB)])
async def test_a_truncated_file_does_not_look_complete(books, size):
    books.services.answers["DownloadBook"] = book(MIB, MIB, RuntimeError("disk"), size=size)
    with pytest.raises(aiohttp.ClientError):
        async with books.request("GET", URL) as response:
            await response.read()


async def test_a_truncated_file_does_not_look_complete_over_http_1_0(books):
    """In HTTP/1.0, an answer without a length ends when its connection closes."""
    books.services.answers["DownloadBook"] = book(MIB, RuntimeError("disk"))
    host, _, port = books.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {URL} HTTP/1.0\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_file_from_a_stopped_service_does_not_look_complete():
    more = [(contract.NAME, contract.add)]
    async with running_gateway(more=more, routes=(contract.ROUTE,), alone="cod") as gateway:
        sent = asyncio.Event()

        async def endless():
            yield MIB
            sent.set()
            await asyncio.Event().wait()

        gateway.services.answers["DownloadBook"] = lambda _: Download("a", "text/csv", endless())
        async with gateway.request("GET", URL) as response:
            await sent.wait()
            await gateway.servers["payments"].stop(0)
            with pytest.raises(aiohttp.ClientError):
                await response.read()


async def test_concurrent_downloads_of_a_merchant_are_limited(books):
    gone = asyncio.Event()

    async def waiting():
        yield b"x"
        await gone.wait()

    books.services.answers["DownloadBook"] = lambda _: Download("a", "text/csv", waiting())
    async with books.request("GET", URL), books.request("GET", URL):
        async with books.request("GET", URL) as third:
            await problem(third, 429, "too_many_at_once")
        gone.set()


async def test_the_service_sends_no_faster_than_the_caller_reads(books):
    made = 0

    async def endless():
        nonlocal made
        while True:
            made += 1
            yield MIB

    books.services.answers["DownloadBook"] = lambda _: Download("a", "text/csv", endless())
    async with books.request("GET", URL) as response:
        await response.content.readexactly(10)
        before = 0
        while made != before:  # until all buffers in between are full
            before = made
            await asyncio.sleep(0.2)
        assert made < 64
        response.close()


def test_the_openapi_document_lists_the_media_types_of_a_download():
    found = document.build((*ROUTES, contract.ROUTE), public_url="http://127.0.0.1")
    answer = found["paths"][contract.ROUTE.path]["get"]["responses"]["200"]
    assert set(answer["content"]) == {"text/csv", "application/pdf"}
    assert "Content-Disposition" in answer["headers"]


async def test_a_media_type_that_the_contract_does_not_list_raises():
    sent = messages(Download("a", "text/html", parts(b"x")), contract.RULES, contract.ANSWER)
    with pytest.raises(ValueError, match="text/html"):
        await anext(sent)


async def test_a_stream_without_its_last_message_is_cut_off():
    class Stream:
        def __init__(self, found):
            self._found = iter(found)

        async def read(self):
            return next(self._found, "EOF")

        def cancel(self):
            pass

    sent = messages(Download("a", "text/csv", parts(b"x")), contract.RULES, contract.ANSWER)
    whole = [message async for message in sent]
    file = await received(Stream(whole), contract.RULES)
    assert [piece async for piece in file.pieces] == [b"x"]
    file = await received(Stream(whole[:-1]), contract.RULES)
    with pytest.raises(CutOffError):
        [piece async for piece in file.pieces]


async def test_a_flow_can_return_a_download():
    async def download_book(deps, book_id: str, edition: str) -> Download:
        return Download(f"{book_id}-{edition}", "text/csv", parts(b"x"))

    books = servicer.of(contract.NAME, DownloadBook=download_book)(None)
    asked = contract.REQUEST(book_id="boo_1", edition="2")
    assert (await books.DownloadBook(asked, None)).name == "boo_1-2"
