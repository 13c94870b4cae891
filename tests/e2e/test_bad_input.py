"""Each field of each route wrong in turn: a 4xx problem that names the field, never a 500."""

import io
import secrets

import pytest
from google.protobuf.descriptor import FieldDescriptor

from libs import validation
from services.gateway.routes import all_routes
from services.gateway.rules import body_size
from tests.e2e import examples
from tests.kit.grouped_cases import grouped

ROUTES = {f"{route.method} {route.path}": route for route in all_routes()}
WITH_BODY = [name for name, route in ROUTES.items() if route.body]
CLIENT_ERRORS = range(400, 500)
TOO_MANY = 429

NO_JSON = [
    b"{",
    b"[]",
    b'"text"',
    b"\xff\xfe{}",
    b'{"a": NaN}',
    b'{"a": ' + b"[" * 30_000,
    b"{" + b",".join(b'"%d":0' % number for number in range(6_000)) + b',"1":0}',
]

OF_ANY_KIND = ([{"a": 1}], 1.5)
BY_KIND = {
    FieldDescriptor.CPPTYPE_STRING: (5, True, {}, "x" * 50_000, "a\x00b"),
    FieldDescriptor.CPPTYPE_INT32: ("1", True, 10**12, -(10**12), {}),
    FieldDescriptor.CPPTYPE_INT64: ("1", True, 10**30, -(10**30), {}),
    FieldDescriptor.CPPTYPE_ENUM: ("no such word", 99, {}),
    FieldDescriptor.CPPTYPE_BOOL: ("true", 1, {}),
    FieldDescriptor.CPPTYPE_MESSAGE: ("text", 7),
}


def service_of(name):
    return ROUTES[name].rpc.containing_service.name


def path_of(route):
    unknown = {name: f"{name[:3]}_unknown" for name in route.path_fields}
    return route.path.format(**unknown | examples.places_of(route))


def replaced(body, path, value):
    """A copy of `body` with `value` at `path`."""
    if len(path) == 1:
        return {**body, path[0]: value}
    return {**body, path[0]: replaced(body.get(path[0], {}), path[1:], value)}


async def send(shop, route, **more):
    headers = {
        "Authorization": f"Bearer {shop.secret_key}",
        "Idempotency-Key": "bad-input",
        "Content-Type": "application/json",
        "traceparent": shop.traceparent(secrets.token_hex(16)),
    }
    headers.update(more.pop("headers", {}))
    data = more.pop("data", None)
    while True:  # the merchant's plan limits this many requests at once, so some must wait
        body = {"data": data() if callable(data) else data} if data is not None else {}
        async with shop.http.request(
            route.method, shop.url + path_of(route), headers=headers, **body, **more
        ) as answer:
            assert answer.status in CLIENT_ERRORS, await answer.text()
            assert answer.content_type == "application/problem+json"
            problem = await answer.json(content_type=None)
        if answer.status != TOO_MANY:
            break
    assert problem["status"] == answer.status
    assert len(problem["trace_id"]) == 32
    return problem


@pytest.mark.parametrize("name", WITH_BODY)
async def test_every_invalid_field_is_named(shop, name):
    route = ROUTES[name]
    body = examples.body_of(route)
    descriptor = route.rpc.input_type
    prefix = ()
    if route.body != "*":
        descriptor = descriptor.fields_by_name[route.body].message_type
    for path, field in examples.fields_of(descriptor, route.path_fields, prefix):
        for wrong in (*BY_KIND[field.cpp_type], *OF_ANY_KIND):
            if field.is_repeated and isinstance(wrong, list):
                continue
            problem = await send(shop, route, json=replaced(body, path, wrong))
            # Text that is not a picture is refused with the field's own error code.
            of_code = {"pointer": "/" + problem["code"].removesuffix("_refused")}
            pointers = [error["pointer"] for error in problem.get("errors", [of_code])]
            wanted = "/" + "/".join(path)
            assert any(pointer.startswith(wanted) for pointer in pointers), (wrong, problem)


@grouped("name", WITH_BODY, by=service_of)
async def test_an_unknown_field_is_refused_by_name(shop, name):
    route = ROUTES[name]
    problem = await send(shop, route, json={**examples.body_of(route), "emial": "x"})
    assert [error["pointer"] for error in problem["errors"]] == ["/emial"]


@grouped(
    "name, data",
    [(name, data) for name in WITH_BODY for data in NO_JSON],
    by=lambda name, _: service_of(name),
    ids=lambda name, data: f"{name} with {data[:20]!r}",
)
async def test_a_body_that_is_not_json_is_refused(shop, name, data):
    problem = await send(shop, ROUTES[name], data=data)
    assert problem["status"] == 400


@grouped("name", WITH_BODY, by=service_of)
async def test_an_oversized_body_is_refused(shop, name):
    route = ROUTES[name]
    most = body_size.MOST_BYTES + 2 * validation.most_file_bytes(route.rpc.input_type)
    problem = await send(shop, route, data=lambda: io.BytesIO(b'{"a": "' + b"x" * most + b'"}'))
    assert problem["status"] == 413


@grouped("name", WITH_BODY, by=service_of)
async def test_another_media_type_is_refused(shop, name):
    problem = await send(shop, ROUTES[name], data=b"a=1", headers={"Content-Type": "text/plain"})
    assert problem["status"] == 415


@grouped("name", [n for n, route in ROUTES.items() if not route.body], by=service_of)
async def test_an_unknown_parameter_is_refused_by_name(shop, name):
    route = ROUTES[name]
    problem = await send(shop, route, params={"emial": "x"})
    assert "emial" in str(problem["errors"])


@pytest.mark.parametrize("limit", ["0", "101", "x", "1.5", ""])
async def test_a_page_size_out_of_range_is_refused(shop, limit):
    answer = await shop.call("GET", f"/v1/payments?limit={limit}")
    assert answer.status == 400
    assert answer.body["errors"][0]["pointer"] == "/limit"
