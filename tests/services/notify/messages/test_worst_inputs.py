"""Untrusted input costs CPU time in proportion to its size: the worst case for every parser here."""

from functools import partial

import pytest

from libs import ids
from services.notify.errors import NoticeMalformed, SignatureInvalid
from services.notify.messages.providers.twilio import Account, Twilio
from services.notify.messages.rules import bounces, emails, gsm, mime
from services.notify.messages.rules.smtp_replies import refusal, written
from tests.kit.cost import assert_quick
from tests.services.notify.messages.conftest import KEYS

SIZE = 256 * 1024  # the gateway's limit
LONGEST = 20_000  # characters, several times the limit of a field
SECONDS = 0.1  # of CPU time, so that a busy machine makes no difference
ADDRESSES = bounces.ReturnAddresses("bounces.example", KEYS)
OURS = f"To: {ADDRESSES.of(ids.new('msg'))}\n"


def nested() -> str:
    """Parts within parts: each line is compared with every open boundary."""
    opened = "".join(
        f'--b{n}\nContent-Type: multipart/mixed; boundary="b{n + 1}"\n\n' for n in range(1000)
    )
    return f'Content-Type: multipart/mixed; boundary="b0"\n\n{opened}' + "x\n" * SIZE


def blocks() -> str:
    return "Content-Type: message/delivery-status\n\n" + "Actio: x\n\n" * SIZE


BODIES = {
    "nested": nested,
    "headers": lambda: "X: y\n" * SIZE,
    "folds": lambda: "To: x\n" + " x\n" * SIZE,
    "one fold": lambda: "To: x\n" + " " * SIZE,
    "addresses": lambda: "To: " + f"bounce+msg_{'0' * 26}-{'a' * 16}@b, " * (SIZE // 50),
    "almost addresses": lambda: "To: " + "bounce+msg_0" * (SIZE // 12),
    "comments": lambda: "To: " + "(" * SIZE,
    "quotes": lambda: 'To: "' + '\\"' * SIZE,
    "encoded words": lambda: "To: " + "=?utf-8?q?a?= " * (SIZE // 14),
    "lines": lambda: "\n" * SIZE,
    "types": lambda: "\n\n" + "content-type: \n" * (SIZE // 14),
    "blanks": lambda: "\n\ncontent-type:" + " \n" * SIZE,
    "blocks": blocks,
    "rubbish": lambda: "\udcff" * SIZE,
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("proof", ["", OURS], ids=["foreign", "ours"])
def test_the_worst_bounce_is_parsed_quickly(kind: str, proof: str):
    body = (proof + BODIES[kind]()).encode("utf-8", "surrogateescape")[:SIZE]

    def work() -> None:
        with pytest.raises((SignatureInvalid, NoticeMalformed)):
            bounces.read(body, ADDRESSES)

    assert_quick(work, within=SECONDS)


@pytest.mark.parametrize(
    "body", [b"a=b&" * 65_000, b"&" * SIZE, b"%" * SIZE, b"a=" + b"%41" * 80_000]
)
def test_the_worst_sms_callback_is_parsed_quickly(body: bytes):
    account = Account(sid="AC1", auth_token="t", senders={}, api_base="", public_url="")

    def work() -> None:
        with pytest.raises((SignatureInvalid, NoticeMalformed)):
            Twilio(account, None).read_callback(url="https://a.example", headers={}, body=body)

    assert_quick(work, within=SECONDS)


@pytest.mark.parametrize(
    "text", ["a" * SIZE, "@" * SIZE, "a@" * SIZE, "+1" * SIZE, "5." * SIZE, "<" * SIZE, " " * SIZE]
)
def test_the_worst_server_reply_is_parsed_quickly(text: str):
    assert_quick(partial(written, text), within=SECONDS)
    assert_quick(partial(refusal, 550, text, of_recipient=True), within=SECONDS)


@pytest.mark.parametrize(
    "text",
    [
        "=?" * SIZE,
        "=" * SIZE,
        "=?a?q?" * SIZE,
        "a" + "\u0301\u0316" * SIZE,
        "\ufdfa" * SIZE,
        "\u0645" * SIZE,
        " \n" * SIZE,
    ],
)
def test_the_worst_typed_text_is_written_quickly(text: str):
    for write in (mime.without_words, mime.phrase, emails.one_line, gsm.transliterated):
        assert_quick(partial(write, text[:LONGEST]), within=SECONDS, what=write)
