"""Merchant B's key finds nothing of merchant A's, on every route that the protos define."""

import asyncio
import json
from collections import deque

import pytest

from services.gateway.routes import all_routes
from tests.e2e import examples
from tests.e2e.conftest import open_shop
from tests.kit.grouped_cases import grouped
from tests.services.reporting.files import simple

ROUTES = {f"{route.method} {route.path}": route for route in all_routes()}


@pytest.fixture(scope="module")
async def owned(stack):
    """Ids of merchant A's objects, by the path field that takes them.

    A is new, so there is exactly one of each object that an example refers to.
    """
    async with open_shop(stack, "Owner") as (shop, _):
        made = {**await of_clicks(shop), **await of_links(shop), **await of_webhooks(shop)}
        made |= {**await of_cod(shop), **await of_imports(shop)}
        made = await by_example(shop, known=made)
        lines = f"/v1/remittances/{made['remittance_id']}/lines"
        made["account"] = "psp_receivable"
        yield {**made, "remittance_line_id": await first_id(shop, lines)}


async def of_clicks(shop):
    """A customer with a card and an address, a payment and a session; the merchant's first key."""
    customer = await shop.customer("tok_visa")
    customer_path = f"/v1/customers/{customer}"
    address = {
        "name": "Giulia Bianchi",
        "line1": "Via Garibaldi 12",
        "city": "Torino",
        "postcode": "10122",
        "country": "IT",
    }
    order = {"amount_minor": 1000, "currency": "EUR"}
    session = {"customer_id": customer, "amount": order, "order_reference": "A-1"}
    payment = (await shop.one_click(customer, 1000)).expect(201)
    added = await shop.call("POST", f"{customer_path}/addresses", address)
    opened = await shop.call("POST", "/v1/one-click-sessions", session)
    return {
        "customer_id": customer,
        "instrument_id": (await shop.get(f"{customer_path}/instruments"))["data"][0]["id"],
        "address_id": added.expect(201)["id"],
        "payment_id": payment["id"],
        "session_id": opened.expect(201)["id"],
        "api_key_id": (await shop.get("/v1/api-keys"))["data"][0]["id"],
    }


async def by_example(shop, known):
    """The other ids for `/v1/things/{thing_id}`: created by POST /v1/things with its example.

    Where the example lacks the id of another object, that object is created first.
    """
    found, waiting = dict(known), deque()
    for route in ROUTES.values():
        collection, _, last = route.path.rpartition("/")
        make = ROUTES.get(f"POST {collection}")
        if route.path_fields == (last[1:-1],) and last[1:-1] not in known and make:
            waiting.append((last[1:-1], make))
    to_come = {name for name, _ in waiting}
    while waiting:
        name, make = waiting.popleft()
        body = examples.body_of(make)
        named = {key for key, value in body.items() if value == examples.NONE and key != name}
        if named & to_come:
            waiting.append((name, make))
        elif name in to_come:
            body |= {key: found[key] for key in named if key in found}
            answer = await shop.call("POST", make.path, body)
            found[name] = answer.expect(make.success_status)["id"]
            to_come.remove(name)
    return found


async def of_links(shop):
    """A link mailed to an address that refuses it, and a transfer that names no link."""
    refused = {"email": f"refused+{shop.run_id}@example.com"}
    link = (await shop.link(1000, recipient=refused, channels=["email"])).expect(201)
    await shop.link(1000, recipient=refused, channels=["email"])
    price = {"amount_minor": 1000, "currency": "EUR"}
    transfer = {
        "bank_reference": f"bank-{shop.run_id}",
        "amount": price,
        "booked_on": "2026-11-20",
    }
    recorded = await shop.call("POST", "/v1/bank-transfers", transfer)
    return {
        "payment_link_id": link["id"],
        "bank_transfer_id": recorded.expect(201)["id"],
        "message_id": await first_id(shop, f"/v1/messages?payment_link_id={link['id']}"),
        "suppression_id": await first_id(shop, "/v1/suppressions"),
    }


async def of_cod(shop):
    """A courier, an order that it has collected, and that order's refund, ready for the bank."""
    made = {}
    for name, collection in (("courier_id", "/v1/couriers"), ("cod_order_id", "/v1/cod-orders")):
        body = examples.body_of(ROUTES[f"POST {collection}"])
        made[name] = (await shop.call("POST", collection, body)).expect(201)["id"]

    async def post(path):
        route = ROUTES[f"POST {path}"]
        answer = await shop.call("POST", path.format(**made), examples.body_of(route))
        return answer.expect(route.success_status)

    await post("/v1/couriers/{courier_id}/acknowledgements")
    await post("/v1/cod-orders/{cod_order_id}/dispatch")
    (event,) = (await post("/v1/couriers/{courier_id}/events"))["data"]
    refund = await post("/v1/cod-orders/{cod_order_id}/refunds")
    account = ROUTES["PUT /v1/cod-refunds/{cod_refund_id}/account"]
    path = account.path.format(cod_refund_id=refund["id"])
    (await shop.call("PUT", path, examples.body_of(account))).expect(200)
    debtor = {**examples.body_of(account), "address": {"town": "Milano", "country": "IT"}}
    (await shop.call("PATCH", "/v1/cod-settings", {"refund_account": debtor})).expect(200)
    return {**made, "courier_event_id": event["id"], "cod_refund_id": refund["id"]}


async def of_imports(shop):
    """An import with a credit that is an exception."""
    imported = await shop.upload("/v1/reconciliation/imports", simple(100))
    (await shop.call("POST", "/v1/reconciliation/runs", {})).expect(200)
    return {
        "import_id": imported.expect(200)["id"],
        "exception_id": await first_id(shop, "/v1/reconciliation/exceptions"),
    }


async def of_webhooks(shop):
    """An endpoint without a listener, and a delivery to it."""
    endpoint = await shop.call("POST", "/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/"})
    endpoint_id = endpoint.expect(201)["id"]
    delivery = await shop.call("POST", f"/v1/webhook-endpoints/{endpoint_id}/test", {})
    return {
        "webhook_endpoint_id": endpoint_id,
        "webhook_delivery_id": delivery.expect(201)["id"],
        "event_id": await first_id(shop, "/v1/events"),
    }


async def first_id(shop, path):
    """The first id of a list that events fill a moment later."""
    for _ in range(600):
        if found := (await shop.get(path))["data"]:
            return found[0]["id"]
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} stays empty")


@pytest.fixture(scope="module")
async def stranger(stack):
    async with open_shop(stack, "Stranger") as (shop, _):
        yield shop


def service_of(name):
    return ROUTES[name].rpc.containing_service.name


def path_of(route, ids):
    named = ids | examples.places_of(route)
    missing = set(route.path_fields) - set(named)
    assert not missing, f"{route.path}: create an object of merchant A for {missing}"
    return route.path.format(**named) + examples.query_of(route)


def names_an_object(route):
    """A number in a path, such as a year, belongs to no merchant."""
    return bool(set(route.path_fields) - set(examples.places_of(route)))


# Reporting knows a payment only by its matches, and another merchant's payment has none.
EMPTY = {"GET /v1/reconciliation/payments/{payment_id}/trail": {"steps": []}}


@grouped("name", [n for n, route in ROUTES.items() if names_an_object(route)], by=service_of)
async def test_another_merchants_object_is_not_found(owned, stranger, name):
    route = ROUTES[name]
    answer = await stranger.call(route.method, path_of(route, owned), examples.body_of(route))
    if name in EMPTY:
        assert (answer.status, answer.body) == (200, EMPTY[name])
        return
    assert answer.status == 404, answer.body
    assert answer.body["code"].endswith("_not_found")


@pytest.mark.parametrize("name", [n for n, route in ROUTES.items() if len(route.path_fields) > 1])
async def test_another_merchants_object_is_not_found_under_ones_own_customer(owned, stranger, name):
    route = ROUTES[name]
    own = {**owned, "customer_id": await stranger.customer("tok_visa")}
    answer = await stranger.call(route.method, path_of(route, own), examples.body_of(route))
    assert answer.status == 404, answer.body


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, route in ROUTES.items()
        if route.body == "*" and "customer_id" in set(examples.body_of(route)) - {None}
    ],
)
async def test_another_merchants_customer_in_a_body_is_not_found(owned, stranger, name):
    route = ROUTES[name]
    body = examples.body_of(route)
    body.update({key: value for key, value in owned.items() if key in body})
    answer = await stranger.call(route.method, path_of(route, owned), body)
    assert answer.status == 404, answer.body


@pytest.mark.parametrize(
    "name",
    [n for n, route in ROUTES.items() if route.method == "GET" and not names_an_object(route)],
)
async def test_a_list_contains_no_objects_of_another_merchant(owned, stranger, name):
    route = ROUTES[name]
    answer = await stranger.call("GET", path_of(route, {}))
    nothing_there = answer.body.get("code") == "shop_not_found"
    assert answer.status == 200 or nothing_there, answer.body
    text = json.dumps(answer.body)
    assert not [value for value in owned.values() if value in text]


@pytest.mark.parametrize("filter_name", ["customer_id", "order_reference"])
async def test_a_filter_matches_no_payments_of_another_merchant(owned, stranger, filter_name):
    value = owned.get(filter_name, "A-1")
    answer = await stranger.get(f"/v1/payments?{filter_name}={value}")
    assert answer["data"] == []
