import pytest

from services.sandbox.inbox import reading, segments
from tests.services.sandbox.inbox.letters import letter


def test_embedded_pictures_become_data_urls():
    assert 'src="data:image/png;base64,iVBORw=="' in reading.read(letter().as_bytes()).html


def test_links_open_elsewhere_with_or_without_a_head():
    base = reading.OPEN_ELSEWHERE
    assert reading.opening_elsewhere("<html><head><p>") == f"<html><head>{base}<p>"
    assert reading.opening_elsewhere("<!doctype html><p>") == f"<!doctype html>{base}<p>"
    assert reading.opening_elsewhere("<p>") == f"{base}<p>"


def test_links_in_text_end_before_punctuation_and_are_deduplicated():
    text = "See https://a.example/p/1, (https://b.example/x) and https://a.example/p/1."
    assert reading.links_of_text(text) == ["https://a.example/p/1", "https://b.example/x"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?broken\n\nhi",
        b"Subject: x\nContent-Type: text/plain; charset=klingon\n\nhi",
        b"Content-Type: multipart/alternative\n\nno boundary",
        b"To: <<>>,,\nMessage-ID: <\n\nx",
        b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n!!!",
    ],
)
def test_broken_mail_is_read_without_an_error(raw):
    mail = reading.read(raw)
    assert isinstance(mail.subject + mail.text + mail.html, str)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("€" * 80, "GSM-7", 160, 1),
        ("è già pronto", "GSM-7", 12, 1),
        ("perché no", "GSM-7", 9, 1),
        ("ê" * 70, "UCS-2", 70, 1),
        ("ê" * 71, "UCS-2", 71, 2),
        ("👍", "UCS-2", 2, 1),
    ],
)
def test_the_length_of_an_sms_is_counted_as_networks_do(text, encoding, units, parts):
    length = segments.measure(text)
    assert (length.encoding, length.units, length.segments) == (encoding, units, parts)
