"""Rows to dataclasses and back, for all stores. The SQL itself is in the stores.

A field is the column with its name, and its type says what the column holds: an Enum its value, a
tuple an array, another dataclass (or a tuple of them) JSON, Money `price` the columns `price_minor`
and `currency`. Exceptions are stated where a table is defined.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, Final, Generic, Protocol, TypeVar, get_origin

from libs import threads
from libs.db import Conn, Row
from libs.hints import bare, element_of, hints_of
from libs.money import Money

T = TypeVar("T")
Convert = Callable[[Any], Any]
_ID: Final = "WHERE merchant_id = $1 AND id = $2"
LARGE: Final = 500  # rows: a larger number is converted off the event loop


class Placed(Protocol):
    """Anything with a row, by merchant and id."""

    @property
    def merchant_id(self) -> str: ...

    @property
    def id(self) -> str: ...


class Table(Generic[T]):
    """A table whose rows are `kind`.

    `spread`: fields whose dataclass has its own columns here, with their prefix. `columns`: fields
    whose column has another name; for Money its two columns, separated by a space. `sql`: fields
    that are only read, with their SQL.
    """

    def __init__(
        self,
        name: str,
        kind: type[T],
        *,
        spread: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
        sql: Mapping[str, str] | None = None,
    ) -> None:
        self.name: Final = name
        self.kind: Final = kind
        only_read = sql or {}
        described = _Described(spread or {}, columns or {})
        self._readers, writers = described.fields_of(kind, "")
        self._writers = {column: writers[column] for column in writers if column not in only_read}
        self.columns: Final = tuple(self._writers)
        self.only_read: Final = ", ".join(f"{text} AS {field}" for field, text in only_read.items())
        self.selected: Final = ", ".join(filter(None, (*self.columns, self.only_read)))
        self.select: Final = f"SELECT {self.selected} FROM {name}"  # noqa: S608 - made of constants
        self._insert = self.insert()

    def read(self, row: Row | Mapping[str, Any]) -> T:
        """The dataclass of a row that has the `selected` columns, and possibly more."""
        return self.kind(**{name: read(row) for name, read in self._readers.items()})

    def values(self, of: T, *columns: str) -> list[object]:
        """The values of these columns, or of all of them, in order."""
        return [self._writers[column](of) for column in columns or self.columns]

    def insert(self, **more: str) -> str:
        """All columns, then `more`: each is SQL, with {} for a parameter that follows `values`."""
        marks = [f"${number}" for number in range(1, len(self.columns) + 1)]
        number = len(marks)
        for sql in more.values():
            number += "{}" in sql
            marks.append(sql.format(f"${number}"))
        names = ", ".join((*self.columns, *more))
        return f"INSERT INTO {self.name} ({names}) VALUES ({', '.join(marks)})"  # noqa: S608 - made of constants

    async def count(self, conn: Conn, where: str, *args: object) -> int:
        sql = f"SELECT count(*) FROM {self.name} {where}"  # noqa: S608 - made of constants
        found: int = await conn.fetchval(sql, *args)
        return found

    def arrays(self, of: Sequence[T], *columns: str) -> list[list[object]]:
        """The values of these columns for several rows, column by column: for `unnest`."""
        return [[self._writers[column](each) for each in of] for column in columns or self.columns]

    def but(self, *columns: str) -> list[str]:
        """All columns except these, which never change."""
        return [column for column in self.columns if column not in columns]

    def marks(self, first: int = 1) -> dict[str, str]:
        """The parameter of each column, from number `first` on, in the order of `values`."""
        return {column: f"${number}" for number, column in enumerate(self.columns, first)}

    async def add(self, conn: Conn, of: T) -> None:
        await conn.execute(self._insert, *self.values(of))

    async def change(
        self, conn: Conn, of: Placed, sql: str, *args: object, only: str = "true"
    ) -> bool:
        """`sql`: everything after SET, with parameters from $3 on. Returns False if there is no
        such row, or none that satisfies `only`.
        """
        return await self.change_at(conn, of.merchant_id, of.id, sql, *args, only=only)

    async def change_at(
        self, conn: Conn, merchant_id: str, row_id: str, sql: str, *args: object, only: str = "true"
    ) -> bool:
        """Like `change`, if only the id is known."""
        update = f"UPDATE {self.name} SET {sql} {_ID} AND {only}"  # noqa: S608 - made of constants
        return await conn.execute(update, merchant_id, row_id, *args) == 1

    async def one(self, conn: Conn, where: str, *args: object) -> T | None:
        """`where`: everything after FROM."""
        row = await conn.fetchrow(f"{self.select} {where}", *args)
        return None if row is None else self.read(row)

    async def get(self, conn: Conn, merchant_id: str, row_id: str) -> T | None:
        return await self.one(conn, _ID, merchant_id, row_id)

    async def lock(self, conn: Conn, merchant_id: str, row_id: str) -> T | None:
        """Like `get`, and locks the row until the end of the transaction."""
        return await self.one(conn, f"{_ID} FOR NO KEY UPDATE", merchant_id, row_id)

    async def all(self, conn: Conn, where: str, *args: object, **given: Convert) -> list[T]:
        """`where`: everything after FROM. `given`: how to read fields that differ from their column."""
        found = await conn.fetch(f"{self.select} {where}", *args)
        if len(found) > LARGE:
            return await threads.run(self._read_all, found, given)
        return self._read_all(found, given)

    def _read_all(self, found: Sequence[Row], given: Mapping[str, Convert]) -> list[T]:
        readers = {**self._readers, **given}.items()
        return [self.kind(**{name: read(row) for name, read in readers}) for row in found]


def assignments(columns: Sequence[str], *, first: int) -> str:
    """`state = $3, email = $4`: for an UPDATE with `values(…, *columns)` from number `first` on."""
    return ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, first))


def to_json(value: Any) -> Any:
    """A dataclass, or several, as stored in a jsonb column."""
    return _json_writer(value.__class__)(value)


@cache
def _json_writer(kind: type) -> Convert:
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    if issubclass(kind, Enum):
        return attrgetter("value")
    if issubclass(kind, date):  # a datetime is one
        return kind.isoformat
    if issubclass(kind, Decimal):
        return str
    if issubclass(kind, Mapping):
        return lambda value: {key: to_json(each) for key, each in value.items()}
    if issubclass(kind, list | tuple):
        return lambda value: [to_json(each) for each in value]
    return _same


def of_json(kind: Callable[..., T], stored: Mapping[str, Any]) -> T:
    """The inverse of `to_json`, also for rows from before `kind` got fields with a default."""
    known = _json_fields(kind)
    return kind(**{name: known[name](value) for name, value in stored.items() if name in known})


@dataclass(frozen=True, slots=True)
class _Described:
    """How fields are read from a row, and how columns are written from a dataclass."""

    spread: Mapping[str, str]
    columns: Mapping[str, str]

    def fields_of(self, kind: Any, start: str) -> tuple[dict[str, Convert], dict[str, Convert]]:
        """Readers by field, writers by column. `start`: the prefix of each column."""
        readers: dict[str, Convert] = {}
        writers: dict[str, Convert] = {}
        for name, hint in hints_of(kind).items():
            readers[name], written = self._field(name, hint, start)
            writers |= written
        return readers, writers

    def _field(self, name: str, hint: Any, start: str) -> tuple[Convert, dict[str, Convert]]:
        value = attrgetter(name)
        if name in self.spread:
            return self._spread(name, hint, start + self.spread[name])
        if bare(hint) is Money:
            minor, currency = self.columns.get(name, f"{start}{name}_minor {start}currency").split()
            return _money(minor, currency), {
                minor: attrgetter(f"{name}.amount_minor"),
                currency: attrgetter(f"{name}.currency"),
            }
        column = self.columns.get(name, start + name)
        return _then(itemgetter(column), _of_column(hint)), {column: _then(value, _to_column(hint))}

    def _spread(self, name: str, hint: Any, start: str) -> tuple[Convert, dict[str, Convert]]:
        """An optional value is absent if its first column is null."""
        kind, value = bare(hint), attrgetter(name)
        readers, writers = self.fields_of(kind, start)
        first, optional = next(iter(writers)), kind is not hint

        def read(row: Any) -> Any:
            if optional and row[first] is None:
                return None
            return kind(**{field: read(row) for field, read in readers.items()})

        return read, {
            column: _then(value, _unless_none(write) if optional else write)
            for column, write in writers.items()
        }


# Types that JSON does not have.
_SPELT: Final[Mapping[Any, Convert]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: Decimal,
}


@cache
def _json_fields(kind: Any) -> dict[str, Convert]:
    return {name: _of_json(hint) or _same for name, hint in hints_of(kind).items()}


def _same(value: Any) -> Any:
    return value


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _then(first: Convert, second: Convert | None) -> Convert:
    return first if second is None else lambda value: second(first(value))


def _money(minor: str, currency: str) -> Convert:
    return lambda row: Money(row[minor], row[currency])


def _converted(hint: Any, element: Callable[[Any], Convert | None]) -> Convert | None:
    """Converts stored values: `element` says how to convert a single one."""
    kind = bare(hint)
    inner = element_of(kind)
    if inner is not None:
        each = element(inner)
        return tuple if each is None else lambda values: tuple(each(value) for value in values)
    convert = element(kind)
    return None if convert is None else convert if kind is hint else _unless_none(convert)


def _of_column(hint: Any) -> Convert | None:
    def element(kind: Any) -> Convert | None:
        if is_dataclass(kind):
            whole: Any = kind
            return lambda stored: of_json(whole, stored)
        return kind if isinstance(kind, type) and issubclass(kind, Enum) else None

    return _converted(hint, element)


def _of_json(hint: Any) -> Convert | None:
    def element(kind: Any) -> Convert | None:
        return _SPELT.get(kind) or _of_column(kind)

    return _converted(hint, element)


def _to_column(hint: Any) -> Convert | None:
    kind = bare(hint)
    plain = isinstance(kind, type) and not is_dataclass(kind) and not issubclass(kind, Enum)
    return None if plain and get_origin(kind) is None else _stored


def _stored(value: Any) -> Any:
    """The value for asyncpg, which takes datetimes unchanged; only JSON spells them out."""
    if isinstance(value, tuple | list):
        return [_stored(each) for each in value]
    return value if isinstance(value, datetime) else to_json(value)
