"""No courier is handed a parcel that it has not acknowledged with the order's amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from services.cod.rules import acknowledging, parcels
from services.cod.rules.acknowledging import Known, Recorded
from services.cod.rules.parcels import AcknowledgedParcel
from tests.services.cod.given import an_order
from tests.services.cod.orders import number_of
from tests.services.cod.refusing import refused

Outcome = pb.CodAcknowledgement
NOBODY = Known({}, ())


async def test_dispatching_needs_an_acknowledged_amount(shop):
    order = await shop.propose(50_00)
    refusal = await refused(shop.dispatch(order), whole=True)
    assert refusal.reason == "cod_amount_not_acknowledged"
    assert refusal.facts == {"to_collect_minor": "5000", "currency": "EUR"}
    await shop.acknowledge(order, 49_99)
    refusal = await refused(shop.dispatch(order), whole=True)
    assert refusal.facts["acknowledged_minor"] == "4999"
    assert refusal.facts["to_collect_minor"] == "5000"
    await shop.acknowledge(order)
    for _ in range(2):  # repeating changes nothing
        sent = await shop.dispatch(order)
        assert sent.state == pb.CodOrder.STATE_DISPATCHED
    assert (await shop.published(order.id)).count("order.dispatched") == 1
    (message,) = await shop.messages(order.id)
    assert message.reason == events_pb2.CodMessageRequested.REASON_DISPATCHED
    assert message.amount.amount_minor == 50_00


@pytest.mark.parametrize(
    ("amounts", "outcome"),
    [
        ((50_00,), Outcome.OUTCOME_MATCHED),
        ((50_00, 0), Outcome.OUTCOME_MATCHED),  # one parcel carries it
        ((0, 0, 50_00), Outcome.OUTCOME_MATCHED),
        ((20_00, 30_00), Outcome.OUTCOME_MATCHED),
        ((16_67, 16_67, 16_66), Outcome.OUTCOME_MATCHED),
        ((50_00, 50_00), Outcome.OUTCOME_DIFFERS),  # the courier would collect twice
        ((0,), Outcome.OUTCOME_DIFFERS),
        ((25_00,), Outcome.OUTCOME_DIFFERS),
    ],
)
async def test_acknowledged_parcels_match_only_if_they_sum_to_the_order(shop, amounts, outcome):
    order = await shop.propose(50_00)
    answer = await shop.acknowledge(order, *amounts)
    assert (answer.outcome, answer.cod_order_id) == (outcome, order.id)
    assert (answer.acknowledged_minor, answer.to_collect_minor) == (sum(amounts), 50_00)
    if outcome == Outcome.OUTCOME_MATCHED:
        sent = await shop.dispatch(order)
        assert [parcel.to_collect_minor for parcel in sent.parcels] == list(amounts)
    else:
        assert await refused(shop.dispatch(order)) == "cod_amount_not_acknowledged"


async def test_a_new_acknowledgement_replaces_the_earlier_parcels(shop):
    order = await shop.propose(50_00)
    await shop.acknowledge(order, 25_00, 25_00)
    await shop.acknowledge(order, 50_00)
    (parcel,) = (await shop.get(order.id)).parcels
    assert parcel.tracking_number == number_of(order)


async def test_a_manifest_of_many_orders_is_answered_order_by_order(shop):
    first, second = await shop.propose(10_00), await shop.propose(20_00)
    stated = [
        {
            "order_reference": reference,
            "tracking_number": f"{first.id}-{number}",
            "to_collect_minor": amount,
        }
        for number, (reference, amount) in enumerate(
            [
                (first.order_reference, 4_00),
                ("nobody's", 5_00),
                (second.order_reference, 19_99),
                (first.order_reference, 6_00),
            ]
        )
    ]
    answer = await shop.call("AcknowledgeCodAmounts", courier_id=shop.courier_id, parcels=stated)
    assert [(one.order_reference, one.outcome) for one in answer.data] == [
        (first.order_reference, Outcome.OUTCOME_MATCHED),
        ("nobody's", Outcome.OUTCOME_ORDER_UNKNOWN),
        (second.order_reference, Outcome.OUTCOME_DIFFERS),
    ]


async def test_a_tracking_number_of_another_order_is_not_recorded(shop):
    first, second = await shop.propose(), await shop.propose()
    await shop.acknowledge(first)
    stated = [
        {
            "order_reference": second.order_reference,
            "tracking_number": number_of(first),
            "to_collect_minor": 50_00,
        }
    ]
    for parcels_stated in (stated, stated * 2):
        answer = await shop.call(
            "AcknowledgeCodAmounts", courier_id=shop.courier_id, parcels=parcels_stated
        )
        assert answer.data[0].outcome == Outcome.OUTCOME_TRACKING_NUMBER_TAKEN
    assert list((await shop.get(second.id)).parcels) == []


async def test_a_dispatched_order_accepts_only_the_same_acknowledgement(shop):
    order = await shop.dispatched(50_00)
    assert (await shop.acknowledge(order, 50_00)).outcome == Outcome.OUTCOME_MATCHED
    assert (await shop.acknowledge(order, 25_00, 25_00)).outcome == Outcome.OUTCOME_DISPATCHED
    assert len((await shop.get(order.id)).parcels) == 1


async def test_a_cancelled_order_is_unknown_to_its_courier(shop):
    order = await shop.propose()
    await shop.call("CancelCodOrder", cod_order_id=order.id)
    assert (await shop.acknowledge(order)).outcome == Outcome.OUTCOME_ORDER_UNKNOWN


async def test_an_unknown_courier_acknowledges_nothing(shop):
    stated = [{"order_reference": "A", "tracking_number": "1", "to_collect_minor": 1}]
    work = shop.call("AcknowledgeCodAmounts", courier_id="cou_none", parcels=stated)
    assert await refused(work) == "courier_not_found"


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=parcels.MOST_PARCELS))
def test_exactly_the_parts_that_sum_to_the_order_match(amounts: list[int]):
    order = an_order(to_collect_minor=5_000)
    said = [AcknowledgedParcel("A", str(n), amount) for n, amount in enumerate(amounts)]
    after, answer = acknowledging.acknowledged("A", said, order, NOBODY)
    assert after is not None
    assert parcels.sum_minor(after.parcels) == after.acknowledged_minor == sum(amounts)
    assert (answer.outcome is Recorded.MATCHED) is (sum(amounts) == 5_000)


def test_more_parcels_than_allowed_per_order_are_not_recorded():
    stated = [AcknowledgedParcel("A", str(n), 0) for n in range(parcels.MOST_PARCELS + 1)]
    order = an_order()
    assert acknowledging.acknowledged("A", stated, order, NOBODY)[0] == order
