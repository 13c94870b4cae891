"""Bodies that are not what their headers say, on every kind of route."""

import asyncio
import contextlib
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.web import bodies
from libs.web.errors import BodyTooLarge, BodyUnreadable
from tests.services.gateway.pay_samples import PATH as LINK
from tests.services.gateway.test_transcoder import BODY, KEY, PAY, problem

PLAIN = json.dumps(BODY).encode()
WEBHOOK = "/webhooks/psp/psa_1"
RAW = [WEBHOOK, "/webhooks/sms/twilio", "/webhooks/bounces"]
JSON = {**KEY, "Content-Type": "application/json"}
PACKED = [
    ("gzip", gzip.compress(PLAIN)),
    ("x-gzip", gzip.compress(PLAIN)),
    ("GZIP", gzip.compress(PLAIN)),
    ("deflate", zlib.compress(PLAIN)),
    ("identity", PLAIN),
]
WRONG = [
    ("gzip", PLAIN),
    ("gzip", gzip.compress(PLAIN)[:-9]),
    ("gzip", gzip.compress(PLAIN) + b"more"),
    ("gzip", zlib.compress(PLAIN)),
    ("deflate", PLAIN),
    ("deflate", zlib.compress(PLAIN)[:-2]),
]


async def call(gateway, body, coding):
    headers = {**JSON, "Content-Encoding": coding}
    return await gateway.request("POST", PAY, data=body, headers=headers)


@pytest.mark.parametrize(("coding", "body"), PACKED)
async def test_a_compressed_body_is_accepted(gateway, coding, body):
    async with await call(gateway, body, coding) as response:
        assert response.status == 201, await response.text()
    assert gateway.services.last("CreateOneClickPayment").request.order_reference == "A-1001"


@pytest.mark.parametrize(("coding", "body"), WRONG)
async def test_a_body_that_does_not_match_its_encoding_is_refused(gateway, coding, body):
    async with await call(gateway, body, coding) as response:
        await problem(response, 400, "body_unreadable")
        assert "Server" not in response.headers
    assert gateway.services.calls("CreateOneClickPayment") == 0


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "\xe9"])
async def test_an_unknown_encoding_is_refused_naming_the_supported_ones(gateway, coding):
    async with await call(gateway, PLAIN, coding) as response:
        found = await problem(response, 415, "content_encoding_unsupported")
        assert response.headers["Accept-Encoding"] == "gzip, deflate"
        assert "gzip or deflate" in found["detail"]


@pytest.mark.parametrize("path", RAW)
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_compressed_webhooks_are_refused(gateway, path, coding):
    headers = {"Content-Encoding": coding, "Content-Type": "message/rfc822"}
    async with gateway.request("POST", path, data=PLAIN, headers=headers, key=None) as response:
        await problem(response, 415, "content_encoding_unsupported")
        assert response.headers["Accept-Encoding"] == "identity"


async def test_a_webhook_without_compression_arrives_byte_for_byte(gateway):
    sent = gzip.compress(b"whatever it is") + b"\x00\xff"
    headers = {"Content-Encoding": "identity"}
    async with gateway.request("POST", WEBHOOK, data=sent, headers=headers, key=None) as response:
        assert response.status == 200
    assert gateway.services.last("HandlePspWebhook").request.body == sent


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("path", [f"{LINK}/pay", "/shop/bottega/buy"])
async def test_a_shopper_whose_form_cannot_be_read_gets_a_page(pay_pages, path, coding):
    headers = {"Content-Encoding": coding, "Content-Type": "application/x-www-form-urlencoded"}
    sent = pay_pages.request("POST", path, data=b"a=b", headers=headers, key=None)
    async with sent as response:
        assert response.status == 415
        assert response.content_type == "text/html"
        assert "could not read" in await response.text()
        assert "Server" not in response.headers


async def test_a_decompression_bomb_is_refused(gateway):
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 60_000
    async with await call(gateway, bomb, "gzip") as response:
        await problem(response, 413, "body_too_large")


@given(st.binary(max_size=300), st.integers(0, 200))
def test_what_was_packed_is_unpacked_within_the_size_or_refused(body, most):
    for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        if len(body) <= most:
            assert bodies.unpack(packed, coding, most) == body
            continue
        with pytest.raises(BodyTooLarge):
            bodies.unpack(packed, coding, most)


@given(st.binary(max_size=100))
def test_any_bytes_are_unpacked_or_refused(body):
    for coding in ("gzip", "deflate"):
        with contextlib.suppress(BodyUnreadable):
            bodies.unpack(body, coding, 1000)


async def test_a_slow_body_is_refused(new_gateway):
    released = asyncio.Event()

    async def drip():
        yield b"{"
        await released.wait()

    async with new_gateway(body_seconds=0.05) as gateway:
        async with gateway.request("POST", PAY, data=drip(), headers=JSON) as response:
            await problem(response, 408, "body_slow")
        released.set()
