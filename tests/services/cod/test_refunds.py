"""Cash refunds: requested under the lock of their order, given an account, cancelled."""

import asyncio

import asyncpg
import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import refunds_pb2 as pb
from libs import ids
from tests.services.cod.orders import event
from tests.services.cod.refunding import GIULIAS, MARCOS, Cashier
from tests.services.cod.refusing import refused
from tests.services.cod.remitting import committed, line, shop_of
from tests.services.cod.test_erasing import erase, held

State = pb.CodRefund.State
SPAIN = {"holder": "Zoë Núñez", "iban": "ES9121000418450200051332"}


@pytest.fixture
async def cashier(shop) -> Cashier:
    return Cashier(shop)


async def test_a_refund_defaults_to_the_collected_amount(cashier):
    order = await cashier.collected()
    refund = await cashier.ask(order)
    assert refund.id.startswith("crf_")
    assert (refund.state, refund.amount.amount_minor) == (State.STATE_REQUESTED, 50_00)
    assert (refund.cod_order_id, refund.order_reference) == (order.id, order.order_reference)
    assert not refund.HasField("account")
    assert await cashier.refunded_minor(order) == 50_00
    assert await cashier.shop.published(refund.id) == ["refund.requested"]


async def test_partial_refunds_never_exceed_the_collected_amount(cashier):
    order = await cashier.collected()
    await cashier.ask(order, 20_00)
    refusal = await refused(cashier.ask(order, 30_01), whole=True)
    assert refusal.reason == "cod_refund_too_much"
    assert refusal.facts == {
        "collected_minor": "5000",
        "refunded_minor": "2000",
        "left_minor": "3000",
    }
    assert (await cashier.ask(order)).amount.amount_minor == 30_00
    assert await refused(cashier.ask(order)) == "cod_refund_too_much"
    assert await cashier.refunded_minor(order) == 50_00


async def test_only_collected_cash_is_refunded(cashier):
    order = await cashier.shop.dispatched(30_00, 20_00)
    assert await refused(cashier.ask(order)) == "cod_refund_too_much"
    await cashier.shop.report(event(order, "collected"))
    assert (await cashier.ask(order)).amount.amount_minor == 30_00


async def test_the_same_key_requests_one_refund_and_another_body_is_refused(cashier):
    order = await cashier.collected()
    asked = await cashier.ask(order, 20_00, key="k")
    assert await cashier.ask(order, 20_00, key="k") == asked
    assert await refused(cashier.ask(order, 10_00, key="k")) == "idempotency_key_reused"
    work = cashier.shop.call("CreateCodRefund", cod_order_id=order.id)
    assert await refused(work) == "idempotency_key_missing"
    assert await cashier.refunded_minor(order) == 20_00


async def test_concurrent_refunds_never_exceed_the_collected_amount(cashier):
    order = await cashier.collected()
    asked = [cashier.ask(order, 20_00) for _ in range(5)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, pb.CodRefund) for each in done) == 2
    assert await cashier.refunded_minor(order) == 40_00


async def test_a_concurrent_refund_and_remittance_are_both_recorded(world):
    shop = await shop_of(world)
    cashier = Cashier(shop)
    for _ in range(5):
        order = await cashier.collected()
        await asyncio.gather(cashier.ask(order), committed(shop, line(order, 47_00)))
        now = await shop.get(order.id)
        assert (now.state, now.refunded_minor) == (now.STATE_REMITTED, 50_00)


async def test_the_database_refuses_refunds_above_the_collected_amount(cashier):
    order = await cashier.collected()
    async with cashier.shop.world.deps.db.connection() as conn:
        with pytest.raises(asyncpg.CheckViolationError, match="orders_refunded"):
            await conn.execute("UPDATE orders SET refunded_minor = 5001 WHERE id = $1", order.id)


async def test_only_euros_are_refunded(world, shop):
    courier = await world.courier(currency="CHF", zones=[{"country": "CH"}])
    await world.settings(currency="CHF")
    order = await shop.propose(
        courier_id=courier.id,
        amount={"amount_minor": 50_00, "currency": "CHF"},
        address={"street": "Via Nassa 1", "postcode": "6900", "town": "Lugano", "country": "CH"},
    )
    refusal = await refused(Cashier(shop).ask(order), whole=True)
    assert (refusal.reason, refusal.facts) == ("cod_refund_currency", {"currency": "CHF"})


async def test_an_account_makes_a_refund_ready_and_is_shown_masked(cashier):
    refund = await cashier.ask(await cashier.collected())
    given = await cashier.give(refund)
    assert given.state == State.STATE_READY
    shown = pb.MaskedAccount(holder="G••• B•••", iban="IT60 ••• 3456")
    assert (given.account, given.account_given_by) == (shown, "key_1")
    other = await cashier.give(refund, SPAIN)  # after a typing error, say
    assert (other.state, other.account.iban) == (State.STATE_READY, "ES91 ••• 1332")
    assert await cashier.call("GetCodRefund", refund) == other
    assert await cashier.shop.published(refund.id) == ["refund.requested", "refund.ready"]


async def test_holder_and_iban_are_stored_nowhere_in_the_clear(cashier):
    await cashier.ready()
    tables = ("orders", "refunds", "outbox", "idempotency_keys")
    found = await held(cashier.shop, tables)
    assert GIULIAS["iban"].lower() not in found
    events = await cashier.shop.bodies("", events_pb2.CodRefundReady, "refund.ready")
    assert [each.refund.HasField("account") for each in events] == [False]
    assert "bianchi" not in await held(cashier.shop, ("refunds",))


@pytest.mark.parametrize(
    ("account", "wrong"),
    [
        ({**GIULIAS, "iban": "IT60X0542811101000000123457"}, {"account.iban"}),  # a wrong digit
        ({**GIULIAS, "iban": "BR1800360305000010009795493C1"}, {"account.iban"}),  # not in SEPA
        ({**GIULIAS, "holder": ""}, {"account.holder"}),
        ({**GIULIAS, "holder": "★ - ★"}, {"account.holder"}),
        ({**GIULIAS, "holder": "Щ" * 70}, {"account.holder"}),  # too long in Latin letters
        (
            {"holder": "?", "iban": "BR1800360305000010009795493C1"},
            {"account.holder", "account.iban"},
        ),
    ],
)
async def test_an_invalid_account_is_refused_by_field(cashier, account, wrong):
    refund = await cashier.ask(await cashier.collected())
    refusal = await refused(cashier.give(refund, account), whole=True)
    assert {found.field for found in refusal.violations} == wrong
    assert (await cashier.call("GetCodRefund", refund)).state == State.STATE_REQUESTED


@pytest.mark.parametrize("is_ready", [False, True])
async def test_after_a_cancelled_refund_a_new_one_can_be_requested(cashier, is_ready):
    order = await cashier.collected()
    refund = await cashier.ask(order)
    if is_ready:
        await cashier.give(refund)
    for _ in range(2):  # repeating changes nothing
        cancelled = await cashier.call("CancelCodRefund", refund)
        assert cancelled.state == State.STATE_CANCELLED
    assert await cashier.refunded_minor(order) == 0
    assert (await cashier.shop.published(refund.id)).count("refund.cancelled") == 1
    refusal = await refused(cashier.give(refund), whole=True)
    assert (refusal.reason, refusal.facts) == ("cod_refund_closed", {"state": "cancelled"})
    assert (await cashier.ask(order)).amount.amount_minor == 50_00


async def test_refunds_are_listed_by_state_and_order(cashier):
    orders = [await cashier.collected() for _ in range(3)]
    refunds = [await cashier.ask(order) for order in orders]
    await cashier.give(refunds[0])
    listed = (await cashier.shop.call("ListCodRefunds", state="STATE_REQUESTED")).data
    assert [each.id for each in listed] == [refunds[2].id, refunds[1].id]
    listed = (await cashier.shop.call("ListCodRefunds", cod_order_id=orders[1].id)).data
    assert [each.id for each in listed] == [refunds[1].id]


async def test_another_merchant_finds_nothing(cashier, stranger):
    refund = await cashier.ready()
    for rpc in ("GetCodRefund", "CancelCodRefund"):
        assert await refused(stranger.call(rpc, cod_refund_id=refund.id)) == "cod_refund_not_found"
    work = stranger.call("SetCodRefundAccount", cod_refund_id=refund.id, account=MARCOS)
    assert await refused(work) == "cod_refund_not_found"
    work = stranger.call("CreateCodRefund", cod_order_id=refund.cod_order_id, key=ids.new("key"))
    assert await refused(work) == "cod_order_not_found"
    assert list((await stranger.call("ListCodRefunds")).data) == []


async def test_erasure_removes_the_account_and_a_ready_refund_awaits_another(cashier):
    refund = await cashier.ready(customer_id="cus_erased")
    for _ in range(2):
        await erase(cashier.shop)
    after = await cashier.call("GetCodRefund", refund)
    assert (after.state, after.HasField("account")) == (State.STATE_REQUESTED, False)
    assert after.amount.amount_minor == 50_00
    published = await cashier.shop.published(refund.id)
    assert published == ["refund.requested", "refund.ready", "refund.requested"]
    assert "•••" not in await held(cashier.shop, ("refunds", "outbox", "idempotency_keys"))
    assert (await cashier.give(refund)).state == State.STATE_READY
