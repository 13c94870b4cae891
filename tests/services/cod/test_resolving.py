"""Lines of remittances that a person resolves: booked where they say, never beyond what is owed, or closed."""

import asyncio
from typing import Any

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import remittances_pb2 as pb
from libs.errors import Refusal
from tests.services.cod.orders import Shop, event, number_of
from tests.services.cod.remitting import (
    collected_order,
    commit,
    committed,
    line,
    lines_of,
    resolve,
    results,
    shop_of,
    state_of,
    uploaded,
)

LINE_RESOLVED = "remittance.line_resolved"


@pytest.fixture
async def shop(world) -> Shop:
    return await shop_of(world)


async def refused(call: Any) -> Refusal:
    with pytest.raises(Refusal) as found:
        await call
    return found.value


async def twice_paid(shop: Shop) -> tuple[Any, pb.CodRemittance, list[pb.CodRemittanceLine]]:
    """An order with two equal lines, which are suggestions."""
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 47_00), line(order, 47_00))
    return order, remittance, list(await lines_of(shop, remittance))


async def test_an_accepted_suggestion_is_booked_and_remits_the_order(shop: Shop):
    order, remittance, (first, _) = await twice_paid(shop)
    found = await resolve(shop, first, cod_order_id=order.id, resolution="By the receipt")
    assert (found.result, found.result_before) == (
        pb.REMITTANCE_RESULT_MATCHED,
        pb.REMITTANCE_RESULT_SUGGESTED,
    )
    assert (found.kept_minor, found.remitted_minor, found.shortage_minor) == (3_00, 47_00, 0)
    assert (found.resolved_by, found.resolution) == ("key_1", "By the receipt")
    assert found.HasField("resolved_at")
    assert list(found.suggestions) == [order.id]  # the earlier suggestion stays
    assert await state_of(shop, order) == "remitted"
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderRemitted, "order.remitted")
    remitted = payload.remitted
    assert (remitted.remittance_id, remitted.remitted_minor) == (remittance.id, 47_00)
    (payload,) = await shop.bodies(
        remittance.id, events_pb2.CodRemittanceLineResolved, LINE_RESOLVED
    )
    assert (payload.line, payload.courier_id, payload.currency) == (found, shop.courier_id, "EUR")


async def test_the_second_of_two_equal_lines_can_only_be_closed(shop: Shop):
    order, remittance, (first, second) = await twice_paid(shop)
    await resolve(shop, first, cod_order_id=order.id)
    refusal = await refused(resolve(shop, second, cod_order_id=order.id))
    assert (refusal.reason, dict(refusal.facts)) == (
        "remittance_line_not_fitting",
        {"result": "duplicate"},
    )
    (left,) = await lines_of(shop, remittance, is_exception=True)
    assert left.id == second.id
    closed = await resolve(shop, second, closed_as="given_back", resolution="On 3 December")
    assert (closed.closed_as, closed.cleared_minor) == (pb.REMITTANCE_CLOSING_GIVEN_BACK, 0)
    assert not closed.cod_order_id
    assert not await lines_of(shop, remittance, is_exception=True)
    found = (await shop.call("GetRemittance", remittance_id=remittance.id)).remittance
    assert (results(found), found.exceptions) == ({"matched": 1, "suggested": 1}, 0)


async def test_a_repeated_resolution_changes_nothing_and_another_is_refused(shop: Shop):
    order, remittance, (first, second) = await twice_paid(shop)
    booked = await resolve(shop, first, cod_order_id=order.id)
    assert await resolve(shop, first, cod_order_id=order.id, resolution="Again") == booked
    closed = await resolve(shop, second, closed_as="not_ours", resolution="Another shop's")
    assert await resolve(shop, second, closed_as="not_ours", resolution="Again") == closed
    other_ways = (
        (first, {"closed_as": "settled"}, {"cod_order_id": order.id}),
        (first, {"cod_order_id": order.id, "tracking_number": "X"}, {"cod_order_id": order.id}),
        (second, {"cod_order_id": order.id}, {"closed_as": "not_ours"}),
        (second, {"closed_as": "given_back"}, {"closed_as": "not_ours"}),
    )
    for one, otherwise, known in other_ways:
        refusal = await refused(resolve(shop, one, resolution="Otherwise", **otherwise))
        assert refusal.reason == "remittance_line_resolved"
        assert known.items() <= dict(refusal.facts).items()
    payloads = await shop.bodies(remittance.id, events_pb2.CodRemittanceLineResolved, LINE_RESOLVED)
    assert [each.line.id for each in payloads] == [first.id, second.id]


async def test_the_same_key_returns_the_same_line_and_another_body_is_refused(shop: Shop):
    order, _, (first, _) = await twice_paid(shop)
    booked = await resolve(shop, first, key="k1", cod_order_id=order.id)
    assert await resolve(shop, first, key="k1", cod_order_id=order.id) == booked
    refusal = await refused(resolve(shop, first, key="k1", closed_as="settled", resolution="x"))
    assert refusal.reason == "idempotency_key_reused"


async def test_previews_and_matched_lines_cannot_be_resolved(shop: Shop):
    order = await collected_order(shop)
    remittance = await uploaded(shop, line(order, 47_00), line(None, 1_00, number="X"))
    fine, unknown = await lines_of(shop, remittance)
    words = {"closed_as": "not_ours", "resolution": "Another shop's"}
    assert (await refused(resolve(shop, unknown, **words))).reason == "remittance_not_committed"
    await commit(shop, remittance)
    assert (await refused(resolve(shop, fine, **words))).reason == "remittance_line_not_exception"
    assert (await resolve(shop, unknown, **words)).resolution == "Another shop's"


async def test_lines_of_other_merchants_and_remittances_are_not_found(shop: Shop, stranger: Shop):
    order, remittance, (first, _) = await twice_paid(shop)
    other = await committed(shop, line(None, 1_00, number="X"))
    words = {"remittance_line_id": first.id, "cod_order_id": order.id}
    refusal = await refused(shop.call("ResolveRemittanceLine", remittance_id=other.id, **words))
    assert refusal.reason == "remittance_line_not_found"
    refusal = await refused(
        stranger.call("ResolveRemittanceLine", remittance_id=remittance.id, **words)
    )
    assert refusal.reason == "remittance_not_found"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({}, "closed_as"),
        ({"cod_order_id": "cod_1", "closed_as": "settled", "resolution": "x"}, "closed_as"),
        ({"closed_as": "settled", "tracking_number": "X", "resolution": "x"}, "tracking_number"),
        ({"closed_as": "settled"}, "resolution"),
        ({"closed_as": "written_off", "resolution": "x"}, "closed_as"),
    ],
)
async def test_an_incomplete_or_contradictory_resolution_is_refused_by_field(
    shop: Shop, words, field
):
    _, _, (first, _) = await twice_paid(shop)
    refusal = await refused(resolve(shop, first, **words))
    assert (refusal.reason, refusal.violations[0].field) == ("invalid_argument", field)


async def test_an_unknown_line_can_be_booked_once_its_order_is_dispatched(shop: Shop):
    order = await shop.propose()
    remittance = await committed(shop, line(order, 47_00))
    (unknown,) = await lines_of(shop, remittance)
    refusal = await refused(resolve(shop, unknown, cod_order_id=order.id))
    assert dict(refusal.facts) == {"result": "unknown"}
    await shop.acknowledge(order)
    refusal = await refused(resolve(shop, unknown, cod_order_id=order.id))
    assert dict(refusal.facts) == {"result": "not_owed"}
    await shop.dispatch(order)
    found = await resolve(shop, unknown, cod_order_id=order.id)
    assert (found.cod_order_id, found.result) == (order.id, pb.REMITTANCE_RESULT_MATCHED)
    assert await state_of(shop, order) == "remitted"  # passed on, so collected


async def test_an_outdated_suggestion_is_refused_with_its_current_result(shop: Shop):
    """The parcel has come back since, so its courier owes nothing for it."""
    order = await shop.dispatched()
    remittance = await committed(shop, line(order, 47_00), line(order, 47_00))
    first, _ = await lines_of(shop, remittance)
    await shop.report(event(order, "returned"))
    refusal = await refused(resolve(shop, first, cod_order_id=order.id))
    assert dict(refusal.facts) == {"result": "returned_with_money"}
    assert await state_of(shop, order) == "returned"


async def test_an_order_that_the_line_does_not_name_is_refused(shop: Shop):
    _, _, (first, _) = await twice_paid(shop)
    other = await collected_order(shop)
    refusal = await refused(resolve(shop, first, cod_order_id=other.id))
    assert refusal.reason == "remittance_line_not_fitting"
    assert await state_of(shop, other) == "collected"


async def test_an_order_in_two_parcels_needs_a_tracking_number(shop: Shop):
    order = await collected_order(shop, 50_00, 50_00)
    row = line(None, 47_00, number="?", reference=order.order_reference)
    remittance = await committed(shop, row, row)
    first, second = await lines_of(shop, remittance)
    refusal = await refused(resolve(shop, first, cod_order_id=order.id))
    assert refusal.violations[0].field == "tracking_number"
    number = number_of(order, 1)
    await resolve(shop, first, cod_order_id=order.id, tracking_number=number)
    assert await state_of(shop, order) == "collected"
    await resolve(shop, second, cod_order_id=order.id)  # on the remaining parcel
    assert await state_of(shop, order) == "remitted"


@pytest.mark.parametrize(("closed_as", "word"), [("written_off", 3), ("settled", 4)])
async def test_a_written_off_or_settled_shortage_remits_the_order(shop, closed_as, word):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 40_00))
    (short,) = await lines_of(shop, remittance)
    assert await state_of(shop, order) == "short"
    refusal = await refused(resolve(shop, short, cod_order_id=order.id))
    assert dict(refusal.facts) == {"result": "short"}  # already booked
    wrong = resolve(shop, short, closed_as="given_back", resolution="x")
    assert (await refused(wrong)).violations[0].field == "closed_as"
    found = await resolve(shop, short, closed_as=closed_as, resolution="Agreed by phone")
    assert (found.closed_as, found.cleared_minor, found.shortage_minor) == (word, 7_00, 7_00)
    assert await state_of(shop, order) == "remitted"
    assert not (await shop.call("GetCodAgeing")).data
    rest = await committed(shop, line(order, 7_00, collected=7_00, cut=0))
    assert results(rest) == {"duplicate": 1}  # a person sees that it arrived after all


async def test_a_write_off_excludes_money_that_arrived_since(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 40_00))
    (short,) = await lines_of(shop, remittance)
    await committed(shop, line(order, 5_00, collected=5_00, cut=0))
    found = await resolve(shop, short, closed_as="written_off", resolution="The rest")
    assert found.cleared_minor == 2_00
    assert await state_of(shop, order) == "remitted"


async def test_writing_off_one_parcel_leaves_the_others_owed(shop: Shop):
    order = await collected_order(shop, 30_00, 20_00)
    remittance = await committed(shop, line(order, 20_00, collected=30_00))
    (short,) = await lines_of(shop, remittance)
    await resolve(shop, short, closed_as="written_off", resolution="Lost")
    assert await state_of(shop, order) == "collected"
    (owed,) = (await shop.call("GetCodAgeing")).data
    assert owed.open_minor == 20_00
    second = line(order, 17_00, collected=20_00, number=number_of(order, 1))
    await committed(shop, second)
    assert await state_of(shop, order) == "remitted"


async def test_concurrent_resolutions_book_once(shop: Shop):
    order, remittance, (first, second) = await twice_paid(shop)
    answers = await asyncio.gather(
        *(resolve(shop, one, cod_order_id=order.id) for one in (first, second) * 3),
        return_exceptions=True,
    )
    booked = {each.id for each in answers if not isinstance(each, BaseException)}
    assert len(booked) == 1
    assert {each.reason for each in answers if isinstance(each, Refusal)} == {
        "remittance_line_not_fitting"
    }
    assert (await shop.published(order.id)).count("order.remitted") == 1
    assert len(await lines_of(shop, remittance, is_exception=True)) == 1
