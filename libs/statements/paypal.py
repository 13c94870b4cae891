"""PayPal's settlement report (STL): each record has a type, and rows follow the column names of the
`CH` record. Pure.

Amounts are in minor units without a decimal point. The report contains its own counts and sums: a
truncated or altered one does not match its footers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from libs.statements import amounts, csv_rows
from libs.statements.model import Claim, Ending, Entry, Event, Format, Heading, References
from libs.statements.refusals import RefusedError

START: Final = "RH"
_TYPES: Final = frozenset({"RH", "FH", "SH", "CH", "SB", "SF", "SC", "RF", "RC", "FF"})
_FOOTERS: Final = frozenset({"RF", "RC", "FF"})
_NEEDED: Final = (
    "id",
    "completion date",
    "debit or credit",
    "gross amount",
    "gross currency",
)
_FEE: Final = ("fee debit or credit", "fee amount", "fee currency")
_ALSO: Final = {"currency": "gross currency", "amount": "gross amount"}
_SIGNS: Final = {"CR": 1, "DR": -1}
_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_DAY: Final = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})(?: .*)?")
_SUMS: Final = 4  # of SF: gross credits and debits, fees credited and debited
_SF_WIDTH: Final = 2 + _SUMS


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    report = _Report()
    for line, cells in csv_rows.rows(chunks):
        yield from report.events(line, cells)
    report.check_end()


class _Report:
    def __init__(self) -> None:
        self._account = ""
        self._header: list[str] = []
        self._is_open = False
        self._sections = 0
        self._rows = 0
        self._sums: Counter[tuple[str, int]] = Counter()
        self._is_ended = False
        self._last = 1

    def events(self, line: int, cells: Sequence[str]) -> Iterator[Event]:
        self._last = line
        kind = cells[0]
        if kind not in _TYPES:
            raise RefusedError("has a record type that settlement reports do not have", line=line)
        if kind in {"CH", "SB", "SF", "SC"} and not self._is_open:
            raise RefusedError(f"{kind} is outside of a section", line=line)
        match kind:
            case "RH":
                self._account = _cell(cells, 3)
                yield Format("paypal.stl", cells[-1] if _WHOLE.fullmatch(cells[-1]) else "")
            case "SH":
                yield from self._open(line, cells)
            case "CH":
                self._head(line, cells)
            case "SB":
                yield self._row(line, cells)
            case "SF":
                self._check_sums(line, cells)
            case "SC":
                self._is_open = False
                yield Ending(line, claim=Claim(entries=_count(cells, line)))
            case "RC" if _count(cells, line) != self._rows:
                raise RefusedError(
                    f"says that it has {cells[1]} rows, but has {self._rows}", line=line
                )
            case _:
                pass
        self._is_ended = self._is_ended or kind in _FOOTERS

    def check_end(self) -> None:
        if self._is_open or not self._is_ended:
            raise RefusedError("ends too early: its footers are missing", line=self._last)
        if not self._sections:
            raise RefusedError("contains no section")

    def _open(self, line: int, cells: Sequence[str]) -> Iterator[Event]:
        if self._is_open:
            raise RefusedError("a section begins before the last has ended", line=line)
        account = _cell(cells, 3) or self._account
        if not account:
            raise RefusedError("SH names no account", line=line)
        self._is_open, self._header = True, []
        self._sums.clear()
        self._sections += 1
        period = " to ".join(filter(None, cells[1:3]))
        yield Heading(line, account=account, id=period, number=str(self._sections))

    def _head(self, line: int, cells: Sequence[str]) -> None:
        self._header = [_column(cell) for cell in cells]
        for name in _NEEDED:
            if self._header.count(name) != 1:
                raise RefusedError(
                    f"CH must have the column Transaction {name} exactly once", line=line
                )

    def _row(self, line: int, cells: Sequence[str]) -> Entry:
        if not self._header:
            raise RefusedError("SB comes before CH, which names its columns", line=line)
        csv_rows.check_width(cells, self._header, line)
        self._rows += 1
        entry = _entry(dict(zip(self._header, cells, strict=True)), line)
        assert entry.gross_minor is not None
        for place, minor in enumerate((entry.gross_minor, entry.fee_minor)):
            self._sums[entry.currency, 2 * place + (minor < 0)] += abs(minor)
        return entry

    def _check_sums(self, line: int, cells: Sequence[str]) -> None:
        """Checks gross credits and debits, and fees credited and debited, of one currency, if all
        are stated.
        """
        stated = cells[2:_SF_WIDTH]
        if len(stated) < _SUMS or not all(map(_WHOLE.fullmatch, stated)):
            return
        sums = [self._sums[cells[1], place] for place in range(_SUMS)]
        # Each pair may be in either order: the record does not name its sums.
        if _pairs([*map(int, stated)]) != _pairs(sums):
            raise RefusedError("the sums in SF differ from those of the section's rows", line=line)


def _pairs(sums: Sequence[int]) -> list[list[int]]:
    return [sorted(sums[:2]), sorted(sums[2:])]


def _column(name: str) -> str:
    """The column's name without "transaction", which only some versions have."""
    words = [word for word in name.casefold().split() if word != "transaction"]
    return _ALSO.get(" ".join(words), " ".join(words))


def _entry(cells: Mapping[str, str], line: int) -> Entry:
    currency = cells["gross currency"]
    gross = _signed(cells, _NEEDED[2:], line)
    fee = _signed(cells, _FEE, line) if cells.get("fee amount") else 0
    if fee and cells.get("fee currency") != currency:
        raise RefusedError("its fee is in another currency than its amount", line=line)
    day = _DAY.fullmatch(cells["completion date"] or cells.get("initiation date", ""))
    return Entry(
        line=line,
        booked_on=amounts.day(
            "-".join(day.groups()) if day else "", what="Transaction Completion Date", line=line
        ),
        value_on=None,
        amount_minor=gross + fee,
        currency=currency,
        references=References(
            bank=cells["id"],
            payment=cells.get("paypal reference id", ""),
            order=cells.get("invoice id", ""),
            customer=cells.get("custom field", ""),
        ),
        kind=cells.get("event code", ""),
        gross_minor=gross,
        fee_minor=fee,
    )


def _signed(cells: Mapping[str, str], columns: Sequence[str], line: int) -> int:
    """Signed amount from the columns for sign, amount and currency."""
    mark, amount, currency = (cells.get(column, "") for column in columns)
    amounts.places(currency, what=columns[1], line=line)
    if not _WHOLE.fullmatch(amount):
        raise RefusedError(f"{columns[1]} is not an amount in minor units", line=line)
    if mark not in _SIGNS:
        raise RefusedError(f"{columns[0]} is neither CR nor DR", line=line)
    return _SIGNS[mark] * int(amount)


def _count(cells: Sequence[str], line: int) -> int:
    if not _WHOLE.fullmatch(_cell(cells, 1)):
        raise RefusedError(f"{cells[0]} is not a count", line=line)
    return int(cells[1])


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if len(cells) > place else ""
