"""A successful attempt is recorded in one statement, unless its link was written meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from libs import ids
from libs.idempotency import Key
from services.paylink.flows.opening import open_link
from services.paylink.flows.pay import PayByCard, pay_by_card
from services.paylink.rules.domain import NewCard
from services.paylink.rules.states import PaymentState
from services.paylink.store import links
from tests.kit.counting import Counting
from tests.services.paylink.world import Link, World, token_of

Transfer = pb.BankTransfer


async def transactions_of_paying(world: World, link: Any) -> int:
    counting = Counting(world.db)
    deps = replace(world.deps, db=counting)
    opened = await open_link(deps, token_of(link))
    card = NewCard("sandbox-a", "tok_visa", "visa", "4242")
    cmd = PayByCard(token_of(link), None, card, None, shown_minor=12900, ip=None)
    key = Key(opened.merchant_id, "PayByCard", ids.new("key"), b"hash")
    paid = await pay_by_card(deps, opened, cmd, key)
    assert paid.state is PaymentState.SUCCEEDED
    return counting.transactions


async def test_a_successful_payment_takes_only_one_transaction(world: World):
    link = await world.link()
    assert await transactions_of_paying(world, link) == 1
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
    assert await world.subjects(link) == ["created", "paying", "paid"]


async def test_a_transfer_arriving_during_the_payments_call_becomes_a_surplus(world: World):
    link = await world.link()

    async def arrive() -> None:
        waiting = await world.transfer(12900, link.creditor_reference)
        assert waiting.state == Transfer.STATE_UNMATCHED

    world.payments.after["CreatePayment"] = arrive
    assert await transactions_of_paying(world, link) == 2
    assert (await world.get(link)).paid_minor == 12900
    wanted = pb.ListBankTransfersRequest(state=Transfer.STATE_SURPLUS)
    (surplus,) = (await world.call("ListBankTransfers", wanted)).data
    assert surplus.surplus_minor == 12900


async def test_stopping_reminders_during_the_payments_call_is_not_undone(world: World):
    link = await world.link()

    async def stop() -> None:
        await world.visit("StopReminders", token=token_of(link))

    world.payments.after["CreatePayment"] = stop
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
    stopped = "SELECT reminders_stopped FROM links WHERE id = $1"
    (row,) = await world.rows(stopped, link.id)
    assert row["reminders_stopped"]


@pytest.mark.parametrize("changed", ["reusable", "of a cart"])
async def test_paying_a_reusable_or_cart_link_takes_a_second_transaction(
    world: World, changed: str
):
    link = await world.link(reusable=changed == "reusable")
    if changed == "of a cart":
        await world.rows("UPDATE links SET cart_id = 'crt_1' WHERE id = $1", link.id)
    assert await transactions_of_paying(world, link) == 2


async def test_saving_a_link_that_does_not_exist_fails(world: World):
    link = await world.link()
    opened = await open_link(world.deps, token_of(link))
    elsewhere = replace(opened, id=ids.new("lnk"))
    async with world.db.transaction() as tx:
        with pytest.raises(links.LinkChangedError):
            await links.save(tx, elsewhere, elsewhere)
