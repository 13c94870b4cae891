"""Links of an order that is paid once: the request to payments, and the effect of its refusal."""

import pytest

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs.errors import Kind, Refusal
from tests.kit.payments_double import once, refuse
from tests.services.paylink.world import Link, World


async def test_an_order_already_paid_is_refused_with_its_payment_and_leaves_the_link_open(
    world: World,
):
    link = await world.sent_link()
    paid = {"payment_id": "pay_1", "payment_state": "captured"}
    refusal = refuse(Kind.CONFLICT, "order_already_paid", **paid)
    world.payments.before["CreatePayment"] = once(refusal)
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            await world.pay(link, key="form-1")
        assert (caught.value.reason, caught.value.facts) == ("order_already_paid", paid)
    assert (await world.get(link)).state == Link.STATE_SENT
    assert (await world.subjects(link))[-1] == "payment_failed"


async def test_payments_receives_the_order_part_that_each_link_pays(world: World):
    whole = await world.link()
    deposit = await world.link(deposit=money_pb2.Money(amount_minor=2900, currency="EUR"))
    shared = await world.link(reusable=True)
    await world.pay(whole)
    await world.pay(deposit, 2900)
    request = pb.CreateBalanceLinkRequest(payment_link_id=deposit.id)
    balance = await world.call("CreateBalanceLink", request, key="balance")
    await world.pay(balance.payment_link, 10_000)
    uses = [await world.pay(shared) for _ in range(2)]
    asked = [one.order_part for one in world.payments.calls["CreatePayment"]]
    assert asked[:3] == ["", "deposit", "balance"]
    assert asked[3:] == [f"use:{use.link_payment.id}" for use in uses]
