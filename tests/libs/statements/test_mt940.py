"""MT940 as SWIFT and the banks of several countries write it. All data are synthetic."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.statements import mt940, text_lines
from libs.statements.model import Format, Party, State
from libs.statements.refusals import RefusedError
from tests.libs.statements.files import contents, entries, refusal

ACCOUNT = "NL71RABO0123456789"


def message(*bookings: str, closing: str = "C260408EUR10,00", number: str = "1/1") -> bytes:
    lines = [":20:S1", f":25:{ACCOUNT}", f":28C:{number}", ":60F:C260407EUR10,00", *bookings]
    return "\r\n".join([*lines, f":62F:{closing}", "-", ""]).encode()


COFFEES = (":61:2604070407D0,70NMSCNONREF//B1", ":86:COFFEE", ":61:2604070407D0,70NMSCNONREF//B2")
GOOD = message(*COFFEES, closing="C260408EUR8,60")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("{1:F01BANKITMMXXXX0000000000}{2:O9400000000000BANKITMMXXXX}{4:\r\n", "}"),
        ("0000 01BANKNL2AXXXX00001\r\n940 00\r\n", "XXX"),
        (":940:\r\n", ""),
        ("\x01\r\n", "\x03"),
        ("\ufeff", ""),
    ],
)
def test_a_message_is_read_bare_and_in_envelopes(before: str, after: str):
    text = GOOD.decode().replace("\r\n-\r\n", f"\r\n-{after}\r\n")
    found = contents((before + text).encode())
    assert (found.format, found.accounts) == (Format("mt940"), (ACCOUNT,))
    (only,) = found.statements
    assert (only.adds_up, only.heading.id, only.heading.number) == (True, "S1", "1/1")


def test_the_first_tag_may_follow_its_envelope_on_the_same_line():
    data = GOOD.replace(b":20:S1", b"{1:F01BANK}{2:O940}{4::20:S1")
    assert contents(data).statements[0].heading.id == "S1"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_endings_are_accepted(end: str):
    assert len(entries(GOOD.replace(b"\r\n", end.encode()))) == 2


def test_two_equal_bookings_of_a_day_stay_two_with_or_without_text():
    found = entries(GOOD)
    assert [(each.text, each.references.bank) for each in found] == [("COFFEE", "B1"), ("", "B2")]
    bare = message(*(line.partition("//")[0] for line in COFFEES), closing="C260408EUR8,60")
    assert len({each.id for each in entries(bare)}) == 2


def test_text_after_the_closing_balance_belongs_to_no_entry():
    data = GOOD.replace(
        b"\r\n-\r\n", b"\r\n:65:C260409EUR8,60\r\n:86:/SUM/000002D1,40\r\nMORE\r\n-\r\n"
    )
    assert [each.text for each in entries(data)] == ["COFFEE", ""]
    assert [each.kind for each in contents(data).statements[0].balances] == ["60F", "62F", "65"]


@pytest.mark.parametrize(
    ("mark", "amount", "state", "is_reversal"),
    [
        ("C", 150, State.BOOKED, False),
        ("D", -150, State.BOOKED, False),
        ("RC", -150, State.BOOKED, True),
        ("RD", 150, State.BOOKED, True),
        ("EC", 150, State.PENDING, False),
        ("CR", 150, State.BOOKED, False),  # R is the third letter of the currency
    ],
)
def test_the_mark_sets_sign_and_state(mark: str, amount: int, state: State, *, is_reversal: bool):
    booked = amount if state is State.BOOKED else 0
    closing = f"C260408EUR{(1000 + booked) // 100},{(1000 + booked) % 100:02}"
    (found,) = entries(message(f":61:260407{mark}1,5NTRFNONREF", closing=closing))
    assert (found.amount_minor, found.state, found.is_reversal) == (amount, state, is_reversal)


@pytest.mark.parametrize(
    ("dates", "booked"),
    [
        ("260407", date(2026, 4, 7)),
        ("2604070409", date(2026, 4, 9)),
        ("2601020131", date(2026, 1, 31)),
        ("2601021230", date(2025, 12, 30)),
        ("2512310102", date(2026, 1, 2)),
    ],
)
def test_a_booking_date_is_in_the_year_closest_to_its_value_date(dates: str, booked: date):
    (found,) = entries(message(f":61:{dates}C0,00NTRFNONREF"))
    assert found.booked_on == booked


def test_dutch_text_is_parsed():
    text = (
        ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J. DE VRI\r\n"
        "ES/REMI/Factuur 12/EREF/E2E-1/MARF/M-1"
    )
    (found,) = entries(message(":61:260407C0,00NTRFEREF", text))
    assert found.counterparty == Party("J. DE VRIES", "NL91ABNA0417164300")
    assert (found.text, found.references.end_to_end) == ("Factuur 12", "E2E-1")
    assert (found.references.mandate, found.references.customer) == ("M-1", "")


def test_swift_text_is_parsed_into_account_name_and_creditor_reference():
    text = ":86:/EREF/NOTPROVIDED//CNTP/NL91ABNA0417164300/ABNANL2A/J. DE VRIES///REMI/STRD/CUR/RF18539007547034/"
    (found,) = entries(message(":61:260407C0,00NTRFNONREF", text))
    assert found.counterparty == Party("J. DE VRIES", "NL91ABNA0417164300")
    assert found.references.creditor == "RF18539007547034"
    assert found.references.end_to_end == ""


def test_german_text_is_parsed():
    text = (
        ":86:166?00GUTSCHRIFT?109075?20EREF+E2E-1?21MREF+M-1?22SVWZ+Rechnung 12 vom 1. Ap?23ril"
        "?30COBADEFF?31DE89370400440532013000?32ERIKA MUSTER?33MANN"
    )
    (found,) = entries(message(":61:260407C0,00NTRFNONREF", text))
    assert found.counterparty == Party("ERIKA MUSTERMANN", "DE89370400440532013000")
    assert (found.text, found.kind) == ("Rechnung 12 vom 1. April", "NTRF.166")
    assert (found.references.end_to_end, found.references.mandate) == ("E2E-1", "M-1")


def test_plain_text_is_joined_into_one_line():
    text = ":86:BONIFICO A VOSTRO FAVORE\r\nORD: ROSSI MARIO  CAUS: FATTURA 12\r\n"
    (found,) = entries(message(":61:260407C0,00NTRFNONREF", text.rstrip()))
    assert found.text == "BONIFICO A VOSTRO FAVORE ORD: ROSSI MARIO CAUS: FATTURA 12"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_non_ascii_letters_are_read(encoding: str):
    text = GOOD.decode().replace("COFFEE", "CAFFÈ Forlì")
    assert entries(text.encode(encoding))[0].text == "CAFFÈ Forlì"


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (GOOD.replace(b"8,60", b"8,61"), 8, "does not add up"),
        (GOOD.partition(b":62F:")[0], 7, "ends too early"),
        (GOOD[:30], 2, "ends too early"),
        (GOOD.replace(b"0,70NMSC", b"0,705NMSC"), 5, "more than the 2 decimals"),
        (GOOD.replace(b"0,70NMSC", b"0.70NMSC"), 5, ":61: is not a booking"),
        (GOOD.replace(b":61:2604070407D", b":61:2613070407D"), 5, "not a calendar date"),
        (GOOD.replace(b":61:2604070407D", b":61:2604070230D"), 5, "not a calendar date"),
        (GOOD.replace(b"EUR", b"EUX"), 4, "ISO 4217"),
        (GOOD.replace(b"260407EUR", b"260407"), 4, "no currency"),
        (GOOD.replace(b":60F:C", b":60F:X"), 4, ":60F: is not a balance"),
        (GOOD.replace(b":25:NL71RABO0123456789\r\n", b""), 1, "without its account"),
        (GOOD.replace(b":60F:C260407EUR10,00\r\n", b""), 1, "without an opening balance"),
        (GOOD.replace(b"-\r\n", b":61:260407C0,00NTRFNONREF\r\n"), 9, "after the closing balance"),
        (GOOD + b":61:260407C0,00NTRFNONREF\r\n", 10, "outside of a message"),
        (GOOD.replace(b"-\r\n", b"<Document/>\r\n"), 9, "has text after :62F:"),
        (GOOD + b"x\r\n" * 21, 30, "text outside of a message"),
        (GOOD.replace(b"COFFEE", b"C" + b"\r\nx" * 200), 206, "field of more than 200 lines"),
        (GOOD.replace(b"COFFEE", b"C\x00"), 6, "control character"),
        (GOOD.replace(b"COFFEE", "È".encode() + b"\r\n\xc8"), 7, "not of the file's encoding"),
        (GOOD.replace(b"COFFEE", b"x" * (text_lines.MOST_LINE + 1)), 6, "a line of more than"),
        (GOOD.decode().encode("utf-16")[:-1], 0, "UTF-16"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_reason(data: bytes, line: int, reason: str):
    found = refusal(data)
    assert reason in found.reason
    assert found.line == line


def test_equal_bookings_on_pages_of_one_statement_have_distinct_ids():
    page = GOOD.replace(b":62F:", b":62M:")
    second = message(*COFFEES, closing="C260408EUR7,20", number="1/2").replace(
        b":60F:C260407EUR10,00", b":60M:C260408EUR8,60"
    )
    bare = (page + second).replace(b"//B1", b"").replace(b"//B2", b"")
    assert len({each.id for each in entries(bare)}) == 4


@given(st.binary(max_size=60), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_whatever_the_bytes_they_are_read_or_refused(noise: bytes, start: int, end: int):
    with contextlib.suppress(RefusedError):  # no other error may occur
        list(mt940.read([GOOD[:start], noise, GOOD[end:]]))


@given(st.lists(st.sampled_from([b"a\r", b"\n", b"b\n", b"\r\n", b"c"]), max_size=12))
def test_where_a_file_is_cut_into_chunks_does_not_matter(chunks: list[bytes]):
    whole = b"".join(chunks).decode().replace("\r\n", "\n").replace("\r", "\n")
    assert [text for _, text in text_lines.lines(chunks)] == whole.split("\n")
