"""SQL of remittances and their lines: several thousand per statement."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.matching import BOOKED, Result
from services.cod.rules.remittances import Booked, Line, Owing, Remittance

REMITTANCES: Final = rows.Table("remittances", Remittance)
LINES: Final = rows.Table("remittance_lines", Line)
OWING: Final = rows.Table(
    """(
SELECT parcels.*, orders.order_reference, orders.state AS order_state,
    orders.to_collect_minor AS order_to_collect_minor, orders.cut_minor AS order_cut_minor
FROM orders
JOIN parcels ON parcels.merchant_id = orders.merchant_id AND parcels.order_id = orders.id) AS owing""",
    Owing,
)
_MUTABLE: Final = ("state", "results", "exceptions", "committed_at")
_SAVE: Final = rows.assignments(_MUTABLE, first=3)
_TYPES: Final = {
    "merchant_id": "text",
    "id": "text",
    "remittance_id": "text",
    "courier_id": "text",
    "line": "int",
    "tracking_number": "text",
    "sender_reference": "text",
    "collected_minor": "bigint",
    "cut_minor": "bigint",
    "remitted_minor": "bigint",
    "paid_on": "date",
    "meaning": "text",
    "result": "text",
    "is_exception": "boolean",
    "cod_order_id": "text",
    "parcel": "text",
    "suggestions": "text",  # as JSON, since arrays of arrays must have equal lengths
    "booked": "boolean",
    "kept_minor": "bigint",
    "shortage_minor": "bigint",
}
_JUDGED: Final = (
    "result", "is_exception", "cod_order_id", "parcel", "suggestions", "booked", "kept_minor",
    "shortage_minor",
)  # fmt: skip  # a list of names
_RESOLVED: Final = (
    "result_before", "closed_as", "cleared_minor", "resolution", "resolved_by", "resolved_at",
)  # fmt: skip  # a list of names
_NEW: Final = LINES.but(*_RESOLVED)
_RESOLVE: Final = rows.assignments((*_JUDGED, *_RESOLVED), first=3)
_SUGGESTIONS: Final = "ARRAY(SELECT jsonb_array_elements_text(given.suggestions::jsonb))"


def _given(columns: Sequence[str]) -> str:
    arrays = ", ".join(f"${n}::{_TYPES[column]}[]" for n, column in enumerate(columns, 1))
    return f"unnest({arrays}) AS given ({', '.join(columns)})"


def _of_given(column: str) -> str:
    return _SUGGESTIONS if column == "suggestions" else f"given.{column}"


_INSERT: Final = f"""
INSERT INTO remittance_lines ({", ".join(_NEW)})
SELECT {", ".join(map(_of_given, _NEW))} FROM {_given(_NEW)}"""  # noqa: S608 - made of constants
_CHANGED: Final = ("merchant_id", "id", *_JUDGED)
_JUDGE: Final = f"""
UPDATE remittance_lines AS line SET {", ".join(f"{column} = {_of_given(column)}" for column in _JUDGED)}
FROM {_given(_CHANGED)}
WHERE line.merchant_id = given.merchant_id AND line.id = given.id"""  # noqa: S608 - made of constants

_BOOKED: Final = ", ".join(
    f"'{result.value}'" for result in sorted(BOOKED, key=lambda one: one.value)
)
_BOOK: Final = f"""
UPDATE remittance_lines SET booked = true
WHERE merchant_id = $1 AND remittance_id = $2 AND result IN ({_BOOKED}) AND NOT booked"""  # noqa: S608 - made of constants


async def of_file(conn: Conn, merchant_id: str, courier_id: str, digest: str) -> Remittance | None:
    where = "WHERE merchant_id = $1 AND courier_id = $2 AND digest = $3"
    return await REMITTANCES.one(conn, where, merchant_id, courier_id, digest)


async def insert_lines(conn: Conn, lines: Sequence[Line]) -> None:
    await conn.execute(_INSERT, *_arrays(lines, _NEW))


async def save_judged(conn: Conn, lines: Sequence[Line]) -> None:
    """Saves results of lines of a remittance locked in this transaction."""
    await conn.execute(_JUDGE, *_arrays(lines, _CHANGED))


async def book_lines(conn: Conn, remittance: Remittance) -> None:
    """Books all of its lines whose result says so: most are as previewed."""
    await conn.execute(_BOOK, remittance.merchant_id, remittance.id)


async def save(conn: Conn, remittance: Remittance) -> None:
    """Saves the changeable columns of a remittance locked in this transaction."""
    await REMITTANCES.change(conn, remittance, _SAVE, *REMITTANCES.values(remittance, *_MUTABLE))


async def resolve(conn: Conn, line: Line) -> None:
    """Saves a resolved line of a remittance locked in this transaction."""
    await LINES.change(conn, line, _RESOLVE, *LINES.values(line, *_JUDGED, *_RESOLVED))


def _arrays(lines: Sequence[Line], columns: Sequence[str]) -> list[list[object]]:
    arrays = LINES.arrays(lines, *columns)
    at = list(columns).index("suggestions")
    arrays[at] = [json.dumps(each) for each in arrays[at]]
    return arrays


async def previewed(conn: Conn, remittance: Remittance) -> Sequence[Line]:
    """Lines as `book_lines` will book them, unless their result changes."""
    where = "WHERE merchant_id = $1 AND remittance_id = $2 ORDER BY line, id"
    return await LINES.all(
        conn,
        where,
        remittance.merchant_id,
        remittance.id,
        booked=lambda row: Result(row["result"]) in BOOKED,
    )


async def lock_orders(
    conn: Conn,
    merchant_id: str,
    courier_id: str,
    tracking_numbers: Sequence[str],
    references: Sequence[str],
) -> Sequence[str]:
    """Ids of the courier's orders with one of these parcels or references, locked in the common
    lock order.
    """
    found = await conn.fetch(
        "SELECT id FROM orders WHERE merchant_id = $1 AND id IN ("
        " SELECT order_id FROM parcels WHERE merchant_id = $1 AND courier_id = $2"
        " AND tracking_number = ANY($3::text[])"
        " UNION SELECT id FROM orders WHERE merchant_id = $1 AND courier_id = $2"
        " AND order_reference = ANY($4::text[])) ORDER BY id FOR NO KEY UPDATE",
        merchant_id,
        courier_id,
        list(tracking_numbers),
        list(references),
    )
    return [row["id"] for row in found]


async def owing(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> Sequence[Owing]:
    """Debts of the parcels of these orders, in their order."""
    where = "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) ORDER BY order_id, position"
    return await OWING.all(conn, where, merchant_id, list(order_ids))


async def booked(
    conn: Conn, merchant_id: str, courier_id: str, tracking_numbers: Sequence[str]
) -> Mapping[str, Booked]:
    """What committed lines have booked for these parcels, by tracking number."""
    found = await conn.fetch(
        "SELECT parcel, sum(kept_minor)::bigint AS kept, sum(remitted_minor)::bigint AS remitted,"
        " sum(cleared_minor)::bigint AS cleared,"
        " array_agg(remitted_minor ORDER BY id) AS amounts, array_agg(paid_on ORDER BY id) AS days"
        " FROM remittance_lines WHERE merchant_id = $1 AND courier_id = $2"
        " AND parcel = ANY($3::text[]) AND booked GROUP BY parcel",
        merchant_id,
        courier_id,
        list(tracking_numbers),
    )
    return {row["parcel"]: _booked(**row) for row in found}


def _booked(
    *,
    kept: int,
    remitted: int,
    cleared: int,
    amounts: Sequence[int],
    days: Sequence[date | None],
    **_: str,
) -> Booked:
    return Booked(kept, remitted, frozenset(zip(amounts, days, strict=True)), cleared)
