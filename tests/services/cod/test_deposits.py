"""The deposit of an order is paid online, by a link of its own, before the order is dispatched."""

import asyncio

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from tests.services.cod.converting import (
    deposit_link,
    end,
    links_of,
    pay,
    work,
)
from tests.services.cod.depositing import asking, brought, pay_on_page
from tests.services.cod.orders import event
from tests.services.cod.refusing import refused
from tests.services.cod.test_pages import page, token_of

Order, Deposit = pb.CodOrder, pb.CodOrderDeposit
Requested = events_pb2.CodMessageRequested


async def test_an_order_has_the_url_of_its_deposit_link(shop):
    order = await asking(shop)
    link = deposit_link(shop, order)
    assert (link.amount.amount_minor, link.cod_link_number) == (10_00, 1)
    assert link.description == f"Acconto dell'ordine {order.order_reference}"
    assert order.deposit_url.endswith(link.id)
    assert order.deposit == Deposit(state=Deposit.STATE_DUE)
    (listed,) = (await shop.call("ListCodOrders")).data
    assert listed == await shop.get(order.id) == order
    assert not (await shop.propose()).HasField("deposit")


async def test_the_deposit_url_is_in_no_row_stored_answer_or_event(shop):
    order = await asking(shop)
    async with shop.world.deps.db.connection() as conn:
        for table in ("order_links", "orders", "outbox", "idempotency_keys"):
            rows = await conn.fetch(f"SELECT * FROM {table}")
            assert not any(order.deposit_url in repr(tuple(row.values())) for row in rows), table


async def test_an_order_is_dispatched_after_its_deposit_and_the_rest_collected(shop):
    order = await asking(shop)
    await shop.acknowledge(order)
    refusal = await refused(shop.dispatch(order), whole=True)
    assert refusal.reason == "cod_deposit_unpaid"
    assert refusal.facts == {"deposit_minor": "1000", "currency": "EUR"}
    for _ in range(2):
        await pay(shop, deposit_link(shop, order))
    after = await shop.dispatch(order)
    assert (after.deposit.state, after.deposit.paid_minor) == (Deposit.STATE_PAID, 10_00)
    assert after.deposit.HasField("paid_at")
    assert not (await shop.get(order.id)).HasField("deposit_url")
    await shop.report(event(order, "collected"))
    await work(shop)
    assert await brought(shop, order) == 52_00
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderDepositPaid, "order.deposit_paid")
    assert payload.paid.amount_minor == 10_00
    assert payload.payment_id == f"pay_{payload.payment_link_id}"


async def test_the_deposit_is_requested_when_the_order_is_confirmed(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await asking(shop)
    assert [one.reason for one in await shop.messages(order.id)] == [Requested.REASON_CODE]
    await shop.confirm(order.id, await shop.code(order.id))
    asked = (await shop.messages(order.id))[1]
    assert (asked.reason, asked.amount.amount_minor) == (Requested.REASON_DEPOSIT, 10_00)
    assert await links_of(shop, order) == [(1, "open")]


async def test_a_deposit_paid_before_confirmation_is_not_requested(shop):
    await shop.world.settings(confirmation_needed=True)
    order = await asking(shop)
    await pay(shop, deposit_link(shop, order))
    await shop.confirm(order.id, await shop.code(order.id))
    assert [one.reason for one in await shop.messages(order.id)] == [Requested.REASON_CODE]


async def test_an_order_made_during_a_paylink_outage_gets_its_link_later(shop):
    shop.world.paylink.down = True
    order = await asking(shop)
    assert not order.HasField("deposit_url")
    assert order.deposit.state == Deposit.STATE_DUE
    assert await refused(pay_on_page(shop, order)) == "service_unavailable"
    shop.world.paylink.down = False
    await work(shop)
    assert (await shop.get(order.id)).deposit_url.endswith(deposit_link(shop, order).id)
    assert await links_of(shop, order) == [(1, "open")]


async def test_a_refused_deposit_link_is_closed_and_created_again_on_demand(shop):
    shop.world.paylink.refusal = RemoteRefusal(Kind.CONFLICT, "merchant_closed", "no")
    order = await asking(shop)
    await work(shop)
    assert await links_of(shop, order) == [(1, "closed")]
    shop.world.paylink.refusal = None
    assert (await pay_on_page(shop, order)).endswith(deposit_link(shop, order).id)
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]


@pytest.mark.parametrize("how", ["expired", "cancelled"])
async def test_an_ended_deposit_link_is_replaced(shop, how):
    order = await asking(shop)
    await end(shop, deposit_link(shop, order), how=how)
    assert not (await shop.get(order.id)).HasField("deposit_url")
    await work(shop)
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]
    assert (await shop.get(order.id)).deposit_url.endswith(deposit_link(shop, order).id)


async def test_the_page_has_the_deposit_link_and_shows_the_deposits_state(shop):
    order = await asking(shop)
    assert await pay_on_page(shop, order) == order.deposit_url
    shown = await page(shop, token_of(order))
    assert (shown.deposit.state, shown.deposit_minor, shown.online_minor) == (
        Deposit.STATE_DUE,
        10_00,
        50_00,
    )
    await pay(shop, deposit_link(shop, order))
    shown = await page(shop, token_of(order))
    assert (shown.deposit.state, shown.online_minor, shown.paid_online_minor) == (
        Deposit.STATE_PAID,
        40_00,
        0,
    )
    assert await refused(pay_on_page(shop, order)) == "cod_deposit_not_due"
    assert await refused(pay_on_page(shop, await shop.propose())) == "cod_deposit_not_due"


async def test_concurrent_requests_to_pay_the_deposit_get_one_link(shop):
    order = await asking(shop)
    await end(shop, deposit_link(shop, order))
    urls = await asyncio.gather(*(pay_on_page(shop, order) for _ in range(4)))
    assert len(set(urls)) == 1
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]
