"""Rows and dataclasses convert into each other without loss, for every type of column."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

import pytest

from libs import rows
from libs.dataclass_copies import copy_as
from libs.money import Money


class State(Enum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Person:
    name: str | None
    email: str | None


@dataclass(frozen=True)
class Line:
    name: str
    price: Money
    state: State = State.OPEN


@dataclass(frozen=True)
class Proof:
    at: datetime
    by: str | None


@dataclass(frozen=True)
class Account:
    holder: str
    iban: str


@dataclass(frozen=True)
class Order:
    id: str
    state: State
    before: State | None
    price: Money
    most: Money
    buyer: Person
    account: Account | None
    states: tuple[State, ...]
    days: tuple[int, ...]
    lines: tuple[Line, ...]
    proof: Proof | None
    notes: Mapping[str, str]
    made_at: datetime
    kind: str
    watched: bool = False


ORDERS = rows.Table(
    "orders",
    Order,
    spread={"buyer": "buyer_", "account": "bank_"},
    columns={"most": "most_minor most_currency", "kind": "sort"},
    sql={"watched": "due_at IS NOT NULL"},
)
NOW = datetime(2027, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
ORDER = Order(
    id="ord_1",
    state=State.OPEN,
    before=None,
    price=Money(1999, "EUR"),
    most=Money(5000, "JPY"),
    buyer=Person("Giulia", None),
    account=Account("Acme", "IT60X"),
    states=(State.OPEN, State.CLOSED),
    days=(1, 3),
    lines=(Line("Shirt", Money(1999, "EUR"), State.CLOSED),),
    proof=Proof(NOW, None),
    notes={"cart": "7"},
    made_at=NOW,
    kind="small",
)
ROW = {
    "id": "ord_1",
    "state": "open",
    "before": None,
    "price_minor": 1999,
    "currency": "EUR",
    "most_minor": 5000,
    "most_currency": "JPY",
    "buyer_name": "Giulia",
    "buyer_email": None,
    "bank_holder": "Acme",
    "bank_iban": "IT60X",
    "states": ["open", "closed"],
    "days": [1, 3],
    "lines": [
        {
            "name": "Shirt",
            "price": {"amount_minor": 1999, "currency": "EUR"},
            "state": "closed",
        }
    ],
    "proof": {"at": NOW.isoformat(), "by": None},
    "notes": {"cart": "7"},
    "made_at": NOW,
    "sort": "small",
}


def test_a_row_is_read_as_its_dataclass():
    assert ORDERS.read(ROW | {"watched": True}) == replace(ORDER, watched=True)
    assert ORDERS.select.endswith("made_at, sort, due_at IS NOT NULL AS watched FROM orders")


def test_a_dataclass_is_written_as_its_row():
    assert dict(zip(ORDERS.columns, ORDERS.values(ORDER), strict=True)) == ROW


@pytest.mark.parametrize("absent", [{"account": None, "proof": None, "lines": ()}])
def test_absent_values_are_written_as_null_or_empty_and_read_back(absent):
    order = replace(ORDER, **absent)
    written = dict(zip(ORDERS.columns, ORDERS.values(order), strict=True))
    assert written == ROW | {"bank_holder": None, "bank_iban": None, "proof": None, "lines": []}
    assert ORDERS.read(written | {"watched": False}) == order


def test_selected_columns_are_written_in_the_given_order():
    assert ORDERS.values(ORDER, "sort", "price_minor") == ["small", 1999]


def test_several_dataclasses_are_written_as_arrays_by_column():
    assert ORDERS.arrays([ORDER, ORDER], "sort", "price_minor") == [["small"] * 2, [1999] * 2]
    assert ORDERS.arrays([ORDER]) == [[value] for value in ORDERS.values(ORDER)]


def test_json_stored_before_a_field_existed_gets_its_default():
    stored = {"name": "Shirt", "price": {"amount_minor": 1, "currency": "EUR"}, "later": 1}
    assert rows.of_json(Line, stored) == Line("Shirt", Money(1, "EUR"))


def test_statements_name_all_columns_and_number_their_parameters():
    lines = rows.Table("lines", Line)
    assert lines.select == "SELECT name, price_minor, currency, state FROM lines"
    assert lines.insert(made_at="now()", due_at="now() + {}::interval", sort="{}") == (
        "INSERT INTO lines (name, price_minor, currency, state, made_at, due_at, sort)"
        " VALUES ($1, $2, $3, $4, now(), now() + $5::interval, $6)"
    )
    assert rows.assignments(("name", "state"), first=3) == "name = $3, state = $4"
    assert list(lines.marks(5).items())[:2] == [("name", "$5"), ("price_minor", "$6")]


class Recorded:
    """A connection on which each statement affects `count` rows."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.statements: list[tuple[str, tuple[object, ...]]] = []

    async def execute(self, sql: str, *args: object) -> int:
        self.statements.append((sql, args))
        return self.count


@dataclass(frozen=True)
class Thing:
    merchant_id: str
    id: str
    state: State


@pytest.mark.parametrize(("count", "changed"), [(0, False), (1, True)])
async def test_a_row_is_updated_by_merchant_and_id_if_the_condition_holds(count, changed):
    conn, thing = Recorded(count), Thing("mer_1", "thg_1", State.OPEN)
    things = rows.Table("things", Thing)
    assert (
        await things.change(conn, thing, "state = $3", "closed", only="state = 'open'") is changed
    )
    assert await things.change_at(conn, "mer_1", "thg_1", "state = $3", "closed") is changed
    await things.add(conn, thing)
    assert conn.statements == [
        (
            "UPDATE things SET state = $3 WHERE merchant_id = $1 AND id = $2 AND state = 'open'",
            ("mer_1", "thg_1", "closed"),
        ),
        (
            "UPDATE things SET state = $3 WHERE merchant_id = $1 AND id = $2 AND true",
            ("mer_1", "thg_1", "closed"),
        ),
        (
            "INSERT INTO things (merchant_id, id, state) VALUES ($1, $2, $3)",
            ("mer_1", "thg_1", "open"),
        ),
    ]


@dataclass(frozen=True)
class Sold:
    name: str
    price: Money
    state: State
    buyer: str


def test_a_dataclass_is_copied_from_anothers_fields():
    assert copy_as(
        Line, Sold("Shirt", Money(1, "EUR"), State.CLOSED, "Giulia"), price=Money(2, "EUR")
    ) == Line("Shirt", Money(2, "EUR"), State.CLOSED)
    with pytest.raises(TypeError, match="price"):
        copy_as(Line, Thing("mer_1", "thg_1", State.OPEN), name="Shirt")
