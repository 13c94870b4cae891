"""Couriers' manifests: the amounts that they announce decide whether an order may be dispatched."""

import io
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from incasso.cod.v1 import orders_pb2 as pb
from libs.sheets.cells import AmountStyle
from libs.sheets.limits import Fault
from services.cod.rules import manifest_files
from services.cod.rules.columns import ManifestColumns
from services.cod.rules.manifest_files import BLOCK, blocks, read
from services.cod.rules.parcels import AcknowledgedParcel
from tests.services.cod.given import a_courier
from tests.services.cod.refusing import refused
from tests.services.cod.uploading import MANIFEST, announced, base64_of, manifest, shop_of

Outcome = pb.CodAcknowledgement
COLUMNS = ManifestColumns(
    tracking_number="Spedizione", sender_reference="Rif. mittente", to_collect="Contrassegno"
)
GLS = a_courier(manifest_columns=COLUMNS)


def of(text: str, **more: Any) -> manifest_files.Reading[AcknowledgedParcel]:
    return read(f"{MANIFEST}\n{text}".encode(), replace(GLS, **more))


async def test_only_orders_whose_manifest_amount_matches_can_be_dispatched(world):
    shop = await shop_of(world)
    right, wrong = await shop.propose(), await shop.propose()
    lines = (announced(right), announced(wrong, "49,99"), "ABX;nobody's;12,00", "ABY;paid before;")
    for _ in range(2):  # the same file leads to the same state
        answer = await manifest(shop, *lines)
        assert (answer.parcels, answer.orders) == (4, 4)
        assert dict(answer.outcomes) == {"matched": 1, "differs": 1, "order_unknown": 2}
        assert [
            (one.order_reference, one.outcome, one.acknowledged_minor) for one in answer.exceptions
        ] == [
            (wrong.order_reference, Outcome.OUTCOME_DIFFERS, 49_99),
            ("nobody's", Outcome.OUTCOME_ORDER_UNKNOWN, 12_00),
        ]
    assert (await shop.dispatch(right)).state == pb.CodOrder.STATE_DISPATCHED
    assert await refused(shop.dispatch(wrong)) == "cod_amount_not_acknowledged"
    assert (await manifest(shop, *lines)).outcomes["matched"] == 1, "after the dispatch, too"


async def test_parcels_of_one_order_are_summed_anywhere_in_the_manifest(world):
    shop = await shop_of(world)
    order = await shop.propose()
    between = [f"AB{n};other {n};" for n in range(BLOCK)]
    answer = await manifest(
        shop, announced(order, "20,00"), *between, announced(order, "30", parcel=1)
    )
    assert answer.outcomes["matched"] == 1
    assert len((await shop.get(order.id)).parcels) == 2


async def test_a_tracking_number_of_two_orders_is_recorded_for_neither(world):
    """Otherwise the first of the two would get the other's parcel."""
    shop = await shop_of(world)
    first, second = await shop.propose(), await shop.propose()
    between = [f"AB{n};other {n};" for n in range(BLOCK)]
    taken = f"{first.id[4:]}-0;{second.order_reference};50,00"
    answer = await manifest(shop, announced(first), *between, taken)
    assert answer.outcomes["tracking_number_taken"] == 2
    for order in (first, second):
        assert not (await shop.get(order.id)).parcels


async def test_a_malformed_manifest_records_nothing(world):
    shop = await shop_of(world)
    order = await shop.propose()
    refusal = await refused(manifest(shop, announced(order), "ABX;O-2;fifty"), whole=True)
    assert refusal.reason == "courier_file_unreadable"
    assert [(found.field, found.description) for found in refusal.violations] == [
        ("file", "line 3, column 'Contrassegno': is not an amount like 1.234,50")
    ]
    assert not (await shop.get(order.id)).parcels


async def test_a_manifest_needs_columns_and_the_merchants_own_courier(world, stranger):
    shop = await shop_of(world)
    file = base64_of(MANIFEST)
    without = await world.courier()
    work = world.call("UploadManifest", courier_id=without.id, file=file)
    assert await refused(work) == "manifest_columns_missing"
    work = stranger.call("UploadManifest", courier_id=shop.courier_id, file=file)
    assert await refused(work) == "courier_not_found"
    work = shop.call("UploadManifest", courier_id=shop.courier_id, file="no base64!")
    assert await refused(work) == "invalid_argument"


@pytest.mark.parametrize(
    ("style", "amount"),
    [
        (AmountStyle.COMMA, "1.234,50"),
        (AmountStyle.POINT, "1234.50"),
        (AmountStyle.MINOR, "123450"),
    ],
)
def test_manifest_amounts_are_read_in_the_couriers_style(style, amount):
    found = of(f"AB1;O-1;{amount}\n", manifest_amounts=style)
    assert found.lines == (AcknowledgedParcel("O-1", "AB1", 1234_50),)


def test_a_workbook_with_its_header_in_line_four_and_a_total_is_read():
    book = openpyxl.Workbook()
    for row in (
        ["Distinta"],
        [],
        [],
        MANIFEST.split(";"),
        [123, "O-1", 25.5],
        ["AB2", 77, 0.1 + 0.2],
        ["Totale", None, 25.8],
    ):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    courier = replace(GLS, manifest_columns=replace(COLUMNS, header_row=4))
    assert read(buffer.getvalue(), courier).lines == (
        AcknowledgedParcel("O-1", "123", 25_50),
        AcknowledgedParcel("77", "AB2", 30),
    )


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (";O-1;25,00", "Spedizione", "is empty"),
        ("AB1;;25,00", "Rif. mittente", "is empty, although there is money to collect"),
        ("AB1;O-1;-25,00", "Contrassegno", "must not be below zero"),
        (f"{'A' * 61};O-1;25,00", "Spedizione", "has more than 60 characters"),
        ("AB1;O-1;25,00\nTotale;;26,00", "Contrassegno", "is not the sum of the lines above"),
    ],
)
def test_a_fault_names_its_line_and_column(row, column, reason):
    assert of(row).faults == (Fault(row.count("\n") + 2, column, reason),)


def test_a_parcel_without_reference_and_amount_is_left_out():
    assert of("AB1;;\nAB2;;0,00\n").lines == ()


def test_a_block_never_splits_an_order():
    lines = [AcknowledgedParcel(f"O-{n % 150}", f"AB{n}", 0) for n in range(1_000)]
    found = list(blocks(lines))
    assert sorted(one.tracking_number for block in found for one in block) == sorted(
        one.tracking_number for one in lines
    )
    assert all(len(block) <= BLOCK for block in found)
    names = [{one.order_reference for one in block} for block in found]
    assert sum(map(len, names)) == len(set().union(*names)) == 150
