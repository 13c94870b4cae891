"""What a browser may send and what it sees, over every call that publishable keys may make."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from multidict import CIMultiDict

from incasso.oneclick.v1 import oneclick_pb2
from libs import json_values, validation
from libs.upstreams import message_class
from services.gateway.openapi import examples
from services.gateway.rules import json_in
from tests.services.gateway.doubles import PUBLISHABLE, SECRET
from tests.services.gateway.samples import ROUTES, name_of, sample

OPEN = [route for route in ROUTES if route.rules.publishable]
ADDRESSED = [route for route in ROUTES if route.address_fields]
PROVEN = [route for route in ROUTES if route.header_fields]
PROOF = {"client_secret": "s3cret"}
ITEM = ("fixed", "id", "name", "quantity", "unit_amount_minor")
PAYMENT = (
    "amount.amount_minor",
    "amount.currency",
    "capturable_minor",
    "capture",
    "capture_at",
    "decline.code",
    "decline.message",
    "id",
    "next_action.type",
    "next_action.url",
    "state",
)
SESSION = {
    "amount.amount_minor",
    "amount.currency",
    "card.brand",
    "card.last4",
    "expires_at",
    "id",
    "locale",
    "state",
    *(f"items.{name}" for name in ITEM),
    *(f"payment.{name}" for name in PAYMENT),
}
PART = ("amount_minor", "due_on", "fee_minor", "interest_minor", "number", "principal_minor")
OFFER = {
    *("terms_id", "name", "available", "reason", "label", "payments", "cost_minor", "taeg"),
    *("interest_basis_points", "legal_class", "legal_sentence", "warning"),
    *("representative_example", "threshold.amount_minor", "threshold.currency", "partner"),
    *("total.amount_minor", "total.currency", *(f"schedule.{name}" for name in PART)),
}
# A field that is not listed here is only for the merchant. Before adding one, check that a page needs it.
SEEN = {
    "ListPspAccounts": {f"data.{n}" for n in ("name", "psp", "publishable_key", "field_url")},
    "ListInstalmentOffers": {f"data.{name}" for name in OFFER},
    "GetOneClickSession": SESSION,
    "PayOneClickSession": SESSION,
    "UndoOneClickPayment": set(PAYMENT),
}
PUBLIC = {"ListPspAccounts", "ListInstalmentOffers"}  # what a page may show to anyone
SENT = {
    "ListPspAccounts": set(),
    "ListInstalmentOffers": {"amount_minor", "currency", "country", "categories", "locale"},
    "GetOneClickSession": {"session_id", "client_secret"},
    "PayOneClickSession": {"session_id", "client_secret"},
    "UndoOneClickPayment": {"payment_id", "client_secret", "remove.item_id", "remove.quantity"},
}


def full(descriptor: Descriptor) -> Message:
    """A message in which every field is set."""
    message = message_class(descriptor)()
    for field in descriptor.fields:
        fill(message, field)
    return message


def fill(message: Message, field: FieldDescriptor) -> None:
    held = getattr(message, field.name)
    if json_values.is_map(field):
        held["key"] = "value"
    elif field.message_type is not None and field.is_repeated:
        held.add().CopyFrom(full(field.message_type))
    elif field.message_type is not None:
        held.CopyFrom(full(field.message_type))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        value = examples.of_field(field, request=False)
        held.append("x") if field.is_repeated else setattr(message, field.name, str(value))
    else:
        setattr(message, field.name, 1)


def paths(value, path: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(paths(item, path) for item in value))
    if isinstance(value, dict):
        return set().union(*(paths(item, f"{path}.{name}") for name, item in value.items()))
    return {path.removeprefix(".")}


def takes(descriptor: Descriptor, path: str = "") -> set[str]:
    found: set[str] = set()
    for field in descriptor.fields:
        if validation.rules_of(field).browser:
            inner = field.message_type
            found |= takes(inner, f"{path}{field.name}.") if inner else {f"{path}{field.name}"}
    return found


def test_every_publishable_call_is_listed_here():
    assert {name_of(route) for route in OPEN} == set(SEEN) == set(SENT)


@pytest.mark.parametrize("route", OPEN, ids=name_of)
async def test_a_browser_sees_what_its_page_needs_and_nothing_else(gateway, route):
    gateway.services.answers[route.rpc.name] = full(route.rpc.output_type)
    one = sample(route)
    body = {k: v for k, v in (one.body or {}).items() if k == "remove"}
    arguments = one.arguments() | ({"json": body} if one.body is not None else {})
    async with gateway.request(route.method, one.path, key=PUBLISHABLE, **arguments) as response:
        assert response.status == route.success_status, await response.text()
        assert paths(await response.json()) == SEEN[route.rpc.name]
    async with gateway.request(route.method, one.path, key=SECRET, **arguments) as response:
        assert paths(await response.json()) > SEEN[route.rpc.name]


@pytest.mark.parametrize("route", OPEN, ids=name_of)
def test_a_browser_may_send_only_the_listed_fields(route):
    assert takes(route.rpc.input_type) == SENT[route.rpc.name]


async def test_an_amount_sent_with_a_publishable_key_is_refused_at_its_field(gateway):
    [route] = [route for route in OPEN if route.rpc.name == "UndoOneClickPayment"]
    body = {"amount": {"amount_minor": 1, "currency": "EUR"}}
    for key, status in ((PUBLISHABLE, 400), (SECRET, 200)):
        async with gateway.request(
            "POST",
            route.path.replace("{payment_id}", "pay_1"),
            key=key,
            json=body,
            headers={"Idempotency-Key": "k-1", "Incasso-Client-Secret": "s"},
        ) as response:
            found = await response.json(content_type=None)
            assert response.status == status
        if status == 400:
            [error] = found["errors"]
            assert error == {
                "pointer": "/amount",
                "detail": "can only be set with a secret key",
            }
    assert gateway.services.calls("UndoOneClickPayment") == 1


@pytest.mark.parametrize("route", PROVEN, ids=name_of)
async def test_a_client_secret_is_accepted_only_in_its_header(gateway, route):
    one = sample(route)
    for key in (PUBLISHABLE, SECRET):
        for more in ({"params": PROOF}, *([{"json": PROOF}] if route.body else [])):
            arguments = {**one.arguments(), **more}
            async with gateway.request(route.method, one.path, key=key, **arguments) as response:
                found = await response.json(content_type=None)
                assert response.status == 400
            [error] = found["errors"]
            assert error == {
                "pointer": "/client_secret",
                "detail": "is sent in the header Incasso-Client-Secret",
            }
    assert gateway.services.calls(route.rpc.name) == 0
    headers = {**one.headers, "Incasso-Client-Secret": "s3cret"}
    arguments = {**one.arguments(), "headers": headers}
    async with gateway.request(route.method, one.path, key=PUBLISHABLE, **arguments) as response:
        assert response.status == route.success_status
    assert gateway.services.last(route.rpc.name).request.client_secret == "s3cret"


@pytest.mark.parametrize("values", [["a", "b"], ["\udcff"]], ids=["twice", "no text"])
def test_a_client_secret_given_twice_or_not_as_text_is_refused(values):
    given = CIMultiDict(("Incasso-Client-Secret", value) for value in values)
    message = oneclick_pb2.GetOneClickSessionRequest()
    with pytest.raises(validation.InvalidArgument) as refused:
        json_in.fill_headers(message, PROVEN[0].header_fields, given.getall)
    assert [violation.field for violation in refused.value.violations] == ["client_secret"]


@pytest.mark.parametrize("route", ADDRESSED, ids=name_of)
async def test_the_gateway_fills_in_the_browsers_ip_and_refuses_a_given_one(gateway, route):
    one = sample(route)
    for key, ip in ((PUBLISHABLE, "127.0.0.1"), (SECRET, "")):
        async with gateway.request(route.method, one.path, key=key, **one.arguments()) as response:
            assert response.status == route.success_status
        assert gateway.services.last(route.rpc.name).request.ip == ip
        for more in ({"params": {"ip": "192.0.2.7"}}, {"json": {"ip": "192.0.2.7"}}):
            arguments = {**one.arguments(), **more}
            async with gateway.request(route.method, one.path, key=key, **arguments) as response:
                [error] = (await response.json(content_type=None))["errors"]
            assert (response.status, error["pointer"]) == (400, "/ip")
            assert error["detail"] == "is filled in by the gateway; leave it out"


def test_only_one_click_payment_receives_the_browsers_ip():
    assert [name_of(route) for route in ADDRESSED] == ["PayOneClickSession"]


def test_every_client_secret_is_declared_as_a_header():
    assert {name_of(route) for route in PROVEN} == set(SENT) - PUBLIC
    for route in PROVEN:
        assert route.header_fields == {"client_secret": "Incasso-Client-Secret"}


def test_fields_that_a_browser_may_not_set_are_named():
    request = oneclick_pb2.CreateOneClickSessionRequest(
        items=[oneclick_pb2.OrderItem(id="a")], customer_id="cus_1"
    )
    found = [v.field for v in _refused(request)]
    assert found == ["customer_id", "items"]


def _refused(request: Message):
    with pytest.raises(validation.InvalidArgument) as refused:
        validation.check_of_browser(request)
    return refused.value.violations
