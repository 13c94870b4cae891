"""No field of any request accepts characters that affect how adjacent text is displayed."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from incasso.payments.v1 import payments_pb2
from libs import text, validation
from libs.errors import InvalidArgument
from libs.upstreams import message_class
from libs.validation import rules_of
from tests.contracts import RPCS, every_rpc

FORBIDDEN = [
    "\x00", "\x01", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\u202a",
    "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
]  # fmt: skip  # characters read better in rows
BREAKS = ["\n", "\r", "\t"]

Path = tuple[FieldDescriptor, ...]


def text_fields(descriptor: Descriptor, path: Path = ()) -> Iterator[Path]:
    """Yields every string and map of a request, at any depth, except files in base64."""
    for field in descriptor.fields:
        if validation.is_file(field) or field in path:
            continue
        if (field.message_type or descriptor).full_name.startswith("google."):
            continue
        if field.message_type is not None and not validation._is_map(field):
            yield from text_fields(field.message_type, (*path, field))
        elif field.message_type is not None or field.type == FieldDescriptor.TYPE_STRING:
            yield (*path, field)


def request_with(descriptor: Descriptor, path: Path, value: str) -> tuple[Message, str]:
    """A request with this value in the field, and the field's path in a refusal."""
    request: Message = message_class(descriptor)()
    inner, named = request, []
    for field in path[:-1]:
        if field.is_repeated:
            inner = getattr(inner, field.name).add()
            named += [field.name, "0"]
        else:
            inner = getattr(inner, field.name)
            inner.SetInParent()
            named.append(field.name)
    field = path[-1]
    if validation._is_map(field):
        getattr(inner, field.name)["key"] = value
        named += [field.name, "key"]
    elif field.is_repeated:
        getattr(inner, field.name).append(value)
        named += [field.name, "0"]
    else:
        setattr(inner, field.name, value)
        named.append(field.name)
    return request, ".".join(named)


def refused(request: Message) -> dict[str, str]:
    try:
        validation.check(request)
    except InvalidArgument as refusal:
        return {violation.field: violation.description for violation in refusal.violations}
    return {}


def test_one_refusal_names_a_bounded_number_of_fields():
    rules = [payments_pb2.RoutingRule(currencies=["?"] * 20) for _ in range(20)]
    request = payments_pb2.UpdateRoutingRequest(routing=payments_pb2.Routing(rules=rules))
    assert len(refused(request)) == validation.MAX_WRONG


def is_taken_out(request: Message, character: str) -> bool:
    """Whether the field's normal form removes the character, as in a pasted e-mail address or IBAN."""
    return f"a{character}b".encode() not in request.SerializeToString()


@every_rpc
def test_no_field_accepts_control_or_direction_characters(rpc: MethodDescriptor):
    for path in text_fields(rpc.input_type):
        for character in FORBIDDEN:
            request, name = request_with(rpc.input_type, path, f"a{character}b")
            wrong = refused(request).get(name, "")
            assert f"U+{ord(character):04X}" in wrong or is_taken_out(request, character), name


@every_rpc
def test_only_multiline_fields_accept_line_breaks(rpc: MethodDescriptor):
    for path in text_fields(rpc.input_type):
        for character in BREAKS:
            request, name = request_with(rpc.input_type, path, f"a{character}b")
            wrong = refused(request).get(name, "")
            if not is_taken_out(request, character):
                assert ("line breaks" in wrong) is not rules_of(path[-1]).multiline, wrong


def test_map_keys_accept_no_line_breaks():
    for rpc in RPCS:
        for path in text_fields(rpc.input_type):
            if validation._is_map(path[-1]) and len(path) == 1:
                request = message_class(rpc.input_type)()
                getattr(request, path[0].name)["a\nb"] = "x"
                assert "line breaks" in refused(request)[path[0].name]


@pytest.mark.parametrize(
    "word", ["Caffè Perché", "日本", "مقهى", "בית קפה", "e\u0301", "👩‍👧", "אב\u200fג", "x" * 100]
)
def test_words_of_any_script_are_accepted(word: str):
    assert text.wrong_character(word, multiline=False) is None


@given(st.text())
def test_what_a_machine_sent_is_made_harmless(typed: str):
    assert text.wrong_character(text.without_controls(typed), multiline=False) is None
    assert len(text.without_controls(typed)) == len(typed)


def test_lone_surrogates_are_refused():
    assert "U+D800" in (text.wrong_character("a\ud800", multiline=True) or "")


@pytest.mark.parametrize("word", ["Rossi", "Caffè 24", "日本", ""])
def test_left_to_right_text_is_not_isolated(word: str):
    assert text.isolated(word) == word


@pytest.mark.parametrize("word", ["בית", "Bottega مقهى", "١٢٣"])
def test_right_to_left_text_is_isolated(word: str):
    assert text.isolated(word) == f"\u2068{word}\u2069"
