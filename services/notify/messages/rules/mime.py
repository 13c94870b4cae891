"""A mail as bytes. What people typed can become no header and no body, whatever they typed. Pure.

The standard library's message classes decode encoded words that they find in a value and write the
line breaks in them out raw (CVE-2024-6923, in every Python before 3.12.5). So nothing is parsed here:
texts become quoted ASCII or words of our own (RFC 2047), and the finished head is counted.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from libs.formats import CHECKS

CRLF: Final = "\r\n"
# Of UTF-8 in one encoded word: with the longest name of a header it stays below 76 characters.
WORD_BYTES: Final = 39
_PLAIN = re.compile(r"[ -~]*")
_FOLDED: Final = CRLF + " "
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bq]\?[^?\s]*\?=", re.IGNORECASE)
_ENCODED_START = re.compile(r"(?<!=)=+\?")  # a run is read from its begin only

Head = Sequence[tuple[str, str]]  # name and value, in the order in which they are written


class AddressRefusedError(ValueError):
    """The address cannot stand in a header."""


def without_words(text: str) -> str:
    """Without encoded words, so that no reader of a header finds more in it than we wrote."""
    return _ENCODED_START.sub("?", _ENCODED_WORD.sub("", text))


def phrase(text: str) -> str:
    """The value of a header that is text: as it is, or in encoded words."""
    return text if _PLAIN.fullmatch(text) and "=?" not in text else _words(text)


def mailbox(name: str, address: str) -> str:
    """`"Giulia Bianchi" <giulia@example.com>`. Raises AddressRefusedError."""
    if CHECKS["FORMAT_EMAIL"](address):
        raise AddressRefusedError("the address cannot be written into a mail")
    if not name:
        return address
    if _PLAIN.fullmatch(name) and "=?" not in name:
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return f'"{quoted}" <{address}>'
    return f"{_words(name)}{_FOLDED}<{address}>"


def _words(text: str) -> str:
    """Encoded words, each of whole characters, one a line."""
    words, part = [], b""
    for character in text:
        encoded = character.encode()
        if len(part) + len(encoded) > WORD_BYTES:
            words.append(part)
            part = b""
        part += encoded
    words.append(part)
    return _FOLDED.join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def message(head: Head, *, plain: str, html: str) -> bytes:
    """The whole mail: one text in two forms. ValueError when a value would be more than a value."""
    boundary = "=_incasso"  # no line of quoted-printable has "=_" in it
    parts = [
        f"--{boundary}{CRLF}Content-Type: text/{subtype}; charset=utf-8{CRLF}"
        f"Content-Transfer-Encoding: quoted-printable{CRLF}{CRLF}{_quoted(text)}{CRLF}"
        for subtype, text in (("plain", plain), ("html", html))
    ]
    written = written_head(
        (
            *head,
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
        )
    )
    return f"{written}{CRLF}{''.join(parts)}--{boundary}--{CRLF}".encode()


def written_head(head: Head) -> str:
    """The header lines. ValueError when they would be read as others than these."""
    written = "".join(f"{name}: {value}{CRLF}" for name, value in head)
    unfolded = written.replace(_FOLDED, " ")
    lines = unfolded.removesuffix(CRLF).split(CRLF)
    if [line.partition(":")[0] for line in lines] != [name for name, _ in head]:
        raise ValueError("a header's value would end it")
    if not all(line.isprintable() for line in lines):
        raise ValueError("a header's value holds a control character")
    return written


def _quoted(text: str) -> str:
    lines = CRLF.join(text.splitlines())
    return binascii.b2a_qp(lines.encode(), istext=True).decode()
