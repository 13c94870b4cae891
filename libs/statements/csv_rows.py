"""Reads the rows of a CSV file one by one. Pure."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from libs.statements import text_lines
from libs.statements.refusals import RefusedError

MOST_LINES: Final = 100  # of a row


def rows(chunks: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yields (first line, cells). Blank rows are skipped; a cell may contain line breaks."""
    line = 1

    def lines() -> Iterator[str]:
        for number, text in text_lines.lines(chunks):
            if number - line > MOST_LINES:
                raise RefusedError(
                    f"has a row of more than {MOST_LINES} lines: a quotation mark may be unclosed",
                    line=line,
                )
            yield f"{text}\n"

    reader = csv.reader(lines(), strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error:
        raise RefusedError(
            "has a quotation mark that is not closed or not doubled, or ends too early", line=line
        ) from None


def first(text: str) -> list[str]:
    """The cells of the first line of a text that may not be CSV at all."""
    try:
        return next(csv.reader(text.splitlines()[:1]), [])
    except csv.Error:
        return []


def check_width(cells: Sequence[str], header: Sequence[str], line: int) -> None:
    if len(cells) != len(header):
        raise RefusedError(
            f"has {len(cells)} cells, but the header has {len(header)}: the file may be truncated",
            line=line,
        )
