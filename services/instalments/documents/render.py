"""A document as PDF: tagged (PDF/UA-1), with the same bytes for the same sheet.

The words are in texts_it.toml and texts_en.toml (wording.py), the figures in figures.py; secci.py,
deferral.py, agreement.py and letters.py define the contents of each document (sheet.py),
document.typ its layout. So another sentence, another row and another look are changes in three
different files.

It computes for some 50 ms without holding the interpreter lock: `await threads.run(render.pdf,
sheet)`. The bytes depend on the typesetter's version: what a shopper was given is stored, not
regenerated.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import typst

from libs import colours
from services.instalments.documents import glyphs
from services.instalments.documents.sheet import Sheet

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
