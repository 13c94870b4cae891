"""Pasted values are normalised to one form, in every field with a format, of every request."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from incasso.oneclick.v1 import oneclick_pb2
from incasso.rest.v1 import options_pb2
from libs import descriptors, normal_forms, validation
from libs.errors import InvalidArgument
from libs.formats import CHECKS
from libs.normal_forms import NORMAL_FORMS

# Files are not pasted as text: the code that reads them checks their content.
FORMATS = set(options_pb2.Format.keys()) - {"FORMAT_UNSPECIFIED", "FORMAT_BASE64"}
# As pasted, and as stored.
SAMPLES = {
    "FORMAT_CURRENCY": (" eur ", "EUR"),
    "FORMAT_COUNTRY": ("it\n", "IT"),
    "FORMAT_EMAIL": ("\xa0Giulia.B@Example.COM ", "Giulia.B@example.com"),
    "FORMAT_PHONE": (" 0039 (0)11 / 123-45.67", "+390111234567"),
    "FORMAT_URL": (" https://shop.example/a ", "https://shop.example/a"),
    "FORMAT_LOCALE": (" zh_hant_tw ", "zh-Hant-TW"),
    "FORMAT_COLOUR": (" #0b5cad", "#0b5cad"),
    "FORMAT_IP": (" 2001:DB8::0001 ", "2001:db8::1"),
    "FORMAT_IBAN": ("IBAN it60 x054 2811 1010 0000 0123 456", "IT60X0542811101000000123456"),
    "FORMAT_BIC": (" bppi it rr xxx ", "BPPIITRRXXX"),
    "FORMAT_REFERENCE": ("  A-1001 ", "A-1001"),
    "FORMAT_DATE": (" 2027-01-31 ", "2027-01-31"),
    "FORMAT_CONTACT": (" 0039 (0)11 / 123-45.67", "+390111234567"),
}


def test_every_format_has_a_normal_form_and_a_sample():
    assert set(NORMAL_FORMS) == set(SAMPLES) == FORMATS
    assert set(CHECKS) == FORMATS - {"FORMAT_REFERENCE"}  # any text is a reference


def fields(
    message: Descriptor, path: tuple[str, ...] = (), seen: frozenset[str] = frozenset()
) -> Iterator[tuple[tuple[str, ...], FieldDescriptor]]:
    """Yields fields with a format, at any depth, with their paths."""
    for field in message.fields:
        if validation.rules_of(field).format and not validation.is_file(field):
            yield (*path, field.name), field
        inner = field.message_type
        if inner is not None and inner.full_name not in seen:
            yield from fields(inner, (*path, field.name), seen | {inner.full_name})


FORMATTED = [
    pytest.param(rpc.input_type, path, field, id=f"{rpc.name}.{'.'.join(path)}")
    for service in descriptors.all_services()
    for rpc in service.methods
    for path, field in fields(rpc.input_type)
]


def owner(message: Message, path: tuple[str, ...]) -> Message:
    """The message that has the field, created along its path."""
    for name in path[:-1]:
        held = getattr(message, name)
        if message.DESCRIPTOR.fields_by_name[name].is_repeated:
            message = held.add()
        else:
            held.SetInParent()
            message = held
    return message


def test_more_than_fifty_fields_have_a_format():
    assert len(FORMATTED) > 50


@pytest.mark.parametrize(("request_type", "path", "field"), FORMATTED)
def test_every_field_with_a_format_is_normalised(request_type, path, field):
    pasted, kept = SAMPLES[options_pb2.Format.Name(validation.rules_of(field).format)]
    request = GetMessageClass(request_type)()
    holder = owner(request, path)
    if field.is_repeated:
        getattr(holder, field.name).append(pasted)
    else:
        setattr(holder, field.name, pasted)
    wrong = {violation.field for violation in violations(request)}
    found = getattr(holder, field.name)
    assert (list(found) if field.is_repeated else [found]) == [kept]
    assert wrong.isdisjoint({".".join(path), ".".join(path) + ".0"})


def violations(request: Message):
    try:
        validation.check(request)
    except InvalidArgument as refusal:
        return refusal.violations
    return ()


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("+39 333 123 45 67", "+393331234567"),
        ("0039.333.1234567", "+393331234567"),
        ("+39\N{EN DASH}333\N{EN DASH}1234567", "+393331234567"),
        ("\u202a+39 333 1234567\u202c", "+393331234567"),
        ("+39 (0)11 1234567", "+390111234567"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("+49(0)30/123456", "+4930123456"),
        ("tel:+1 (415) 555-2671", "+14155552671"),
        ("+39 333 1234567", "+393331234567"),
    ],
)
def test_pasted_phone_numbers_are_normalised(pasted, kept):
    assert normal_forms.phone(pasted) == kept
    assert CHECKS["FORMAT_PHONE"](kept) is None


@pytest.mark.parametrize("national", ["333 1234567", "011/1234567", "(415) 555-2671", "call me"])
def test_a_phone_number_without_a_country_code_is_refused(national):
    request = oneclick_pb2.CreateCustomerRequest(phone=national)
    [wrong] = violations(request)
    assert wrong.field == "phone"
    assert "with its country" in wrong.description


@pytest.mark.parametrize(
    "number",
    [
        "+39 333",
        "+39 333 123 4567 890",
        "+39 1234567890",
        "+44 1234",
        "+999 123 456 789",
        "+1 000 555 2671",
        "+39 333 1234567 #12",
        "+39 333 1234567, +39 333 7654321",
        "+39 333 CALL ME",
        "+",
    ],
)
def test_a_phone_number_invalid_in_its_country_is_refused(number):
    [wrong] = violations(oneclick_pb2.CreateCustomerRequest(phone=number))
    assert (wrong.field, "in its country" in wrong.description) == ("phone", True)


@given(st.text(alphabet="+0123456789 ()-.", max_size=30).map(lambda text: f"+{text}"))
def test_a_phone_that_is_kept_is_its_own_normal_form(text):
    kept = normal_forms.phone(text)
    assert normal_forms.phone(kept) == kept
    assert CHECKS["FORMAT_PHONE"](kept) is None or kept == normal_forms.trimmed(text)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("es-419", "es-419"),
        ("sr-Latn-RS", "sr-Latn-RS"),
        ("it-it", "it-IT"),
        ("it_IT", "it-IT"),
        ("IT", "it"),
        ("ca-ES-Valencia", "ca-ES-valencia"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("zh-yue-HK", "zh-yue-HK"),
        ("de-DE-u-co-phonebk", "de-DE"),
        ("en-GB-x-priv", "en-GB"),
    ],
)
def test_standard_language_tags_are_accepted(typed, kept):
    request = oneclick_pb2.CreateCustomerRequest(locale=typed)
    assert violations(request) == ()
    assert request.locale == kept


@pytest.mark.parametrize("wrong", ["", "-", "italiano", "it-", "i", "it-ITALY-123456789", "1t"])
def test_an_invalid_language_tag_is_refused(wrong):
    [refused] = violations(oneclick_pb2.CreateCustomerRequest(locale=wrong))
    assert refused.field == "locale"


@pytest.mark.parametrize("bic", ["BICIGALXXXX", "IBANITRR"])
def test_a_bic_that_begins_with_bic_or_iban_is_kept(bic):
    assert normal_forms.compact(bic) == bic


@given(st.sampled_from(sorted(FORMATS)), st.text(max_size=60))
def test_a_normal_form_is_its_own(name, text):
    once = NORMAL_FORMS[name](text)
    assert NORMAL_FORMS[name](once) == once


@given(st.sampled_from(sorted(CHECKS)), st.text(alphabet=" +09(it-_.@XA", max_size=40))
def test_what_was_well_formed_is_left_alone(name, text):
    if CHECKS[name](text) is None and name not in {"FORMAT_IP", "FORMAT_EMAIL", "FORMAT_IBAN"}:
        assert NORMAL_FORMS[name](text) == text
