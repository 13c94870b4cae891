"""Orders that are changed before they are dispatched."""

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs import ids
from tests.services.cod.orders import GIULIA, ROME
from tests.services.cod.refusing import refused

MILAN = {"street": "Corso Buenos Aires 1", "postcode": "20124", "town": "Milano", "country": "IT"}
FEE = {"tiers": [{"fixed_minor": 1_00}, {"from_minor": 100_00, "fixed_minor": 3_00}]}


async def change(shop, order, **more):
    fields = {"cod_order_id": order.id, "key": ids.new("key"), **more}
    return (await shop.call("ChangeCodOrder", **fields)).order


async def test_a_changed_amount_or_mode_recomputes_the_fee_by_the_current_rule(shop):
    await shop.world.settings(sells_to_consumers=False, fee=FEE)
    order = await shop.propose(50_00)
    assert order.to_collect_minor == 51_00
    moved = await change(shop, order, address=MILAN)  # another address does not change the fee
    assert (moved.to_collect_minor, moved.address.town) == (51_00, "Milano")
    dearer = await change(shop, order, amount_minor=120_00)
    assert (dearer.fee_minor, dearer.to_collect_minor) == (3_00, 123_00)
    await shop.world.settings(fee={"tiers": [{"fixed_minor": 2_00}]})
    again = await change(shop, order, mode="COLLECTION_MODE_CASHIERS_CHEQUE")
    assert again.to_collect_minor == 122_00
    assert (await change(shop, order, mode="COLLECTION_MODE_CASH")).to_collect_minor == 122_00


async def test_changes_are_recorded_and_reported_with_the_previous_values(shop):
    order = await shop.propose(50_00)
    await change(shop, order, amount_minor=40_00)
    await change(shop, order, address=MILAN, recipient={**GIULIA, "name": "Giulia B."})
    page = await shop.call("ListCodOrderChanges", cod_order_id=order.id)
    second, first = page.data
    assert (first.to_collect_minor, second.to_collect_minor) == (50_00, 40_00)
    assert (second.address.town, second.recipient.name) == ("Roma", "Giulia Bianchi")
    assert second.changed_by == "key_1"
    payloads = await shop.bodies(order.id, events_pb2.CodOrderChanged, "order.changed")
    assert [one.to_collect_before_minor for one in payloads] == [50_00, 40_00]
    assert payloads[-1].order == await shop.as_published(order.id)
    assert payloads[-1].order.changes == 2
    messages = await shop.messages(order.id)
    reasons = {message.reason for message in messages}
    assert reasons == {events_pb2.CodMessageRequested.REASON_CHANGED}


async def test_a_change_to_the_same_values_changes_nothing(shop):
    order = await shop.propose(50_00)
    assert await change(shop, order, amount_minor=50_00, address=ROME) == order
    assert (await shop.published(order.id))[-1] == "order.confirmed"


async def test_the_same_key_changes_once(shop):
    order, key = await shop.propose(50_00), ids.new("key")
    first = await change(shop, order, amount_minor=40_00, key=key)
    await change(shop, order, amount_minor=30_00)
    assert await change(shop, order, amount_minor=40_00, key=key) == first
    assert (await shop.get(order.id)).to_collect_minor == 30_00


async def test_lines_are_kept_replaced_or_dropped_with_a_change_of_the_amount(shop):
    lines = [{"name": "Scarpe", "quantity": 1, "unit_amount_minor": 50_00}]
    order = await shop.propose(50_00, lines=lines)
    assert list((await change(shop, order, address=MILAN)).lines) == list(order.lines)
    more = [*lines, {"name": "Lacci", "quantity": 2, "unit_amount_minor": 2_50}]
    fuller = await change(shop, order, lines=more)
    assert (fuller.amount.amount_minor, len(fuller.lines)) == (55_00, 2)
    assert list((await change(shop, order, amount_minor=10_00)).lines) == []
    work = change(shop, order, amount_minor=60_00, lines=more)
    assert await refused(work) == "invalid_argument"


async def test_an_unavailable_change_is_refused_and_changes_nothing(shop):
    order = await shop.propose(50_00)
    for more in ({"amount_minor": 4_000_00}, {"address": {**MILAN, "country": "FR"}}):
        assert await refused(change(shop, order, **more)) == "cod_not_available"
    assert await refused(change(shop, order, courier_id="cou_none")) == "courier_not_found"
    assert await shop.get(order.id) == order


@pytest.mark.parametrize(
    "more",
    [
        {"amount_minor": 49_00},
        {"mode": "COLLECTION_MODE_CASHIERS_CHEQUE"},
        {"address": MILAN},
    ],
)
async def test_a_change_voids_the_couriers_acknowledgement(shop, more):
    order = await shop.propose(50_00)
    await shop.acknowledge(order)
    after = await change(shop, order, **more)
    assert not after.HasField("acknowledged_minor")
    assert await refused(shop.dispatch(order)) == "cod_amount_not_acknowledged"
    await shop.acknowledge(after)
    assert (await shop.dispatch(order)).state == pb.CodOrder.STATE_DISPATCHED


async def test_a_change_of_courier_drops_the_old_couriers_parcels(shop):
    order = await shop.propose(50_00)
    await shop.acknowledge(order)
    other = await shop.world.courier(name="BRT")
    after = await change(shop, order, courier_id=other.id)
    assert (after.courier_id, list(after.parcels)) == (other.id, [])
    assert (await shop.acknowledge(order)).outcome == pb.CodAcknowledgement.OUTCOME_ORDER_UNKNOWN


async def test_a_higher_total_needs_a_new_confirmation(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await shop.propose(50_00)
    await shop.confirm(order.id, await shop.code(order.id))
    assert (await change(shop, order, amount_minor=40_00)).state == pb.CodOrder.STATE_CONFIRMED
    dearer = await change(shop, order, amount_minor=50_01)
    assert dearer.state == pb.CodOrder.STATE_PROPOSED
    confirmed = await shop.confirm(order.id, await shop.code(order.id))
    assert confirmed.state == pb.CodOrder.STATE_CONFIRMED
    codes = [m for m in await shop.messages(order.id) if m.reason == m.REASON_CODE]
    assert [message.amount.amount_minor for message in codes] == [50_00, 50_01]


async def test_a_code_that_was_sent_for_another_amount_is_void(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await shop.propose(50_00)
    first = await shop.code(order.id)
    await change(shop, order, amount_minor=60_00)
    second = await shop.code(order.id)
    if first != second:  # they are equal once in a million
        assert await refused(shop.confirm(order.id, first)) == "cod_code_wrong"
    assert (await shop.confirm(order.id, second)).to_collect_minor == 60_00
