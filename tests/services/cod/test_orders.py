import pytest

from incasso.cod.v1 import orders_pb2 as pb
from libs import ids
from tests.services.cod.couriers import CASH_ONLY
from tests.services.cod.orders import GIULIA, ROME, number_of
from tests.services.cod.refusing import refused


async def test_an_order_matches_its_offer(shop):
    offered = (await shop.world.offers(50_00, postcode="00185"))[0]
    order = await shop.propose(50_00)
    assert order.id.startswith("cod_")
    assert order.courier_id == offered.courier_id
    assert order.to_collect_minor == offered.collect_minor == 50_00
    assert (order.fee_minor, order.cut_minor) == (offered.fee_minor, offered.cut_minor)
    assert order.mode == offered.modes[0]
    assert order.state == pb.CodOrder.STATE_CONFIRMED  # no confirmation needed
    assert await shop.published(order.id) == ["order.proposed", "order.confirmed"]


async def test_the_same_key_returns_the_same_order_and_another_body_is_refused(shop):
    fields = {"order_reference": "A-1", "recipient": GIULIA, "address": ROME}
    made = await shop.propose(key="k", **fields)
    assert await shop.propose(key="k", **fields) == made == await shop.get(made.id)
    assert await refused(shop.propose(10_00, key="k", **fields)) == "idempotency_key_reused"


async def test_an_order_needs_an_idempotency_key(shop):
    amount = {"amount_minor": 1, "currency": "EUR"}
    fields = {"order_reference": "A-1", "amount": amount, "recipient": GIULIA, "address": ROME}
    assert await refused(shop.call("CreateCodOrder", **fields)) == "idempotency_key_missing"


async def test_an_order_reference_is_refused_while_its_order_is_open(shop):
    first = await shop.propose(order_reference="A-1")
    refusal = await refused(shop.propose(order_reference="A-1"), whole=True)
    assert refusal.reason == "cod_order_exists"
    assert refusal.facts == {"cod_order_id": first.id, "state": "confirmed"}
    await shop.call("CancelCodOrder", cod_order_id=first.id)
    assert (await shop.propose(order_reference="A-1")).id != first.id


@pytest.mark.parametrize(
    ("more", "facts"),
    [
        ({"amount_minor": 5_000_00}, {"because": "courier_limit", "threshold_minor": "300000"}),
        (
            {"amount_minor": 5_000_00, "mode": "COLLECTION_MODE_CARD"},
            {"because": "mode"},
        ),
        ({"address": {**ROME, "country": "FR"}}, {"because": "country"}),
    ],
)
async def test_an_unavailable_order_is_refused_with_reason_and_threshold(shop, more, facts):
    refusal = await refused(shop.propose(**more), whole=True)
    assert refusal.reason == "cod_not_available"
    assert refusal.facts.items() >= facts.items()


async def test_the_legal_cash_limit_applies_to_the_total_despite_a_deposit(shop):
    await shop.world.call(
        "UpdateCourier",
        courier_id=shop.courier_id,
        terms={
            "name": "Cash",
            "currency": "EUR",
            "cut": {},
            "modes": CASH_ONLY,
        },
    )
    work = shop.propose(5_000_00, deposit_minor=4_900_00)
    refusal = await refused(work, whole=True)
    assert refusal.facts["because"] == "cash_limit"
    assert refusal.facts["threshold_minor"] == "499999"
    order = await shop.propose(4_999_99, deposit_minor=4_900_00)
    assert order.to_collect_minor == 99_99


async def test_a_deposit_is_not_collected_at_the_door(shop):
    await shop.world.settings(
        sells_to_consumers=False,
        fee={"tiers": [{"fixed_minor": 1_00}], "vat_basis_points": 2200},
        deposit={"basis_points": 2000},
    )
    order = await shop.propose(100_00)
    assert (order.fee_minor, order.fee_net_minor, order.fee_vat_minor) == (1_00, 82, 18)
    assert (order.total_minor, order.deposit_minor) == (101_00, 20_20)
    assert order.to_collect_minor == 80_80
    assert (await shop.propose(100_00, deposit_minor=0)).to_collect_minor == 101_00


async def test_lines_that_do_not_sum_to_the_amount_are_refused(shop):
    lines = [
        {"name": "Scarpe", "quantity": 2, "unit_amount_minor": 20_00},
        {"name": "Spedizione", "quantity": 1, "unit_amount_minor": 10_00},
    ]
    assert len((await shop.propose(50_00, lines=lines)).lines) == 2
    assert await refused(shop.propose(49_00, lines=lines)) == "invalid_argument"


async def test_a_requested_courier_is_used_or_refused(shop):
    other = await shop.world.courier(name="BRT", cut={"fixed_minor": 10_00})
    assert (await shop.propose(courier_id=other.id)).courier_id == other.id
    assert (await shop.propose()).courier_id == shop.courier_id  # it is cheaper
    await shop.call("ArchiveCourier", courier_id=other.id)
    assert await refused(shop.propose(courier_id=other.id)) == "courier_archived"
    assert await refused(shop.propose(courier_id="cou_none")) == "courier_not_found"


async def test_an_order_without_an_active_courier_is_refused(shop):
    await shop.call("ArchiveCourier", courier_id=shop.courier_id)
    refusal = await refused(shop.propose(), whole=True)
    assert refusal.facts == {"because": "no_courier"}


async def test_orders_are_listed_by_state_reference_and_courier(shop):
    made = [await shop.propose(order_reference=f"A-{n}") for n in range(3)]
    await shop.call("CancelCodOrder", cod_order_id=made[0].id)
    listed = await shop.call("ListCodOrders", state="STATE_CONFIRMED", limit=1)
    rest = await shop.call("ListCodOrders", state="STATE_CONFIRMED", cursor=listed.next_cursor)
    assert [*listed.data, *rest.data] == [made[2], made[1]]
    by_reference = await shop.call("ListCodOrders", order_reference="A-1")
    assert list(by_reference.data) == [made[1]]
    assert len((await shop.call("ListCodOrders", courier_id=shop.courier_id)).data) == 3


async def test_another_merchant_finds_nothing(shop, stranger):
    order = await shop.propose()
    for rpc in ("GetCodOrder", "CancelCodOrder", "DispatchCodOrder", "GetCodCode"):
        work = stranger.call(rpc, cod_order_id=order.id)
        assert await refused(work) == "cod_order_not_found"
    assert list((await stranger.call("ListCodOrders")).data) == []
    parcels = [{"order_reference": order.order_reference, "tracking_number": number_of(order)}]
    work = stranger.call("AcknowledgeCodAmounts", courier_id=shop.courier_id, parcels=parcels)
    assert await refused(work) == "courier_not_found"


async def test_an_order_is_cancelled_before_it_is_dispatched_and_not_after(shop):
    order = await shop.propose()
    for _ in range(2):  # repeating changes nothing
        cancelled = (await shop.call("CancelCodOrder", cod_order_id=order.id)).order
        assert cancelled.state == pb.CodOrder.STATE_CANCELLED
    assert await shop.published(order.id) == [
        "order.proposed",
        "order.confirmed",
        "order.cancelled",
    ]
    sent = await shop.dispatched()
    refusal = await refused(shop.call("CancelCodOrder", cod_order_id=sent.id), whole=True)
    assert (refusal.reason, refusal.facts) == ("cod_order_closed", {"state": "dispatched"})


async def test_a_dispatched_order_is_not_changed(shop):
    sent = await shop.dispatched()
    work = shop.call("ChangeCodOrder", cod_order_id=sent.id, amount_minor=1, key=ids.new("key"))
    assert await refused(work) == "cod_order_closed"
