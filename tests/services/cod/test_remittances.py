"""Remittance files from upload to booking: previewed, committed once, and exceptions left for a person."""

import base64
from datetime import UTC, datetime

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import remittances_pb2 as pb
from incasso.cod.v1.remittances_pb2 import CodRemittance
from libs.errors import Refusal
from tests.services.cod.orders import Shop, event, number_of
from tests.services.cod.remitting import (
    DAY,
    HEADER,
    base64_of,
    collected_order,
    commit,
    committed,
    line,
    lines_of,
    results,
    shop_of,
    state_of,
    uploaded,
)


@pytest.fixture
async def shop(world) -> Shop:
    return await shop_of(world)


async def test_a_commit_remits_the_order_and_reports_the_amounts_to_the_ledger(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 47_00))
    assert remittance.state == CodRemittance.STATE_COMMITTED
    assert await state_of(shop, order) == "remitted"
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderRemitted, "order.remitted")
    assert payload.remitted.remittance_id == remittance.id
    assert (payload.remitted.remitted_minor, payload.remitted.kept_minor) == (47_00, 3_00)
    (shown,) = await lines_of(shop, remittance)
    assert (shown.line, shown.cod_order_id, shown.paid_on) == (2, order.id, "2026-11-26")
    assert (shown.kept_minor, shown.remitted_minor, shown.shortage_minor) == (3_00, 47_00, 0)


async def test_the_same_file_twice_is_the_same_remittance(shop: Shop):
    order = await collected_order(shop)
    first = await committed(shop, line(order, 47_00))
    again = await uploaded(shop, line(order, 47_00))
    assert again == first
    assert await commit(shop, again) == first
    assert (await shop.published(order.id)).count("order.remitted") == 1


async def test_files_that_overlap_book_each_line_once(shop: Shop):
    first, second = await collected_order(shop), await collected_order(shop)
    await committed(shop, line(first, 47_00))
    overlapping = await committed(shop, line(first, 47_00), line(second, 47_00))
    assert results(overlapping) == {"duplicate": 1, "matched": 1}
    assert (await shop.published(first.id)).count("order.remitted") == 1
    assert await state_of(shop, second) == "remitted"


async def test_a_short_order_is_remitted_when_the_rest_arrives(shop: Shop):
    order = await collected_order(shop)
    short = await committed(shop, line(order, 46_50), tolerance_minor=2)
    assert (results(short), short.exceptions) == ({"short": 1}, 1)
    assert await state_of(shop, order) == "short"
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderShort, "order.short")
    assert payload.remitted.shortage_minor == 50
    (shown,) = await lines_of(shop, short, is_exception=True)
    assert shown.shortage_minor == 50
    rest = await committed(shop, line(order, 50, collected=50, cut=0))
    assert results(rest) == {"matched": 1}
    assert await state_of(shop, order) == "remitted"


async def test_an_upload_can_override_the_couriers_tolerance(world):
    shop = await shop_of(world, remittance_tolerance_minor=2)
    first, second = await collected_order(shop), await collected_order(shop)
    lines = (line(first, 46_98, cut=3_02), line(second, 46_98))
    exact = await uploaded(shop, *lines, tolerance_minor=0)
    assert (exact.tolerance_minor, results(exact)) == (0, {"cut_wrong": 1, "short": 1})
    usual = await committed(shop, *lines, "")
    assert (usual.tolerance_minor, results(usual)) == (2, {"matched": 2})
    assert [await state_of(shop, each) for each in (first, second)] == ["remitted", "remitted"]


async def test_an_excessive_cut_makes_the_order_short(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 45_00, cut=5_00))
    assert results(remittance) == {"cut_wrong": 1}
    assert await state_of(shop, order) == "short"
    (shown,) = await lines_of(shop, remittance)
    assert (shown.cut_minor, shown.kept_minor, shown.shortage_minor) == (5_00, 3_00, 2_00)


async def test_two_equal_lines_of_a_file_are_suggestions(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 47_00), line(order, 47_00))
    assert results(remittance) == {"suggested": 2}
    shown = await lines_of(shop, remittance)
    assert [(each.line, list(each.suggestions)) for each in shown] == [
        (2, [order.id]),
        (3, [order.id]),
    ]
    assert await state_of(shop, order) == "collected"


async def test_a_reference_finds_the_order_when_the_number_is_unknown(shop: Shop):
    order = await collected_order(shop)
    row = line(order, 47_00, number="X-1", reference=order.order_reference)
    assert results(await committed(shop, row)) == {"matched": 1}
    assert await state_of(shop, order) == "remitted"


async def test_a_remittance_marks_an_unreported_collection_as_collected(shop: Shop):
    order = await shop.dispatched()
    await committed(shop, line(order, 47_00))
    assert await state_of(shop, order) == "remitted"
    published = await shop.published(order.id)
    assert published[-3:] == ["parcel.collected", "order.collected", "order.remitted"]


async def test_an_order_in_two_parcels_is_remitted_with_the_second(shop: Shop):
    order = await collected_order(shop, 30_00, 20_00)
    first = line(order, 27_00, collected=30_00)
    second = line(order, 17_00, collected=20_00, number=number_of(order, 1))
    await committed(shop, first)
    assert await state_of(shop, order) == "collected"
    await committed(shop, second)
    assert await state_of(shop, order) == "remitted"
    assert (await shop.published(order.id))[-2:] == ["order.partly_remitted", "order.remitted"]


async def test_lines_for_parcels_that_owe_nothing_are_exceptions(shop: Shop):
    back = await shop.dispatched()
    await shop.report(event(back, "returned"))
    proposed = await shop.propose(50_00)
    await shop.acknowledge(proposed)
    remittance = await committed(
        shop,
        line(back, 47_00),
        line(back, 0, number=f"{number_of(back)} ", word="Reso"),
        line(proposed, 47_00),
        line(None, 10_00, number="NOBODY"),
    )
    assert results(remittance) == {"suggested": 2, "not_owed": 1, "unknown": 1}
    assert (await state_of(shop, back), remittance.exceptions) == ("returned", 4)
    alone = await committed(shop, line(back, 47_00))
    assert results(alone) == {"returned_with_money": 1}


async def test_a_malformed_file_is_refused_with_its_line_and_not_stored(shop: Shop):
    order = await collected_order(shop)
    with pytest.raises(Refusal) as refused:
        await uploaded(shop, line(order, 47_00), "AB1;;x;3,00;47,00;26/11/2026;Consegnato")
    assert refused.value.reason == "remittance_unreadable"
    (violation,) = refused.value.violations
    assert violation.field == "file"
    assert violation.description.startswith("line 3, column 'Contrassegno': is not an amount")
    assert not (await shop.call("ListRemittances")).data


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("€", "invalid_argument"),
        ("x" * 50_000, "remittance_unreadable"),
        ("AAAA", "remittance_unreadable"),
        ("", "invalid_argument"),
    ],
)
async def test_an_unreadable_upload_is_refused(shop: Shop, file: str, reason: str):
    with pytest.raises(Refusal) as refused:
        await shop.call("UploadRemittance", courier_id=shop.courier_id, file=file)
    assert refused.value.reason == reason


async def test_a_7_mb_file_is_read_and_a_9_mb_file_is_refused(shop: Shop):
    async def reason(megabytes: int) -> tuple[str, str]:
        file = base64.b64encode(b"Nothing\n" * megabytes * 125_000).decode()
        with pytest.raises(Refusal) as refused:
            await shop.call("UploadRemittance", courier_id=shop.courier_id, file=file)
        return refused.value.reason, refused.value.violations[0].description

    code, description = await reason(7)  # messages of other calls are never this large
    assert code == "remittance_unreadable"
    assert "is missing from the header" in description
    assert await reason(9) == ("invalid_argument", "must have at most 11184812 characters")


async def test_a_courier_needs_columns_before_its_files_are_read(world):
    courier = await world.courier(remittance_columns=None)
    with pytest.raises(Refusal) as refused:
        await world.call("UploadRemittance", courier_id=courier.id, file=base64_of())
    assert refused.value.reason == "remittance_columns_missing"


async def test_another_merchant_finds_no_remittance(shop: Shop, stranger: Shop):
    remittance = await uploaded(shop, line(None, 1_00, number="X"))
    for rpc in ("GetRemittance", "CommitRemittance", "ListRemittanceLines"):
        with pytest.raises(Refusal) as refused:
            await stranger.call(rpc, remittance_id=remittance.id)
        assert refused.value.reason == "remittance_not_found"
    with pytest.raises(Refusal) as refused:
        await stranger.call("UploadRemittance", courier_id=shop.courier_id, file=base64_of())
    assert refused.value.reason == "courier_not_found"


async def test_remittances_and_lines_are_filtered(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 47_00), line(None, 1_00, number="X"))
    (only,) = (await shop.call("ListRemittances", state="STATE_COMMITTED")).data
    assert only.id == remittance.id
    (unknown,) = await lines_of(shop, remittance, result="REMITTANCE_RESULT_UNKNOWN")
    assert unknown.tracking_number == "X"
    (fine,) = await lines_of(shop, remittance, is_exception=False)
    assert fine.cod_order_id == order.id


async def test_a_collection_has_the_date_of_the_remittance_file(shop: Shop):
    order = await shop.dispatched()
    shop.world.ahead = datetime(2027, 3, 1, tzinfo=UTC) - datetime.now(UTC)
    await committed(shop, line(order, 47_00))
    found = await shop.get(order.id)
    assert found.collected_at.ToDatetime(UTC) == datetime(2026, 11, 26, tzinfo=UTC)


async def test_a_file_with_lines_of_many_kinds_is_matched_by_line_and_booked_once(shop: Shop):
    """The courier writes points in thousands, semicolons and a byte order mark."""
    paid = await collected_order(shop, 1_000_00)
    short, back, refused, twice = [await shop.dispatched() for _ in range(4)]
    await shop.report(event(short, "collected"), event(back, "returned"), event(refused, "refused"))
    rows = (
        f"{number_of(paid)};;1.000,00;30,00;970,00;{DAY};Consegnato",
        line(short, 46_50),
        f"{number_of(back)};;;;;{DAY};Reso",
        line(refused, 47_00),
        line(None, 12_00, number="NOBODY"),
        line(twice, 47_00),
        line(twice, 47_00),
    )
    text = "\n".join((HEADER, *rows)).encode("utf-8-sig")
    file = {"courier_id": shop.courier_id, "file": base64.b64encode(text).decode()}
    upload = {**file, "tolerance_minor": 2}
    remittance = await commit(shop, (await shop.call("UploadRemittance", **upload)).remittance)
    found = [pb.RemittanceResult.Name(each.result) for each in await lines_of(shop, remittance)]
    assert [name.removeprefix("REMITTANCE_RESULT_").lower() for name in found] == [
        "matched",
        "short",
        "came_back",
        "returned_with_money",
        "unknown",
        "suggested",
        "suggested",
    ]
    states = [await state_of(shop, order) for order in (paid, short, back, refused, twice)]
    assert states == ["remitted", "short", "returned", "refused", "dispatched"]
    again = (await shop.call("UploadRemittance", **upload)).remittance
    assert await commit(shop, again) == remittance
    assert (await shop.published(paid.id)).count("order.remitted") == 1
