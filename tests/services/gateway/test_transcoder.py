import asyncio
import io
import json

import pytest

from incasso.common.v1 import money_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from services.gateway.rules import body_size
from tests.services.gateway.samples import ROUTES, every_route, in_path, sample
from tests.waiting import HANGING_SECONDS, until

PAY = "/v1/one-click-payments"
BODY = {
    "customer_id": "cus_1",
    "amount": {"amount_minor": 5990, "currency": "EUR"},
    "order_reference": "A-1001",
    "capture": "delayed",
    "metadata": {"cart": "c.77"},
}
KEY = {"Idempotency-Key": "k-1"}


async def problem(response, status, code):
    found = await response.json(content_type="application/problem+json")
    assert (response.status, found["code"]) == (status, code), found
    assert found["status"] == status
    assert found["type"] == f"urn:incasso:problem:{code}"
    assert found["trace_id"] == response.headers["Incasso-Trace-Id"]
    assert len(found["trace_id"]) == 32
    return found


def pointers(found):
    return [error["pointer"] for error in found["errors"]]


@every_route
async def test_every_route_reaches_its_service(gateway, route):
    one = sample(route)
    async with gateway.request(route.method, one.path, **one.arguments()) as response:
        assert response.status == route.success_status, await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert (
            await response.read() == b"a file"
            if route.downloads
            else await response.json() is not None
        )
    if route.rpc.name != "GetCheckoutOptions":
        seen = gateway.services.last(route.rpc.name)
        assert seen.call.merchant_id == "mer_1"
        assert seen.call.actor == "key_all000"
        assert seen.call.clock_offset_seconds == 7
        for name, value in in_path(route).items():
            assert getattr(seen.request, name) == value


async def test_a_payment_is_transcoded_from_and_to_json(gateway):
    payment = payments_pb2.Payment(
        id="pay_1",
        state=payments_pb2.Payment.STATE_DECLINED,
        amount=money_pb2.Money(amount_minor=5990, currency="EUR"),
        decline=payments_pb2.Decline(
            code=payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS, message="no"
        ),
    )
    payment.created_at.FromJsonString("2026-11-21T10:00:00.250Z")
    gateway.services.answers["CreateOneClickPayment"] = oneclick_pb2.CreateOneClickPaymentResponse(
        payment=payment
    )
    async with gateway.request("POST", PAY, json=BODY, headers=KEY) as response:
        found = await response.json()
    assert response.status == 201
    assert found["state"] == "declined"
    assert found["decline"] == {"code": "insufficient_funds", "message": "no"}
    assert found["amount"] == {"amount_minor": 5990, "currency": "EUR"}
    assert found["created_at"] == "2026-11-21T10:00:00.250Z"
    assert found["refunded_minor"] == 0
    assert found["refunds"] == []
    assert "customer_id" not in found
    seen = gateway.services.last("CreateOneClickPayment")
    assert seen.request.capture == payments_pb2.CAPTURE_MODE_DELAYED
    assert dict(seen.request.metadata) == {"cart": "c.77"}
    assert seen.call.idempotency_key == "k-1"


@pytest.mark.parametrize(
    ("header", "key"), [("k-1", "k-1"), ('"k-1"', "k-1"), (r'"a\"b\\c"', r"a\"b\\c")]
)
async def test_the_idempotency_key_is_bare_or_quoted(gateway, header, key):
    async with gateway.request(
        "POST", PAY, json=BODY, headers={"Idempotency-Key": header}
    ) as response:
        assert response.status == 201
    expected = key.replace('\\"', '"').replace("\\\\", "\\")
    assert gateway.services.last("CreateOneClickPayment").call.idempotency_key == expected


async def test_the_idempotency_key_is_required_where_money_moves(gateway):
    required = [route for route in ROUTES if route.rules.idempotency_key_required]
    assert required
    for route in required:
        one = sample(route)
        async with gateway.request(route.method, one.path, json=one.body) as response:
            await problem(response, 400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "naïve"])
async def test_an_invalid_idempotency_key_is_refused(gateway, key):
    async with gateway.request("POST", PAY, json=BODY, headers={"Idempotency-Key": key}) as answer:
        await problem(answer, 400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "json_malformed"),
        (b'{"a": NaN}', "json_malformed"),
        (b'{"a": 1, "a": 2}', "json_malformed"),
        (b"[" * 60_000, "json_malformed"),
        (b'{"a": ' + b"9" * 5000 + b"}", "json_malformed"),
        (b'{"a": "\xff"}', "encoding_invalid"),
        ("{}".encode("utf-16"), "encoding_invalid"),
        (b"null", "invalid_argument"),
        (b"[]", "invalid_argument"),
        (b"5990", "invalid_argument"),
    ],
    ids=lambda value: repr(value[:12]),
)
async def test_a_body_that_is_not_a_json_object_is_refused(gateway, data, code):
    headers = {**KEY, "Content-Type": "application/json"}
    async with gateway.request("POST", PAY, data=data, headers=headers) as response:
        await problem(response, 400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=latin-1", "x"])
async def test_another_media_type_is_refused(gateway, kind):
    headers = {**KEY, "Content-Type": kind}
    async with gateway.request("POST", PAY, data=b"{}", headers=headers) as response:
        await problem(response, 415, "media_type_unsupported")


async def test_a_large_body_is_refused_by_length_and_by_chunks(gateway):
    headers = {**KEY, "Content-Type": "application/json"}
    large = json.dumps({**BODY, "description": "x" * body_size.MOST_BYTES}).encode()
    async with gateway.request("POST", PAY, data=io.BytesIO(large), headers=headers) as response:
        await problem(response, 413, "body_too_large")

    async def chunks(size):
        for _ in range(size // 1024):
            yield b" " * 1024

    for size in (body_size.MOST_BYTES + 1024, 2 * body_size.MOST_BYTES):
        async with gateway.request("POST", PAY, data=chunks(size), headers=headers) as response:
            await problem(response, 413, "body_too_large")


async def test_a_file_field_may_exceed_the_size_limit_of_other_fields(gateway):
    headers = {"Content-Type": "application/json"}
    file = "U3Bl" * (body_size.MOST_BYTES // 2)
    fields = {"courier_id": "cou_1", "file": file}

    def upload(**more):
        data = io.BytesIO(json.dumps({**fields, **more}).encode())
        return gateway.request("POST", "/v1/remittances", data=data, headers=headers)

    async with upload() as response:
        assert response.status == 201, await response.text()
    assert gateway.services.last("UploadRemittance").request.file == file
    async with upload(name="x" * 12 * body_size.MOST_BYTES) as response:
        await problem(response, 413, "body_too_large")


async def test_a_path_field_in_the_body_is_refused(gateway):
    body = {"customer_id": "cus_2", "name": "G"}
    async with gateway.request("PATCH", "/v1/customers/cus_1", json=body) as response:
        found = await problem(response, 400, "invalid_argument")
    assert pointers(found) == ["/customer_id"]


async def test_unknown_parameters_are_refused_by_name(gateway):
    for method, path in [("GET", "/v1/payments"), ("POST", "/v1/customers")]:
        body = {} if method == "POST" else None
        async with gateway.request(method, f"{path}?page=2", json=body) as response:
            found = await problem(response, 400, "invalid_argument")
        assert pointers(found) == ["/page"]


async def test_query_parameters_are_parsed_by_their_types(gateway):
    query = "limit=5&state=partially_refunded&created_from=2026-11-21T11:00:00%2B01:00"
    async with gateway.request("GET", f"/v1/payments?{query}") as response:
        assert response.status == 200
    request = gateway.services.last("ListPayments").request
    assert request.limit == 5
    assert request.state == payments_pb2.Payment.STATE_PARTIALLY_REFUNDED
    assert request.created_from.ToJsonString() == "2026-11-21T10:00:00Z"


@pytest.mark.parametrize(
    "query", ["limit=five", "limit=1&limit=2", "limit=1.0", "state=CAPTURED", "created_from=today"]
)
async def test_invalid_query_parameters_are_named(gateway, query):
    async with gateway.request("GET", f"/v1/payments?{query}") as response:
        found = await problem(response, 400, "invalid_argument")
    assert pointers(found) == ["/" + query.partition("=")[0]]


async def test_a_refusal_by_the_service_is_passed_on(gateway):
    for kind in Kind:
        gateway.services.answers["GetPayment"] = RemoteRefusal(kind, "some_reason", "Some text.")
        async with gateway.request("GET", "/v1/payments/pay_1") as response:
            found = await problem(response, kind.http_status, "some_reason")
            assert found["detail"] == "Some text."
            assert found["title"] == "Some reason"
            assert ("Retry-After" in response.headers) == (kind.http_status in (429, 503))


async def test_field_violations_of_the_service_become_json_pointers(gateway):
    body = {**BODY, "amount": {"amount_minor": 0, "currency": "XXXX"}}
    async with gateway.request("POST", PAY, json=body, headers=KEY) as response:
        found = await problem(response, 400, "invalid_argument")
    assert pointers(found) == ["/amount/amount_minor", "/amount/currency"]


async def test_pointers_of_a_body_that_is_a_field_start_at_the_body(gateway):
    body = {"rules": [{"targets": []}]}
    async with gateway.request("PUT", "/v1/routing", json=body) as response:
        found = await problem(response, 400, "invalid_argument")
    assert pointers(found) == ["/rules/0/targets"]


async def test_a_crashing_service_is_an_internal_error_without_details(gateway):
    gateway.services.answers["GetPayment"] = ValueError("secret detail")
    async with gateway.request("GET", "/v1/payments/pay_1") as response:
        found = await problem(response, 500, "internal_error")
    assert "secret" not in json.dumps(found)


async def test_a_dead_service_means_unknown_for_a_charge_and_unavailable_for_a_read(new_gateway):
    async with new_gateway(alone="oneclick") as gateway:
        async with gateway.request("GET", "/v1/merchant") as response:
            assert response.status == 200
        await gateway.servers["oneclick"].stop(0)
        async with gateway.request("POST", PAY, json=BODY, headers=KEY) as response:
            await problem(response, 503, "outcome_unknown")
            assert response.headers["Retry-After"] == "1"
        async with gateway.request("GET", "/v1/customers/cus_1") as response:
            await problem(response, 503, "service_unavailable")


async def test_a_charge_completes_even_if_the_shopper_leaves(gateway):
    started, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def charge(_):
        started.set()
        await may_end.wait()
        ended.set()
        return oneclick_pb2.CreateOneClickPaymentResponse()

    gateway.services.answers["CreateOneClickPayment"] = charge

    async def click():
        async with gateway.request("POST", PAY, json=BODY, headers=KEY):
            pass

    clicking = asyncio.create_task(click())
    await started.wait()
    connections = gateway.runner.server.open  # may include idle ones
    clicking.cancel()
    await asyncio.gather(clicking, return_exceptions=True)
    await until(lambda: gateway.runner.server.open < connections)  # it has noticed the cancellation
    may_end.set()
    await asyncio.wait_for(ended.wait(), HANGING_SECONDS)
    assert await gateway.tasks.wait(5) == 0


async def test_the_storefronts_trace_is_continued(gateway):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with gateway.request("GET", "/v1/merchant", headers={"traceparent": parent}) as response:
        assert response.headers["Incasso-Trace-Id"] == parent.split("-")[1]
    async with gateway.request("GET", "/v1/merchant", headers={"traceparent": "x"}) as response:
        assert len(response.headers["Incasso-Trace-Id"]) == 32


async def test_unknown_paths_and_methods_are_problems(gateway):
    async with gateway.request("GET", "/v1/nothing") as response:
        await problem(response, 404, "route_not_found")
    async with gateway.request("PUT", "/v1/customers") as response:
        await problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("text", ["%ff", "%00", "%2f", "..%2f..", "x" * 300, "%ed%a0%80", "a%0ab"])
async def test_odd_path_values_cause_no_server_error(gateway, text):
    async with gateway.request("GET", f"/v1/payments/{text}") as response:
        assert response.status in (200, 400, 404)
