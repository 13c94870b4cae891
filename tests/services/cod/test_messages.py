"""Messages to recipients about the progress of their orders."""

from datetime import timedelta

from incasso.cod.v1 import events_pb2
from libs import clock
from tests.services.cod.orders import event
from tests.services.cod.refunding import Cashier
from tests.services.cod.test_erasing import erase
from tests.services.cod.test_refund_exports import DEBTOR

Requested = events_pb2.CodMessageRequested


async def reasons(shop, order) -> list[int]:
    return [message.reason for message in await shop.messages(order.id)]


async def test_a_refusal_reported_twice_is_notified_once(shop):
    order = await shop.dispatched()
    refusal = event(order, "refused")
    for _ in range(2):
        await shop.report(refusal)
    await shop.report(event(order, "refused"))
    expected = [Requested.REASON_DISPATCHED, Requested.REASON_REFUSED]
    assert await reasons(shop, order) == expected
    last = (await shop.messages(order.id))[-1]
    assert (last.order_reference, last.amount.amount_minor) == (order.order_reference, 50_00)


async def test_a_refusal_followed_by_collection_is_not_notified(shop):
    order, at = await shop.dispatched(), clock.world_now()
    refused = event(order, "refused", at=at - timedelta(hours=2))
    await shop.report(refused, event(order, "collected", at=at))
    assert await reasons(shop, order) == [Requested.REASON_DISPATCHED]


async def test_each_refusal_is_notified(shop):
    order, at = await shop.dispatched(), clock.world_now()
    for hours, kind in ((3, "refused"), (2, "out_for_delivery"), (1, "refused")):
        await shop.report(event(order, kind, at=at - timedelta(hours=hours)))
    assert (await reasons(shop, order)).count(Requested.REASON_REFUSED) == 2


async def about_refunds(shop, order) -> list[tuple[int, int]]:
    """Reason and amount of each message since the order was dispatched."""
    messages = (await shop.messages(order.id))[1:]
    return [(message.reason, message.amount.amount_minor) for message in messages]


async def test_the_recipient_is_notified_of_each_step_of_a_cash_refund(shop):
    await shop.world.settings(refund_account=DEBTOR)
    cashier = Cashier(shop)
    order = await cashier.collected(50_00)
    refund = await cashier.ask(order, 20_00)
    asked = [(Requested.REASON_REFUND_ACCOUNT, 20_00)]
    assert await about_refunds(shop, order) == asked
    await cashier.give(refund)
    assert await about_refunds(shop, order) == asked
    export = await cashier.export()
    sent = [*asked, (Requested.REASON_REFUND_EXPORTED, 20_00)]
    assert await about_refunds(shop, order) == sent
    for _ in range(2):
        await cashier.paid(export)
    assert await about_refunds(shop, order) == [*sent, (Requested.REASON_REFUND_PAID, 20_00)]


async def test_another_account_is_requested_when_the_first_is_wrong(shop):
    await shop.world.settings(refund_account=DEBTOR)
    cashier = Cashier(shop)
    order = await cashier.collected(50_00)
    refund = await cashier.give(await cashier.ask(order))
    await cashier.failed(await cashier.export(), refund, account_is_wrong=True)
    notified = [reason for reason, _ in await about_refunds(shop, order)]
    assert notified == [
        Requested.REASON_REFUND_ACCOUNT,
        Requested.REASON_REFUND_EXPORTED,
        Requested.REASON_REFUND_ACCOUNT,
    ]


async def test_an_erased_customer_gets_no_refund_messages(shop):
    order = await Cashier(shop).collected(50_00, customer_id="cus_erased")
    await erase(shop)
    await Cashier(shop).ask(order)
    assert await about_refunds(shop, order) == []
