"""JSON schemas of protobuf messages, as components of the OpenAPI document."""

from collections.abc import Collection
from enum import Enum
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from incasso.rest.v1 import options_pb2
from libs import json_values, validation
from services.gateway.openapi import comments, examples

Schema = dict[str, Any]


class View(Enum):
    """The role of a message: a request, an answer, or an answer to a publishable key."""

    REQUEST = "request"
    ANSWER = "answer"
    BROWSER = "browser"


_FORMATS: Final[dict[int, Schema]] = {
    options_pb2.FORMAT_CURRENCY: {"pattern": "^[A-Z]{3}$"},
    options_pb2.FORMAT_COUNTRY: {"pattern": "^[A-Z]{2}$"},
    options_pb2.FORMAT_EMAIL: {"format": "email", "maxLength": 254},
    options_pb2.FORMAT_PHONE: {"pattern": r"^(\+|00)[0-9 ().\-/]{7,40}$"},
    options_pb2.FORMAT_URL: {"format": "uri", "pattern": "^https?://"},
    options_pb2.FORMAT_LOCALE: {"pattern": "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"},
    options_pb2.FORMAT_COLOUR: {"pattern": "^#[0-9a-fA-F]{6}$"},
    options_pb2.FORMAT_IBAN: {"pattern": "^[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]{11,40}$"},
    options_pb2.FORMAT_BIC: {"pattern": "^[A-Za-z0-9 ]{8,14}$"},
    options_pb2.FORMAT_IP: {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    options_pb2.FORMAT_DATE: {"format": "date", "maxLength": 10},
    options_pb2.FORMAT_CONTACT: {
        "pattern": r"^([^@\s]+@[^@\s]+|(\+|00)[0-9 ().\-/]{7,40})$",
        "maxLength": 254,
    },
    options_pb2.FORMAT_BASE64: {"contentEncoding": "base64"},
}
_NO_NUL: Final = "^[^\\x00]*$"
# Bounds for answer fields without rules: more than requests and PSPs can produce.
_LONGEST_ANSWERED: Final = 65_536
_MOST_ANSWERED: Final = 1_000
_TIME: Final[Schema] = {"type": "string", "format": "date-time", "maxLength": 35}


class Schemas:
    """Collects the components needed by references."""

    def __init__(self) -> None:
        self._found: dict[str, Schema] = {}
        self._owners: dict[str, str] = {}

    def components(self) -> dict[str, Schema]:
        return dict(sorted(self._found.items()))

    def message(self, message: Descriptor, *, view: View, without: Collection[str] = ()) -> Schema:
        """A reference to the component of a message."""
        name = self._name(message, view=view)
        if name not in self._found:
            self._found[name] = {}  # set before its fields: a message may contain itself
            self._found[name] = self._object(message, view=view, without=without)
        return {"$ref": f"#/components/schemas/{name}"}

    def _name(self, found: Descriptor | EnumDescriptor, *, view: View) -> str:
        package = found.file.package
        name = found.full_name.removeprefix(f"{package}.").replace(".", "")
        owner = f"{found.full_name} {view.value}"
        for candidate in (
            name if view is not View.BROWSER else f"{name}InBrowser",
            f"{name}Input",
            package.split(".")[1].capitalize() + name,
        ):
            if self._owners.setdefault(candidate, owner) == owner:
                return candidate
        raise ValueError(f"two messages would be called {name} in the document")

    def _object(self, message: Descriptor, *, view: View, without: Collection[str]) -> Schema:
        fields = [
            field
            for field in message.fields
            if field.name not in without
            and (view is not View.BROWSER or validation.rules_of(field).browser)
        ]
        schema: Schema = {"type": "object"}
        if text := comments.description(message.full_name):
            schema["description"] = text
        schema["properties"] = {f.name: self.field(f, view=view) for f in fields}
        required = [f.name for f in fields if _is_required(f, view=view)]
        if required:
            schema["required"] = required
        if view is View.REQUEST:
            schema["additionalProperties"] = False
        return schema

    def field(self, field: FieldDescriptor, *, view: View) -> Schema:
        """Schema of a field with its comment and example."""
        schema = self._container(field, view=view)
        if text := comments.description(field.full_name):
            schema["description"] = text
        if field.GetOptions().deprecated:
            schema["deprecated"] = True
        has_example = "$ref" not in schema and (view is View.REQUEST or field.message_type is None)
        if has_example and _exemplary(field, view=view):
            schema["examples"] = [examples.of_field(field, request=view is View.REQUEST)]
        return schema

    def _container(self, field: FieldDescriptor, *, view: View) -> Schema:
        rules = validation.rules_of(field)
        most = _most_items(field, view=view)
        if json_values.is_map(field):
            value = self._value(json_values.map_value(field), rules, view=view)
            schema: Schema = {
                "type": "object",
                "additionalProperties": value,
                "maxProperties": most,
            }
            if view is View.REQUEST:
                schema["propertyNames"] = {"minLength": 1, "maxLength": validation.MAX_KEY_LENGTH}
            return schema
        value = self._value(field, rules, view=view)
        if not field.is_repeated:
            return value
        schema = {"type": "array", "items": value, "maxItems": most}
        if view is View.REQUEST and rules.required:
            schema["minItems"] = 1
        return schema

    def _value(
        self, field: FieldDescriptor, rules: options_pb2.FieldRules, *, view: View
    ) -> Schema:
        if json_values.is_time(field):
            return dict(_TIME)
        if json_values.is_any(field):
            return {"type": "object"}
        if field.message_type is not None:
            return self.message(field.message_type, view=view)
        if field.enum_type is not None:
            return self._enum(field.enum_type, view=view)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        if (limits := json_values.integer_range(field)) is not None:
            return _integer(field, rules, limits, view=view)
        return _string(rules) if view is View.REQUEST else _answered(rules)

    def _enum(self, enum: EnumDescriptor, *, view: View) -> Schema:
        name = self._name(enum, view=View.ANSWER)
        if name not in self._found:
            words = json_values.enum_words(enum)
            lines = [
                f"- `{json_values.enum_names(enum)[value.number]}`: "
                f"{comments.of(f'{enum.full_name}.{value.name}')}"
                for value in enum.values
                if value.number != 0
            ]
            text = "\n".join([comments.description(enum.full_name), "", *lines])
            self._found[name] = {"type": "string", "description": text, "enum": list(words)}
        return {"$ref": f"#/components/schemas/{name}"}


def _is_required(field: FieldDescriptor, *, view: View) -> bool:
    return validation.rules_of(field).required if view is View.REQUEST else not field.has_presence


def _most_items(field: FieldDescriptor, *, view: View) -> int:
    if view is View.REQUEST:
        return validation.most_items(field)
    return validation.rules_of(field).max_items or _MOST_ANSWERED


def _exemplary(field: FieldDescriptor, *, view: View) -> bool:
    if view is View.REQUEST:
        rules = validation.rules_of(field)
        return bool(rules.example) or field.type == FieldDescriptor.TYPE_STRING
    return not field.is_repeated


def _integer(
    field: FieldDescriptor,
    rules: options_pb2.FieldRules,
    limits: tuple[int, int],
    *,
    view: View,
) -> Schema:
    is_small = field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32)
    schema: Schema = {"type": "integer", "format": "int32" if is_small else "int64"}
    asked = view is View.REQUEST  # an answer may show what older rules allowed
    schema["minimum"] = rules.minimum if asked and rules.HasField("minimum") else limits[0]
    schema["maximum"] = rules.maximum if asked and rules.HasField("maximum") else limits[1]
    return schema


def _answered(rules: options_pb2.FieldRules) -> Schema:
    return {
        "type": "string",
        "maxLength": rules.max_length or _LONGEST_ANSWERED,
        "pattern": _NO_NUL,
    }


def _string(rules: options_pb2.FieldRules) -> Schema:
    schema: Schema = {"type": "string"}
    least = max(rules.min_length, 1 if rules.required else 0)
    if least:
        schema["minLength"] = least
    schema["maxLength"] = rules.max_length or validation.MAX_LENGTH
    schema["pattern"] = f"^(?:{rules.pattern})$" if rules.pattern else _NO_NUL
    schema.update(_FORMATS.get(rules.format, {}))
    return schema
