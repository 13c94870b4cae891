"""Couriers' event files: read whole or refused, and each event counted once."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incasso.cod.v1 import orders_pb2 as pb
from libs import clock
from libs.sheets.cells import AmountStyle, DayOrder
from libs.sheets.limits import Fault
from services.cod.rules import event_files
from services.cod.rules.columns import EventColumns, EventWord
from services.cod.rules.courier_events import NewCourierEvent
from services.cod.rules.couriers import CollectionMode, Mode
from services.cod.rules.event_files import BLOCK, blocks, read
from services.cod.rules.states import ParcelEvent
from tests.services.cod.given import NOW, a_courier
from tests.services.cod.orders import number_of
from tests.services.cod.refusing import refused
from tests.services.cod.uploading import EVENTS, base64_of, event_file, shop_of

COLUMNS = EventColumns(
    tracking_number="Spedizione",
    kind="Esito",
    occurred_at="Data",
    amount="Contrassegno",
    mode="Incasso",
    words=(
        EventWord("consegnato", ParcelEvent.COLLECTED),
        EventWord("ASSENTE", ParcelEvent.ATTEMPT_FAILED),
        EventWord("In transito"),
    ),
)
MODES = (Mode(CollectionMode.CASH, "CONT"), Mode(CollectionMode.BANK_CHEQUE, "AB"))
GLS = a_courier(event_columns=COLUMNS, modes=MODES)
TEN: Any = datetime(2026, 11, 26, 9, 5, tzinfo=UTC)  # 10:05 in Italy


def of(
    text: str, columns: EventColumns = COLUMNS, **more: Any
) -> event_files.Reading[NewCourierEvent]:
    courier = replace(GLS, event_columns=columns, **more)
    return read(f"{EVENTS}\n{text}".encode(), courier, NOW)


def lines_of(*rows: str) -> list[tuple[Any, ...]]:
    return [
        (one.tracking_number, one.kind, one.occurred_at, one.amount_minor, one.mode)
        for one in of("\n".join(rows)).lines
    ]


def day(before: int) -> str:
    return f"{clock.world_now() - timedelta(days=before):%d/%m/%Y}"


async def test_an_event_file_is_applied_once_when_uploaded_twice(world):
    shop = await shop_of(world)
    paid, gone = await shop.dispatched(), await shop.dispatched()
    lines = (  # latest first, as a courier's page shows them
        f"{number_of(gone)};Reso;{day(1)};;",
        f"{number_of(paid)};Consegnato;{day(1)} 10:05;50,00;CONT",
        f"{number_of(gone)};Rifiutato;{day(2)} 10:05;50,00;",
        f"{number_of(paid)};In consegna;{day(1)} 08:00;50,00;",
        f"{number_of(paid)};In transito;{day(2)} 08:00;50,00;",
        f"ABX;Consegnato;{day(2)};1,00;",
    )
    for _ in range(2):
        answer = await event_file(shop, *lines)
        assert (answer.events, answer.exceptions) == (5, 1)
        assert dict(answer.outcomes) == {"applied": 4, "waiting": 1}
    assert (await shop.get(paid.id)).state == pb.CodOrder.STATE_COLLECTED
    assert (await shop.get(gone.id)).state == pb.CodOrder.STATE_RETURNED
    (strange,) = (await shop.call("ListCourierEvents", is_exception=True)).data
    assert strange.tracking_number == "ABX"
    assert (await shop.published(paid.id)).count("order.collected") == 1


async def test_equal_lines_count_separately_in_a_file_and_once_across_files(world):
    shop = await shop_of(world)
    order = await shop.dispatched()
    attempt = f"{number_of(order)};Assente;{day(1)};;"
    await event_file(shop, attempt, attempt)
    await event_file(shop, f"{number_of(order)};In consegna;{day(2)};;", attempt, attempt)
    assert (await shop.get(order.id)).attempts == 2


async def test_events_in_several_blocks_are_applied_in_order_of_time(world):
    shop = await shop_of(world)
    order = await shop.dispatched()
    others = [f"AB{n};Assente;{day(1)};;" for n in range(BLOCK)]
    answer = await event_file(
        shop,
        f"{number_of(order)};Reso;{day(0)};;",
        *others,
        f"{number_of(order)};Rifiutato;{day(1)};;",
    )
    assert (answer.outcomes["applied"], answer.events) == (2, BLOCK + 2)
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_RETURNED


async def test_a_malformed_event_file_records_nothing(world):
    shop = await shop_of(world)
    order = await shop.dispatched()
    good = f"{number_of(order)};Consegnato;26/11/2026;50,00;CONT"
    refusal = await refused(event_file(shop, good, "ABX;Perso;26/11/2026;;"), whole=True)
    assert refusal.reason == "courier_file_unreadable"
    assert [found.description for found in refusal.violations] == [
        "line 3, column 'Esito': is not one of the courier's known words"
    ]
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_DISPATCHED


async def test_an_event_file_needs_columns_and_the_merchants_own_courier(world, stranger):
    shop = await shop_of(world)
    file = base64_of(EVENTS)
    without = await world.courier()
    work = world.call("UploadEventFile", courier_id=without.id, file=file)
    assert await refused(work) == "event_columns_missing"
    work = stranger.call("UploadEventFile", courier_id=shop.courier_id, file=file)
    assert await refused(work) == "courier_not_found"


def test_only_collections_have_an_amount_and_a_mode():
    cash, failed = ParcelEvent.COLLECTED, ParcelEvent.ATTEMPT_FAILED
    assert lines_of(
        "AB1;CONSEGNATO;26/11/2026 10:05;1.234,50;ab",
        "AB2;Consegnato;26/11/2026 10:05;;",
        "AB3;Assente;26/11/2026 10:05;25,00;CONT",
        "AB4;In Transito;26/11/2026 10:05;25,00;CONT",
    ) == [
        ("AB1", cash, TEN, 1234_50, CollectionMode.BANK_CHEQUE),
        ("AB2", cash, TEN, None, None),
        ("AB3", failed, TEN, None, None),
    ]


def test_a_time_column_and_other_amount_and_date_styles_are_read():
    columns = replace(
        COLUMNS, time="Incasso", mode=None, amounts=AmountStyle.POINT, days=DayOrder.YMD
    )
    (found,) = of("AB1;Consegnato;2026-11-26;25.50;10:05", columns).lines
    assert (found.occurred_at, found.amount_minor) == (TEN, 25_50)


def test_a_workbook_yields_the_same_events_as_a_text():
    book = openpyxl.Workbook()
    book.active.append(EVENTS.split(";"))
    book.active.append(
        ["AB1", "Consegnato", datetime.fromisoformat("2026-11-26T10:05"), 1234.5, "CONT"]
    )
    book.active.append(["AB2", "Assente", 46352, None, None])
    buffer = io.BytesIO()
    book.save(buffer)
    text = "AB1;Consegnato;26/11/2026 10:05;1234,50;CONT\nAB2;Assente;26/11/2026;;\n"
    found = read(buffer.getvalue(), GLS, NOW).lines
    assert found == of(text).lines
    assert all(one.event_id.startswith("file-") for one in found)


def test_the_couriers_own_ids_are_kept():
    columns = replace(COLUMNS, event_id="Incasso", mode=None)
    row = "AB1;Assente;26/11/2026;;77"
    assert [one.event_id for one in of(f"{row}\n{row}", columns).lines] == ["77", "77"]
    other = "AB2;Assente;26/11/2026;;77"
    reason = "is already the id of a different event in line 2"
    assert of(f"{row}\n{other}", columns).faults == (Fault(3, "Incasso", reason),)
    assert of("AB1;Assente;26/11/2026;;", columns).faults == (Fault(2, "Incasso", "is empty"),)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (";Assente;26/11/2026;;", "Spedizione", "is empty"),
        ("AB1;;26/11/2026;;", "Esito", "is empty"),
        ("AB1;Assente;;;", "Data", "is empty"),
        ("AB1;Assente;28/11/2026;;", "Data", "is in the future"),
        ("AB1;Assente;26/11/2026 25:00;;", "Data", "is not a valid time of day"),
        ("AB1;Consegnato;26/11/2026;-1,00;", "Contrassegno", "must not be below zero"),
        ("AB1;Consegnato;26/11/2026;1,00;AP", "Incasso", "is not one of the courier's mode codes"),
    ],
)
def test_a_fault_names_its_line_and_column(row, column, reason):
    assert of(row).faults == (Fault(2, column, reason),)


def test_an_event_file_of_more_than_30000_rows_is_refused():
    row = "AB1;In transito;26/11/2026;;\n"
    assert of(row * 30_000).faults == ()
    (fault,) = of(row * 30_001).faults
    assert (fault.line, fault.reason) == (30_002, "has more than 30000 rows: split it")


ROWS = [f"AB{n};Assente;2{day}/11/2026;;" for n in range(2) for day in range(3)]


@given(st.lists(st.sampled_from(ROWS), max_size=12), st.randoms(use_true_random=False))
def test_ids_are_as_many_as_lines_and_do_not_depend_on_their_order(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, again = of("\n".join(rows)).lines, of("\n".join(shuffled)).lines
    assert len({one.event_id for one in first}) == len(rows)
    assert {one.event_id for one in first} == {one.event_id for one in again}


def test_blocks_are_in_order_of_time():
    lines = of("\n".join(f"AB{n};Assente;{10 + n % 10}/11/2026;;" for n in range(BLOCK + 1))).lines
    first, second = blocks(lines)
    assert (len(first), len(second)) == (BLOCK, 1)
    assert max(one.occurred_at for one in first) <= second[0].occurred_at
