"""The worst bodies within the size limit: refused with a reason, at a cost linear in their size."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incasso.payments.v1 import payments_pb2
from libs.errors import InvalidArgument
from libs.upstreams import message_class
from services.gateway.errors import JsonMalformed
from services.gateway.rules import body_size, json_in, json_text
from tests.kit.cost import assert_quick
from tests.services.gateway.samples import ROUTES, name_of
from tests.services.gateway.test_transcoder import BODY, KEY, PAY, problem

WORST = {
    "names twice": b'{"n1":0,' + b",".join(b'"n%d":0' % n for n in range(9_300)) + b"}",
    "names": b"{" + b",".join(b'"n%d":0' % n for n in range(90_000)) + b"}",
    "texts": b"[" + b",".join([b'""'] * 290_000) + b"]",
    "quotes": b'"' * 900_000,
    "open texts": b'"' + rb"\"" * 400_000 + b"," * 30_000 + b"\\",
    "objects": b"[" + b",".join([b'{"a":0}'] * 120_000) + b"]",
    "lists": b"[" + b",".join([b"[]"] * 290_000) + b"]",
    "depth": b"[" * 500_000,
    "depth of objects": b'{"a":' * 100_000,
    "whole depth": b"[" * 33 + b"]" * 33,
    "digits": b"1" * 1_000_000,
    "signed digits": b'{"a":[-' + b"9" * 900_000 + b"]}",
    "long numbers": b"[" + b",".join([b"9" * 4_000] * 200) + b"]",
    "constants": b"[" + b",".join([b"NaN"] * 200_000) + b"]",
    "cut": b'{"a":"' + rb"\u00e9" * 150_000,
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_bodies_are_refused_within_a_second(name):
    def work():
        with pytest.raises(JsonMalformed):
            json_text.parse(WORST[name])

    assert_quick(work, within=1.0)  # the search for duplicate names alone once took six seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (WORST["names"], "more than 20000 values"),
        (WORST["lists"], "more than 20000 values"),
        (WORST["names twice"], "the name n1 twice"),
        (b"[" * 10_000, "nested too deeply"),
        (WORST["whole depth"], "nested too deeply"),
        (WORST["long numbers"], "more than 40 digits"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "the name \\ud800 twice"),
    ],
)
def test_an_exceeded_limit_or_duplicate_name_is_named(body, message):
    with pytest.raises(JsonMalformed, match=message.replace("\\", "\\\\")):
        json_text.parse(body)


def test_broken_json_is_explained_in_a_sentence():
    with pytest.raises(JsonMalformed, match=r"JSON: Unterminated string starting at \(line 2\)\.$"):
        json_text.parse(b'{"a":\n"x')


@given(st.lists(st.text(alphabet='",[{\\\\ \u00e9', max_size=40), max_size=20))
def test_marks_inside_of_texts_are_no_values(texts):
    """However they are escaped: only characters outside of texts count."""
    sent = {"a": texts, "b": "[" * 70_000 + '"' * 30_000 + "\\" * 9}
    for spelt in (json.dumps(sent), json.dumps(sent, ensure_ascii=False)):
        assert json_text.parse(spelt.encode()) == sent


def test_thirty_two_nested_levels_are_accepted():
    deep = json.loads("[" * 32 + "]" * 32)
    assert json_text.parse(json.dumps(deep).encode()) == deep


def test_invalid_fields_are_named_up_to_a_limit_and_list_items_as_one():
    message = message_class(payments_pb2.Payment.DESCRIPTOR)()
    body = {f"unknown_{number}": None for number in range(9_000)}
    with pytest.raises(InvalidArgument) as refused:
        json_in.fill_body(message, body)
    assert len(refused.value.violations) == json_in.MAX_WRONG
    with pytest.raises(InvalidArgument) as refused:
        json_in.fill_body(message, {"refunds": [{"nonsense": 1}] * 5_000})
    assert [found.field for found in refused.value.violations] == ["refunds"]
    with pytest.raises(InvalidArgument) as refused:
        json_in.fill_body(message, {"metadata": dict.fromkeys(map(str, range(5_000)), 1)})
    assert [found.field for found in refused.value.violations] == ["metadata"]


# Calls whose nested lists could hold more than any client sends.
BEYOND = {"UpdateRouting", "CreateCourier", "UpdateCourier"}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=name_of)
def test_the_body_limit_fits_the_largest_valid_body_except_in_listed_calls(route):
    fits = body_size.of_message(route.rpc.input_type) <= body_size.MOST_BYTES
    assert fits != (route.rpc.name in BEYOND)


async def test_a_text_within_its_limit_is_accepted_with_every_character_escaped(gateway):
    """The longest texts in a charge's fields, with each character escaped in twelve bytes."""
    metadata = {f"key {number}": "😀" * 150 for number in range(50)}
    sent = json.dumps({**BODY, "order_reference": "😀" * 60, "metadata": metadata})
    assert len(sent) > 64 * 1024
    headers = {**KEY, "Content-Type": "application/json"}
    async with gateway.request("POST", PAY, data=sent.encode(), headers=headers) as response:
        assert response.status == 201, await response.text()
    seen = gateway.services.last("CreateOneClickPayment")
    assert seen.request.metadata["key 49"] == "😀" * 150


async def test_a_body_with_a_duplicate_name_is_refused_as_malformed(gateway):
    headers = {**KEY, "Content-Type": "application/json"}
    body = WORST["names twice"]
    async with gateway.request("POST", PAY, data=body, headers=headers) as response:
        await problem(response, 400, "json_malformed")
