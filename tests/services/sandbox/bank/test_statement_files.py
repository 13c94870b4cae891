"""The simulated bank's statements are like a real bank's: valid against the schemas, and read as written."""

import io
from datetime import UTC, date, datetime

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.statements import reading
from libs.statements.model import NO_REFERENCE, State
from services.sandbox.bank import camt, mt940
from services.sandbox.bank.statements import Booking, Payment, Statement
from stack.embedded import REPOSITORY

SCHEMAS = REPOSITORY.parent / "shared" / "data" / "xsd"
IBAN = "IT60X0542811101000000123456"
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
WORDS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=30
)
# Not references: the words that banks write for a missing one, or as labels before one.
NONE = NO_REFERENCE | {"EREF", "PREF", "MREF", "CREF", "KREF"}
CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=2, max_size=16).filter(
    lambda code: code not in NONE
)


def payments(sign: int) -> st.SearchStrategy[Payment]:
    return st.builds(
        Payment,
        amount_minor=st.integers(0, 10**12).map(lambda minor: sign * minor),
        name=WORDS,
        iban=st.just(IBAN) | st.just(""),
        end_to_end=CODES,
        reference=CODES.map("RF18{}".format) | st.just(""),
        text=WORDS,
    )


BOOKINGS = st.sampled_from([1, -1]).flatmap(
    lambda sign: st.builds(
        Booking,
        payments=st.lists(payments(sign), min_size=1, max_size=2).map(tuple),
        booked_on=DAYS,
        value_on=DAYS,
        bank_reference=CODES | st.just(""),
        is_pending=st.booleans(),
        is_reversal=st.booleans(),
    )
)
STATEMENTS = st.builds(
    Statement,
    id=CODES,
    number=st.integers(1, 99999),
    iban=st.just(IBAN),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    opening_minor=st.integers(-(10**12), 10**12),
    opened_on=DAYS,
    closed_on=DAYS,
    made_at=st.just(datetime(2026, 4, 8, tzinfo=UTC)),
    bookings=st.lists(BOOKINGS, max_size=3),
)


@pytest.mark.parametrize("version", camt.VERSIONS)
@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the schemas are not on this machine")
def test_a_camt_statement_is_valid_against_its_schema(version: str):
    schema = xmlschema.XMLSchema(SCHEMAS / f"camt.053.{version}.xsd")

    @given(written=st.lists(STATEMENTS, min_size=1, max_size=2))
    @settings(max_examples=25)
    def holds(written: list[Statement]) -> None:
        schema.validate("".join(camt.written(written, message_id="M1", version=version)))

    holds()


@pytest.mark.parametrize("version", camt.VERSIONS)
@given(written=st.lists(STATEMENTS, min_size=1, max_size=2))
@settings(max_examples=25)
def test_a_camt_statement_is_read_as_it_was_written(version: str, written: list[Statement]):
    data = "".join(camt.written(written, message_id="M1", version=version)).encode()
    found = reading.proven(lambda: io.BytesIO(data))
    assert (found.format.name, found.format.version) == ("camt.053", version)
    for statement, read in zip(written, found.statements, strict=True):
        assert (read.heading.id, read.heading.account) == (statement.id, IBAN)
        assert read.heading.number == str(statement.number)
        assert read.opening
        assert read.opening.amount_minor == statement.opening_minor
        assert read.adds_up
    blocks = reading.blocks(lambda: io.BytesIO(data), found)
    entries = [entry for block in blocks for entry in block.entries]
    bookings = [booking for statement in written for booking in statement.bookings]
    for booking, entry in zip(bookings, entries, strict=True):
        assert entry.amount_minor == booking.amount_minor
        assert (entry.booked_on, entry.value_on) == (booking.booked_on, booking.value_on)
        assert entry.is_reversal == booking.is_reversal
        assert (entry.state is State.PENDING) == booking.is_pending
        assert entry.references.bank == booking.bank_reference
        for payment, detail in zip(booking.payments, entry.details, strict=True):
            assert detail.amount_minor == payment.amount_minor
            assert detail.references.end_to_end == payment.end_to_end
            assert detail.references.creditor == payment.reference
            assert detail.text == payment.text


@given(written=st.lists(STATEMENTS, min_size=1, max_size=2))
@settings(max_examples=25)
def test_an_mt940_statement_is_read_as_it_was_written(written: list[Statement]):
    data = "".join(mt940.written(written)).encode()
    found = reading.proven(lambda: io.BytesIO(data))
    assert found.format.name == "mt940"
    for statement, read in zip(written, found.statements, strict=True):
        assert (read.heading.id, read.heading.account) == (statement.id, IBAN)
        assert read.opening
        assert read.opening.amount_minor == statement.opening_minor
        assert read.adds_up
    blocks = reading.blocks(lambda: io.BytesIO(data), found)
    entries = [entry for block in blocks for entry in block.entries]
    bookings = [each for one in written for each in one.bookings if not each.is_pending]
    for booking, entry in zip(bookings, entries, strict=True):
        assert (entry.amount_minor, entry.value_on) == (booking.amount_minor, booking.value_on)
        assert entry.is_reversal == booking.is_reversal
        assert entry.references.bank == booking.bank_reference
        assert entry.references.end_to_end == booking.payments[0].end_to_end
        assert entry.references.creditor == booking.payments[0].reference
