"""A broken file is refused as a whole, with the line and the reason."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.statements import amounts, camt_entries, proving, xml_parts
from libs.statements.refusals import RefusedError
from tests.libs.statements.files import balance, camt, contents, detail, entry, refusal, statement

GOOD = camt(statement(balance("OPBD", "10.00"), balance("CLBD", "15.00"), entry("5.00")))
SUMMARY = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>"
LONG = f"<a>{'x' * 1900}</a>"
CREDITS = "<TxsSummry><TtlCdtNtries><Sum>6.00</Sum></TtlCdtNtries></TxsSummry>"


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("statement.xml", data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 0, "is empty"),
        (b" \r\n\t", 0, "is empty"),
        (b"\xef\xbb\xbf\n", 0, "is empty"),
        (b"\x1f\x8b\x08\x00", 0, "compressed with gzip"),
        (zipped(GOOD), 0, "ZIP"),
        (b"%PDF-1.7", 0, "PDF"),
        (b"<!DOCTYPE html><html></html>", 1, "web page"),
        (b"some words\n", 1, "no supported format"),
        (b"<Document/>", 1, "not a bank statement"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", 1, "not a bank statement"),
        (camt(), 0, "contains no statement"),
        (GOOD[:-30], 9, "ends too early"),
        (GOOD[: len(GOOD) // 2], 6, "ends too early"),
        (GOOD + b"<Document/>", 12, "second document"),
        (GOOD.replace(b"</Acct>", b"</Acc>"), 5, "closes an element that is not open"),
        (GOOD.replace(b"S1", "S\u00e8".encode("latin-1")), 5, "character"),
        (GOOD.replace(b"S1", b"S\x00"), 5, "character"),
        (GOOD.replace(b"S1", b"S&euro;"), 5, "entity"),
        (GOOD.replace(b"UTF-8", b"UTF-9"), 1, "encoding"),
        (
            GOOD.replace(b"<Document", b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><Document"),
            2,
            "document type",
        ),
        (
            GOOD.replace(b"<Document", b"<!DOCTYPE a [<!ENTITY x 'yy'>]>\n<Document").replace(
                b"S1", b"&x;"
            ),
            2,
            "document type",
        ),
        (
            GOOD.replace(b"15.00", b"15.01"),
            9,
            "10.00 EUR and its entries make 15.00 EUR, but it closes at 15.01 EUR",
        ),
        (
            GOOD.replace(b">5.00", b">5.001"),
            8,
            "the amount of entry 1 of statement 1 has more than the 2 decimals",
        ),
        (GOOD.replace(b">5.00", b">-5.00"), 8, "has a sign"),
        (GOOD.replace(b">5.00", b">5,00"), 8, "is not an amount"),
        (GOOD.replace(b">5.00", b">"), 8, "is not an amount"),
        (GOOD.replace(b">5.00", b">99999999999999999999"), 8, "too large"),
        (GOOD.replace(b'"EUR">5.00', b'"EUX">5.00'), 8, "ISO 4217"),
        (GOOD.replace(b' Ccy="EUR">5.00', b">5.00"), 8, "no currency"),
        (
            GOOD.replace(b'"EUR">5.00', b'"USD">5.00'),
            8,
            "an entry in USD is in statement S1 of an account in EUR",
        ),
        (
            GOOD.replace(b"<BookgDt><Dt>2026-04-07", b"<BookgDt><Dt>2026-02-30"),
            8,
            "not a calendar date",
        ),
        (GOOD.replace(b"<BookgDt><Dt>2026-04-07</Dt></BookgDt>", b""), 8, "has no date"),
        (
            GOOD.replace(b"5.00</Amt><CdtDbtInd>CRDT", b"5.00</Amt><CdtDbtInd>CR"),
            8,
            "neither CRDT nor DBIT",
        ),
        (GOOD.replace(b"<Id>S1</Id>", b""), 5, "has no Id"),
        (GOOD.replace(b"<IBAN>", b"<No>").replace(b"</IBAN>", b"</No>"), 5, "has no account"),
        (camt(statement()), 6, "neither balances nor entries"),
        (camt(statement(entry("5.00"), SUMMARY)), 7, "says that it has 2 entries, but has 1"),
        (camt(statement(entry("5.00"), CREDITS)), 7, "sum of credits that differs"),
        (
            GOOD.replace(b"</BkToCstmrStmt>", b"</BkToCstmrStmt><BkToCstmrAcctRpt/>"),
            10,
            "second message",
        ),
    ],
)
def test_a_broken_file_is_refused_with_line_and_reason(data: bytes, line: int, reason: str):
    found = refusal(data)
    assert reason in found.reason
    assert found.line == line


def test_a_summary_may_count_batched_payments_or_pending_entries():
    batch = entry("5.00", details=detail("2.00") + detail("3.00"))
    assert contents(camt(statement(batch, SUMMARY)))
    pending = entry("5.00", state="<Sts>PDNG</Sts>")
    assert contents(camt(statement(entry("5.00"), pending, SUMMARY)))


def test_an_entity_bomb_is_refused():
    lines = ['<!ENTITY a "aaaaaaaaaa">']
    lines += [
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    bomb = f"<?xml version='1.0'?>\n<!DOCTYPE x [{''.join(lines)}]>\n<x>&i;</x>"
    found = refusal(bomb.encode())
    assert (found.line, "document type" in found.reason) == (2, True)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("<a>" * xml_parts.MOST_DEPTH, "deep"),
        (f"<Bal>{'<a/>' * xml_parts.MOST_NODES}</Bal>", "elements in one place"),
        (f"<AddtlStmtInf>{'x' * (xml_parts.MOST_TEXT + 1)}</AddtlStmtInf>", "text of more than"),
        (f"<!--{'x' * (xml_parts.MOST_TOKEN + 2**17)}-->", "tag or comment"),
        (f"<Bal a='{'x' * (xml_parts.MOST_TOKEN + 2**17)}'/>", "tag or comment"),
        (balance("OPAV", "1.00") * 101, "more than 100 elements besides"),
        (balance("OPAV", "1.00") * 21, "more than 20 balances"),
        (f"<Bal>{LONG * 700}</Bal>", "a Bal that is too large"),
    ],
)
def test_an_oversized_or_deeply_nested_element_is_refused(part: str, reason: str):
    assert reason in refusal(camt(statement(part, entry("1.00")))).reason


def test_the_size_of_an_entry_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(xml_parts, "MOST_PART", 2**17)
    data = camt(statement(entry("300.00", details=detail("1.00", text="x" * 1000) * 300)))
    assert "a Ntry that is too large" in refusal(data).reason
    assert contents(camt(statement(entry("1.00", details=detail("1.00", text="x" * 1000)) * 300)))


def test_the_number_of_payments_in_a_batch_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(camt_entries, "MOST_DETAILS", 2)
    data = camt(statement(entry("3.00", details=detail("1.00") * 3)))
    assert "an entry of more than 2 payments" in refusal(data).reason


def test_the_number_of_statements_in_a_file_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proving, "MOST_STATEMENTS", 2)
    data = camt(*(statement(entry("1.00"), name=f"S{number}") for number in range(3)))
    assert "more than 2 statements" in refusal(data).reason


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_whatever_the_bytes_they_are_read_or_refused(noise: bytes, start: int, end: int):
    for data in (noise, GOOD[:start] + noise + GOOD[end:]):
        with contextlib.suppress(RefusedError):  # no other error may occur
            contents(data)


@given(
    st.integers(-amounts.MOST_MINOR, amounts.MOST_MINOR),
    st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
)
def test_an_amount_is_read_as_it_is_written(amount_minor: int, currency: str):
    figures = amounts.written(amount_minor, currency).removesuffix(f" {currency}")
    assert amounts.minor(figures, currency, what="it", line=1) == amount_minor
    commas = figures.replace(".", ",")
    assert amounts.minor(commas, currency, what="it", line=1, mark=",") == amount_minor
