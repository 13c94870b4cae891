"""A document as PDF: tagged (PDF/UA-1), with the same bytes for the same sheet.

Callers build a sheet of blocks (sheet.py); document.typ lays out all documents. So wording and
layout change in different files.

Rendering takes some 50 ms without holding the interpreter lock: `await threads.run(render.pdf,
sheet)`. The bytes depend on the typesetter's version: documents that were handed out are stored,
not regenerated.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import typst

from libs import colours
from libs.documents import glyphs
from libs.documents.sheet import Sheet

_LAYOUT: Final = Path(__file__).with_name("document.typ")
_TINT: Final = 0.92  # share of white in backgrounds of the merchant's colour


def pdf(sheet: Sheet) -> bytes:
    """Rendered offline, without system fonts. The sheet is passed as data, so its texts stay plain text."""
    made = typst.compile(
        _LAYOUT,
        root=_LAYOUT.parent,
        ignore_system_fonts=True,
        sys_inputs={"sheet": json.dumps(_laid_out(sheet))},
        timestamp=datetime.combine(sheet.issued_on, time(), UTC),
        pdf_standards="ua-1",
    )
    assert isinstance(made, bytes)  # one file, since it is a PDF
    return made


def _laid_out(sheet: Sheet) -> dict[str, object]:
    ours = colours.known(sheet.colour)
    tint = colours.mixed(ours, colours.WHITE, _TINT)
    accent = colours.readable(ours, colours.WHITE, tint, towards=colours.BLACK)
    on = sheet.issued_on
    return glyphs.drawable(asdict(sheet)) | {
        "colour": accent,
        "tint": tint,
        "issued_on": {"year": on.year, "month": on.month, "day": on.day},
    }
