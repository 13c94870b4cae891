"""How much of a file is read, and how a file is refused. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file."""

    file_bytes: int = 8 * 1024 * 1024
    unpacked_bytes: int = 32 * 1024 * 1024  # of a workbook
    rows: int = 60_000  # non-empty ones
    columns: int = 100
    characters: int = 500  # of a cell


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a file, for a person. `line` is the line in an editor or spreadsheet, from 1, and
    0 for the file as a whole; `column` has its name in the file. It does not repeat the contents.
    """

    line: int
    column: str
    reason: str


class UnreadableError(ValueError):
    """Nothing of the file can be read, or nothing from the fault's line on."""

    def __init__(self, reason: str, *, line: int = 0, column: str = "") -> None:
        super().__init__(reason)
        self.fault = Fault(line, column, reason)
