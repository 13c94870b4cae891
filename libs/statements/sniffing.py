"""Detects a file's format from its first bytes, not from its name. Pure."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from libs.statements import camt, csv_rows, mt940, paypal, stripe
from libs.statements.model import Event
from libs.statements.refusals import RefusedError

HEAD_BYTES: Final = 4096
_OTHERS: Final = (
    (b"\x1f\x8b", "is compressed with gzip: unpack it"),
    (b"PK\x03\x04", "is a ZIP file or a workbook: unpack it, or save the workbook as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel file: upload the original file of the bank or PSP"),
    (b"%PDF", "is a PDF: ask the bank for CAMT.053 or MT940"),
)
_WIDE: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PAGE: Final = re.compile(r"<(?:!doctype html|html)\b", re.IGNORECASE)

Reader = Callable[[Iterable[bytes]], Iterator[Event]]


def reader(head: bytes) -> Reader:
    """The reader for the file. Raises RefusedError."""
    for magic, reason in _OTHERS:
        if head.startswith(magic):
            raise RefusedError(reason)
    text = _text(head).lstrip("\ufeff\x01 \t\r\n")
    if not text:
        raise RefusedError("is empty")
    if _PAGE.match(text):
        raise RefusedError(
            "is a web page: sign in at the bank or PSP and download the file again", line=1
        )
    if text.startswith("<"):
        return camt.read
    if mt940.START.search(text.replace("\r", "\n")):
        return mt940.read
    cells = csv_rows.first(text)
    if cells[:1] == [paypal.START]:
        return paypal.read
    if stripe.is_header(cells):
        return stripe.read
    raise RefusedError(
        "is in no supported format: CAMT.052, .053, .054, MT940, or a report of Stripe or PayPal",
        line=1,
    )


def _text(head: bytes) -> str:
    encoding = next((name for bom, name in _WIDE if head.startswith(bom)), "utf-8")
    return head.decode(encoding, errors="replace")
