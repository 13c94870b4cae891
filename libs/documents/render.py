"""A document as PDF: tagged (PDF/UA-1), with the same bytes for the same sheet.

Whoever needs a document makes its sheet of blocks (sheet.py); document.typ has the layout of all. So
another sentence and another look are changes in different files.

It computes for some 50 ms without holding the interpreter lock: `await threads.run(render.pdf,
sheet)`. The bytes depend on the typesetter's version: what somebody was given is stored, not
regenerated.
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
    """Made offline, without the machine's fonts, from the sheet as data: its texts stay texts."""
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
