"""A mail as bytes. Typed text can become neither a header nor a body, whatever it contains. Pure.

The standard library's message classes decode encoded words that they find in a value and write
their line breaks out raw (CVE-2024-6923, in every Python before 3.12.5). So nothing is parsed here:
texts become quoted ASCII or our own encoded words (RFC 2047), and the headers of the result are
counted.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from libs.formats import CHECKS
from services.notify.messages.rules.attachments import Attachment

CRLF: Final = "\r\n"
# UTF-8 bytes per encoded word: with the longest header name the line stays below 76 characters.
WORD_BYTES: Final = 39
_PLAIN = re.compile(r"[ -~]*")
_FOLDED: Final = CRLF + " "
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bq]\?[^?\s]*\?=", re.IGNORECASE)
_ENCODED_START = re.compile(r"(?<!=)=+\?")  # a run is matched from its start only

Head = Sequence[tuple[str, str]]  # name and value, in the order of writing


class AddressRefusedError(ValueError):
    """The address cannot be written into a header."""


def without_words(text: str) -> str:
    """Without encoded words, so that no reader of a header finds more in it than we wrote."""
    return _ENCODED_START.sub("?", _ENCODED_WORD.sub("", text))


def phrase(text: str) -> str:
    """The value of a text header: as it is, or in encoded words."""
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
    """Encoded words, each of whole characters, one per line."""
    words, part = [], b""
    for character in text:
        encoded = character.encode()
        if len(part) + len(encoded) > WORD_BYTES:
            words.append(part)
            part = b""
        part += encoded
    words.append(part)
    return _FOLDED.join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def message(head: Head, *, plain: str, html: str, attachments: Sequence[Attachment] = ()) -> bytes:
    """The complete mail: one text in two forms, and files. Raises ValueError if a value would be
    read as more than a value.
    """
    texts = [
        _part(
            ("Content-Type", f"text/{subtype}; charset=utf-8"),
            ("Content-Transfer-Encoding", "quoted-printable"),
            content=_quoted(text),
        )
        for subtype, text in (("plain", plain), ("html", html))
    ]
    kind, body = _multipart("alternative", "=_incasso", texts)
    if attachments:
        text = _part(("Content-Type", kind), content=body)
        kind, body = _multipart("mixed", "=_mixed", [text, *map(_attachment_part, attachments)])
    written = written_head((*head, ("MIME-Version", "1.0"), ("Content-Type", kind)))
    return f"{written}{CRLF}{body}".encode()


def _multipart(subtype: str, boundary: str, parts: Sequence[str]) -> tuple[str, str]:
    """Its type and its body. No line of quoted-printable or base64 contains "=_"."""
    body = "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts)
    return f'multipart/{subtype}; boundary="{boundary}"', f"{body}--{boundary}--{CRLF}"


def _part(*head: tuple[str, str], content: str) -> str:
    return f"{written_head(head)}{CRLF}{content}"


def _attachment_part(attachment: Attachment) -> str:
    lines = base64.encodebytes(attachment.content).decode().splitlines()
    return _part(
        ("Content-Type", attachment.media_type),
        ("Content-Disposition", f'attachment; filename="{attachment.file_name}"'),
        ("Content-Transfer-Encoding", "base64"),
        content=CRLF.join(lines),
    )


def written_head(head: Head) -> str:
    """The header lines. Raises ValueError if they would be read as anything else."""
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
