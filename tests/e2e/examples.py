"""Valid requests for every route, made from the examples and rules in the protos."""

import json
from urllib.parse import urlencode

from google.protobuf.descriptor import FieldDescriptor

from libs.validation import rules_of

NUMBERS = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
NONE = "example"  # for a text without an example
WELL_KNOWN = {"google.protobuf.Timestamp": "2026-11-21T10:00:00Z"}


def body_of(route):
    """The JSON body of a route, without its path and header fields; None if it has none."""
    if not route.body:
        return None
    if route.body != "*":
        return message(route.rpc.input_type.fields_by_name[route.body].message_type)
    return message(route.rpc.input_type, without=route.elsewhere)


def query_of(route):
    """The query of a route without a body: its required fields."""
    asked = {} if route.body else message(route.rpc.input_type, without=route.elsewhere)
    fields = route.rpc.input_type.fields_by_name
    required = {name: value for name, value in asked.items() if rules_of(fields[name]).required}
    return f"?{urlencode(required)}" if required else ""


def places_of(route):
    """The path fields that name no object: numbers, with their example values."""
    fields = [route.rpc.input_type.fields_by_name[name] for name in route.path_fields]
    return {field.name: value_of(field) for field in fields if field.cpp_type in NUMBERS}


def message(descriptor, without=()):
    """Every required field, and the optional ones that have an example."""
    return {
        field.name: value_of(field)
        for field in descriptor.fields
        if field.name not in without and (rules_of(field).required or rules_of(field).example)
    }


def value_of(field):
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return json.loads(rules_of(field).example)
    value = single_value(field)
    if field.is_repeated and not isinstance(value, list):
        return [value]
    return value


def single_value(field):
    if field.message_type is not None and not rules_of(field).example:
        known = WELL_KNOWN.get(field.message_type.full_name)
        return known or message(field.message_type)
    example = rules_of(field).example
    if not example:
        return 1 if field.cpp_type in NUMBERS else NONE
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING and not field.is_repeated:
        return example
    try:
        return json.loads(example)
    except json.JSONDecodeError:
        return example


def fields_of(descriptor, without=(), path=()):
    """Every field with its path, including the fields of nested messages."""
    for field in descriptor.fields:
        if field.name in without:
            continue
        yield (*path, field.name), field
        inner = field.message_type
        plain = inner is not None and not inner.GetOptions().map_entry
        if plain and not field.is_repeated and inner.full_name not in WELL_KNOWN:
            yield from fields_of(inner, path=(*path, field.name))
