"""Valid requests round-trip, and invalid fields are named: for every message of every route."""

import contextlib
import copy
import functools

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from incasso.oneclick.v1 import oneclick_pb2
from libs import json_out, json_values, validation
from libs.errors import InvalidArgument
from libs.upstreams import message_class
from services.gateway.errors import EncodingInvalid, JsonMalformed
from services.gateway.rules import json_in, json_text
from tests.services.gateway.samples import ROUTES, in_path, name_of, sample
from tests.services.gateway.test_transcoder import problem

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


def values(field):
    most = min(3, validation.most_items(field))
    if json_values.is_map(field):
        return st.dictionaries(TEXT, TEXT, max_size=most)
    one = single(field)
    return st.lists(one, max_size=most) if field.is_repeated else one


def single(field):
    if json_values.is_time(field):
        moments = st.datetimes().map(lambda at: at.isoformat())
        return moments.map(lambda text: text.rstrip("0") + "Z" if "." in text else text + "Z")
    if field.message_type is not None:
        return objects(field.message_type)
    if field.enum_type is not None:
        return st.sampled_from(list(json_values.enum_words(field.enum_type)))
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if (limits := json_values.integer_range(field)) is not None:
        return st.integers(*limits)
    return TEXT


@functools.cache  # strategies are expensive to build
def objects(message):
    return st.fixed_dictionaries({}, optional={f.name: values(f) for f in message.fields})


def normal(value):
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, str) and len(value) >= 20 and value[10:11] == "T" and value[-1] == "Z":
        whole, _, fraction = value[:-1].partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"
    return value


def with_defaults(message, sent):
    """The JSON of an answer with these fields."""
    found = {}
    for field in message.fields:
        if field.name in sent:
            value = sent[field.name]
            if field.message_type and not json_values.is_time(field):
                if json_values.is_map(field):
                    pass
                elif field.is_repeated:
                    value = [with_defaults(field.message_type, item) for item in value]
                else:
                    value = with_defaults(field.message_type, value)
            found[field.name] = value
        elif not field.has_presence:
            found[field.name] = default_of(field)
    return found


def default_of(field):
    if json_values.is_map(field):
        return {}
    if field.is_repeated:
        return []
    if field.enum_type is not None:
        return "unspecified"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return False
    return 0 if json_values.integer_range(field) is not None else ""


@pytest.mark.parametrize("route", [each for each in ROUTES if not each.uploads], ids=name_of)
@settings(max_examples=25)  # per route; routes share code and many messages
@given(data=st.data())
def test_every_request_survives_the_way_in_and_out(route, data):
    descriptor = route.rpc.input_type
    sent = data.draw(objects(descriptor))
    message = message_class(descriptor)()
    json_in.fill_body(message, json_text.parse(json_out.dump(sent)))
    again = json_text.parse(json_out.body_of(message))
    assert normal(again) == normal(with_defaults(descriptor, sent))


def wrong_values(field):
    """JSON values of every other type, and values out of range."""
    every = ["text", 1, 1.5, True, None, {}, [], {"x": 1}, [None]]
    if json_values.is_map(field):
        return [v for v in every if not isinstance(v, dict)] + [{"k": 1}, {"k": None}]
    if field.is_repeated:
        return [v for v in every if not isinstance(v, list)] + [[None], [1.5], [[]]]
    if json_values.is_time(field):
        return [*every, "2026-11-21", "2026-02-30T10:00:00Z", "2026-11-21T10:00:00"]
    if field.message_type is not None:
        return ["text", 1, 1.5, True, None, [], {"no_such_field": 1}]
    if field.enum_type is not None:
        return [*every, "unspecified", "CAPTURED", ""]
    if field.type == FieldDescriptor.TYPE_BOOL:
        return ["true", 1, 0, None, {}, []]
    if json_values.integer_range(field) is not None:
        return ["1", 1.0, 1.5, True, None, {}, [], 2**53, -(2**53), 10**30]
    return [1, 1.5, True, None, {}, [], "\ud800"]


def wrong_bodies(route):
    """Bodies with one wrong field each, and the pointer that the error must name."""
    good = sample(route).body
    message = route.rpc.input_type
    if route.body != "*":
        message = json_values.message_of(message.fields_by_name[route.body])
    yield {**good, "no_such_field": 1}, "/no_such_field"
    for field in message.fields:
        if field.name in route.path_fields:
            continue
        for wrong in wrong_values(field):
            yield {**copy.deepcopy(good), field.name: wrong}, f"/{field.name}"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=name_of)
async def test_each_invalid_body_field_is_named(gateway, route):
    one = sample(route)
    for body, pointer in wrong_bodies(route):
        arguments = {**one.arguments(), "json": body}
        async with gateway.request(route.method, one.path, **arguments) as response:
            found = await problem(response, 400, "invalid_argument")
        named = [error["pointer"] for error in found["errors"]]
        assert any(name == pointer or name.startswith(f"{pointer}/") for name in named), found
    assert gateway.services.calls(route.rpc.name) == 0


NUMBERED = [route for route in ROUTES if any(isinstance(v, int) for v in in_path(route).values())]


@pytest.mark.parametrize("route", NUMBERED, ids=name_of)
@pytest.mark.parametrize("text", ["two", "2.0", "1e1", "²", "9007199254740993", "-1", "%20"])
async def test_an_invalid_number_in_the_path_is_named(gateway, route, text):
    one = sample(route)
    (name,) = (name for name, value in in_path(route).items() if isinstance(value, int))
    path = route.path.replace(f"{{{name}}}", text)
    path = path.format(**in_path(route))
    async with gateway.request(route.method, path, **one.arguments()) as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == [f"/{name}"]
    assert gateway.services.calls(route.rpc.name) == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(body):
    with contextlib.suppress(JsonMalformed, EncodingInvalid):
        json_text.parse(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_any_json_fills_a_message_or_is_refused(value):
    message = oneclick_pb2.CreateOneClickPaymentRequest()
    with contextlib.suppress(InvalidArgument):
        json_in.fill_body(message, value)
        json_in.fill_body(oneclick_pb2.CreateOneClickPaymentRequest(), {"amount": value})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("2026-11-21t10:00:00z", "2026-11-21T10:00:00Z"),
        ("2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z"),
        ("2026-11-21T10:00:00-01:30", "2026-11-21T11:30:00Z"),
        ("2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500Z"),
        ("2026-11-21T10:00:00.123456789Z", "2026-11-21T10:00:00.123456789Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_rfc_3339_times_in_any_offset_are_accepted(text, canonical):
    assert json_values.time_text(json_values.time_of(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026-11-21 10:00:00Z",
        "2026-11-21T10:00:00",
        "2026-13-01T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:00:60Z",
        "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00+00:60",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\uff12026-11-21T10:00:00Z",
    ],
)
def test_malformed_or_out_of_range_times_are_refused(text):
    with pytest.raises(json_values.WrongValueError):
        json_values.time_of(text)


@pytest.mark.parametrize(
    ("name", "reported"),
    [("emial", "emial"), ("città", "città"), ("a\x00b", r"a\x00b"), ("a\u202eb", r"a\u202eb")],
)
def test_an_unknown_field_is_named_in_printable_characters(name, reported):
    request = oneclick_pb2.CreateCustomerRequest()
    with pytest.raises(InvalidArgument) as refused:
        json_in.fill_body(request, {name: 1})
    assert [each.field for each in refused.value.violations] == [reported]
