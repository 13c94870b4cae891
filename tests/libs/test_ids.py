from datetime import date, timedelta

import pytest

from libs import ids, pages
from libs.errors import CursorInvalid


def test_ids_sort_by_time_and_carry_their_prefix():
    made = [ids.new("pay") for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert all(ids.is_id(text, "pay") for text in made)
    assert not ids.is_id(made[0], "ref")
    assert not ids.is_id("pay_short", "pay")


def test_ids_of_the_last_hour_are_found_by_one_comparison():
    made = ids.new("pay")
    assert ids.is_id(ids.earliest("pay", ago=timedelta(hours=1)), "pay")
    assert ids.earliest("pay", ago=timedelta(hours=1)) < made
    assert made < ids.earliest("pay", ago=-timedelta(hours=1))


def test_a_derived_id_is_stable_and_sorts_by_its_day():
    days = [date(1, 1, 1), date(2026, 4, 7), date(2026, 4, 8), date(9999, 12, 31)]
    made = [ids.derived("bln", "what it says", on=day) for day in days]
    assert made == sorted(made)
    assert made == [ids.derived("bln", "what it says", on=day) for day in days]
    assert all(ids.is_id(text, "bln") for text in made)
    assert ids.derived("bln", "something else", on=days[1]) != made[1]


class Row:
    def __init__(self, number):
        self.id = number


def test_a_page_ends_with_a_cursor_that_continues_it():
    first = pages.page_of(limit=2, cursor="", prefix="pay")
    rows = sorted((Row(ids.new("pay")) for _ in range(3)), key=lambda row: row.id, reverse=True)
    assert all(row.id < first.before for row in rows)
    kept, cursor = pages.cut(rows, first)
    assert [row.id for row in kept] == [rows[0].id, rows[1].id]
    second = pages.page_of(limit=2, cursor=cursor, prefix="pay")
    assert second.before == rows[1].id
    assert pages.cut(rows[2:], second) == (rows[2:], "")


@pytest.mark.parametrize("cursor", ["x", "%%%", "cGF5Xw==", "ZZZZ", "é"])
def test_a_made_up_cursor_is_refused(cursor):
    with pytest.raises(CursorInvalid):
        pages.page_of(limit=0, cursor=cursor, prefix="pay")
