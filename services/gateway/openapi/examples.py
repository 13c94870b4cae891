"""Example values for the document: from the fields' rules, otherwise from their names and types."""

import json
import re
from collections.abc import Collection
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from incasso.rest.v1 import options_pb2
from libs import json_values, validation
from services.gateway.openapi import comments

_ID: Final = "06f2k8q4v0t1m9z7c3x5b6n8d4"
_PREFIX = re.compile(r"`([a-z]{2,4})_…`")
_TIME: Final = "2026-11-21T10:00:00Z"
_FORMATS: Final = {
    options_pb2.FORMAT_CURRENCY: "EUR",
    options_pb2.FORMAT_COUNTRY: "IT",
    options_pb2.FORMAT_EMAIL: "giulia@example.com",
    options_pb2.FORMAT_PHONE: "+393331234567",
    options_pb2.FORMAT_URL: "https://shop.example/thanks",
    options_pb2.FORMAT_LOCALE: "it",
    options_pb2.FORMAT_COLOUR: "#0b5cad",
    options_pb2.FORMAT_IBAN: "IT60X0542811101000000123456",
    options_pb2.FORMAT_BIC: "BPPIITRRXXX",
    options_pb2.FORMAT_IP: "203.0.113.7",
    options_pb2.FORMAT_DATE: "2027-01-31",
    options_pb2.FORMAT_CONTACT: "giulia@example.com",
    options_pb2.FORMAT_BASE64: "U3BlZGl6aW9uZTtOZXR0bwo=",
}
# Fields of answers, which have no rules, by name.
_NAMES: Final[dict[str, Any]] = {
    "amount_minor": 5990,
    "brand": "visa",
    "capturable_minor": 5990,
    "captured_minor": 5990,
    "city": "Torino",
    "client_secret": f"ocs_{_ID}_secret_4f0c2a",
    "country": "IT",
    "currency": "EUR",
    "default_currency": "EUR",
    "email": "giulia@example.com",
    "exp_month": 12,
    "exp_year": 2030,
    "label": "Visa •••• 4242",
    "last4": "4242",
    "line1": "Via Garibaldi 12",
    "locale": "it",
    "method": "one_click",
    "name": "Giulia Bianchi",
    "order_reference": "A-1001",
    "phone": "+393331234567",
    "postcode": "10122",
    "plan": "basic",
    "psp": "sandbox",
    "psp_account": "sandbox-a",
    "psp_accounts": ["sandbox-a"],
    "psp_reference": "ch_1042",
    "sca_exemption": "none",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "type": "redirect",
    "url": "https://pay.example/challenge",
}
# Omitted from examples of answers, since they are usually empty.
_RARE: Final = frozenset(
    ["decline", "next_action", "next_cursor", "refunds", "disputes", "capture_at", "expires_at"]
)


def of_message(
    message: Descriptor, *, request: bool, without: Collection[str] = ()
) -> dict[str, Any]:
    """An example object for a request or an answer."""
    found: dict[str, Any] = {}
    for field in message.fields:
        if field.name in without or not _shown(field, request=request):
            continue
        found[field.name] = of_field(field, request=request)
    return found


def _shown(field: FieldDescriptor, *, request: bool) -> bool:
    rules = validation.rules_of(field)
    if request:
        return rules.required or bool(rules.example) or json_values.is_map(field)
    return field.name not in _RARE or not field.has_presence


def of_field(field: FieldDescriptor, *, request: bool) -> Any:
    """A JSON value."""
    rules = validation.rules_of(field)
    if rules.example:
        return _parsed(rules.example, field)
    if json_values.is_map(field):
        whole = json_values.integer_range(json_values.map_value(field)) is not None
        return {"links_per_month": 1000} if whole else {"cart": "c-77"}
    if field.is_repeated and field.name in _RARE:
        return []
    one = _one(field, request=request)
    return one if not field.is_repeated or isinstance(one, list) else [one]


def _parsed(example: str, field: FieldDescriptor) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
        return example
    try:
        return json.loads(example)
    except ValueError:
        return example


def _one(field: FieldDescriptor, *, request: bool) -> Any:
    if json_values.is_time(field):
        return _TIME
    if json_values.is_any(field):
        return {"id": f"pay_{_ID}", "state": "captured"}
    if field.message_type is not None:
        return of_message(field.message_type, request=request)
    if field.enum_type is not None:
        words = list(json_values.enum_words(field.enum_type))
        return "captured" if "captured" in words else "active" if "active" in words else words[0]
    if field.name in _NAMES:
        return _NAMES[field.name]
    if field.type == FieldDescriptor.TYPE_BOOL:
        return False
    if json_values.integer_range(field) is not None:
        rules = validation.rules_of(field)
        return max(rules.minimum, 1) if rules.HasField("minimum") else 0
    return _text(field)


def _text(field: FieldDescriptor) -> str:
    rules = validation.rules_of(field)
    if rules.format in _FORMATS:
        return _FORMATS[rules.format]
    if match := _PREFIX.search(comments.of(field.full_name)):
        return f"{match.group(1)}_{_ID}"
    return _id_by_name(field.name) or "text"


def _id_by_name(name: str) -> str:
    prefixes = {"customer_id": "cus", "instrument_id": "ins", "address_id": "adr"}
    return f"{prefixes[name]}_{_ID}" if name in prefixes else ""
