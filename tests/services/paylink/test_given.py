"""A person later assigns received money to its link, or returns it: each cent is counted once."""

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from libs import ids
from tests.kit.payments_double import lose_answer, money, once
from tests.services.paylink.test_links import refused
from tests.services.paylink.test_transfers import announce
from tests.services.paylink.world import Link, Transfer, Try, World, token_of

Move = pb.BankTransferMove


async def settle(world: World, transfer, link, *, key: str = "", **more):
    request = pb.SettleBankTransferRequest(
        bank_transfer_id=transfer.id, payment_link_id=link.id, **more
    )
    answer = await world.call("SettleBankTransfer", request, key=key or ids.new("key"))
    return answer.bank_transfer


async def give_back(world: World, transfer, *, key: str = "", note: str = "SEPA 1"):
    request = pb.GiveBackBankTransferRequest(bank_transfer_id=transfer.id, note=note)
    answer = await world.call("GiveBackBankTransfer", request, key=key or ids.new("key"))
    return answer.bank_transfer


async def reissue(world: World, link):
    request = pb.ReissuePaymentLinkRequest(payment_link_id=link.id)
    return (await world.call("ReissuePaymentLink", request, key=ids.new("key"))).payment_link


async def expire(world: World, link):
    await world.advance(days=31)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED


async def cancel(world: World, link):
    await world.call("CancelPaymentLink", pb.CancelPaymentLinkRequest(payment_link_id=link.id))


ENDS = {"expired": expire, "cancelled": cancel}


def moves(transfer) -> list[tuple[int, int, str]]:
    return [(move.kind, move.amount_minor, move.payment_link_id) for move in transfer.moves]


async def verbs(world: World, transfer) -> list[str]:
    rows = await world.rows(
        "SELECT subject FROM outbox WHERE aggregate_id = $1 ORDER BY seq", transfer.id
    )
    return [row["subject"].rpartition(".")[2] for row in rows]


@pytest.mark.parametrize("end", ENDS)
async def test_a_late_transfer_is_listed_and_can_be_assigned_to_its_link(world: World, end):
    link = await world.sent_link()
    await ENDS[end](world, link)
    late = await world.transfer(12900, link.creditor_reference)
    assert (late.state, late.payment_link_id, late.open_minor) == (
        Transfer.STATE_LATE,
        link.id,
        12900,
    )
    listed = pb.ListBankTransfersRequest(state=Transfer.STATE_LATE, payment_link_id=link.id)
    assert list((await world.call("ListBankTransfers", listed)).data) == [late]
    page = await world.page(link)
    assert page.late_minor == 12900
    assert not page.HasField("new_link_recipient")
    settled = await settle(world, late, link, note="by phone", key="k")
    assert settled == await settle(world, late, link, note="by phone", key="k")
    assert (settled.state, settled.open_minor) == (Transfer.STATE_MATCHED, 0)
    (move,) = settled.moves
    assert (move.kind, move.amount_minor, move.made_by, move.note) == (
        Move.KIND_SETTLED,
        12900,
        "test",
        "by phone",
    )
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.amount_due) == (Link.STATE_PAID, 12900, money(0))
    assert (await world.subjects(link))[-1] == "paid"
    assert await verbs(world, late) == ["recorded", "settled"]
    assert [one.bank_transfer_id for one in await world.tries(link)] == [late.id]
    one = pb.GetBankTransferRequest(bank_transfer_id=late.id)
    assert (await world.call("GetBankTransfer", one)).bank_transfer == settled


async def test_a_part_before_expiry_and_the_rest_after_it_pay_the_link(world: World):
    link = await world.sent_link()
    await world.transfer(10000, link.creditor_reference)
    await expire(world, link)
    rest = await world.transfer(2900, link.creditor_reference)
    assert rest.state == Transfer.STATE_MATCHED
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_the_rest_arriving_after_a_cancellation_is_assigned_by_hand(world: World):
    link = await world.sent_link()
    await world.transfer(10000, link.creditor_reference)
    await cancel(world, link)
    rest = await world.transfer(2900, link.creditor_reference)
    assert rest.state == Transfer.STATE_LATE
    assert (await settle(world, rest, link)).state == Transfer.STATE_MATCHED
    assert (await world.get(link)).state == Link.STATE_PAID


@pytest.mark.parametrize("end", ENDS)
async def test_late_parts_assigned_by_hand_add_up_and_pay_the_link(world: World, end):
    link = await world.sent_link()
    await ENDS[end](world, link)
    first = await world.transfer(10000, link.creditor_reference)
    assert (await settle(world, first, link)).state == Transfer.STATE_PARTIAL
    half = await world.get(link)
    assert (half.state, half.amount_due) == (
        Link.State.Value(f"STATE_{end.upper()}"),
        money(2900),
    )
    second = await world.transfer(3000, "no reference")
    settled = await settle(world, second, link)
    assert (settled.state, settled.surplus_minor) == (Transfer.STATE_SURPLUS, 100)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_reissued_link_counts_a_late_part_and_asks_for_the_rest(world: World):
    link = await world.sent_link()
    await expire(world, link)
    late = await world.transfer(10000, link.creditor_reference)
    again = await reissue(world, link)
    assert (again.state, again.amount_due) == (Link.STATE_SENT, money(2900))
    one = pb.GetBankTransferRequest(bank_transfer_id=late.id)
    counted = (await world.call("GetBankTransfer", one)).bank_transfer
    assert counted.state == Transfer.STATE_PARTIAL
    assert await verbs(world, late) == ["recorded", "settled"]


async def test_a_link_covered_by_late_transfers_is_not_reissued(world: World):
    link = await world.sent_link()
    await expire(world, link)
    await world.transfer(10000, link.creditor_reference)
    late = await world.transfer(3000, link.creditor_reference)
    assert await refused(reissue(world, link)) == "money_arrived_late"
    asked = world.visit("RequestNewLink", token=token_of(link))
    assert await refused(asked) == "money_arrived_late"
    await give_back(world, late)
    assert (await reissue(world, link)).amount_due == money(2900)


async def test_a_returned_part_becomes_due_again(world: World):
    link = await world.sent_link()
    part = await world.transfer(10000, link.creditor_reference)
    given_back = await give_back(world, part, note="SEPA 2026112500017", key="k")
    assert given_back == await give_back(world, part, note="SEPA 2026112500017", key="k")
    assert (given_back.state, given_back.open_minor) == (Transfer.STATE_GIVEN_BACK, 0)
    assert moves(given_back) == [
        (Move.KIND_MATCHED, 10000, link.id),
        (Move.KIND_TAKEN_BACK, 10000, link.id),
        (Move.KIND_GIVEN_BACK, 10000, ""),
    ]
    assert given_back.moves[-1].note == "SEPA 2026112500017"
    assert (await world.get(link)).amount_due == money(12900)
    assert await verbs(world, part) == ["recorded", "given_back"]
    assert await refused(give_back(world, part)) == "bank_transfer_spent"
    assert await refused(settle(world, part, link)) == "bank_transfer_spent"


async def test_a_part_can_be_moved_to_another_link(world: World):
    wrong, right = await world.sent_link(), await world.sent_link(10000)
    part = await world.transfer(10000, wrong.creditor_reference)
    assert await refused(settle(world, part, wrong)) == "bank_transfer_spent"
    moved = await settle(world, part, right)
    assert (moved.state, moved.payment_link_id) == (Transfer.STATE_MATCHED, right.id)
    assert (await world.get(wrong)).amount_due == money(12900)
    assert (await world.get(right)).state == Link.STATE_PAID


async def test_a_part_cannot_be_moved_or_returned_once_a_payment_relies_on_it(world: World):
    link, other_link = await world.sent_link(), await world.sent_link()
    part = await world.transfer(10000, link.creditor_reference)
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.pay(link, 2900)
    assert await refused(give_back(world, part)) == "payment_link_paying"
    assert await refused(settle(world, part, other_link)) == "payment_link_paying"
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert await refused(give_back(world, part)) == "payment_link_paid"
    assert await refused(settle(world, part, other_link)) == "payment_link_paid"


async def test_a_surplus_can_pay_another_link_and_its_rest_be_returned(world: World):
    first, second = await world.sent_link(), await world.sent_link(5000)
    much = await world.transfer(20000, first.creditor_reference)
    assert (much.state, much.open_minor) == (Transfer.STATE_SURPLUS, 7100)
    assert await refused(settle(world, much, first)) == "payment_link_paid"
    left = await settle(world, much, second)
    assert (left.state, left.open_minor) == (Transfer.STATE_SURPLUS, 2100)
    done = await give_back(world, much)
    assert done.state == Transfer.STATE_GIVEN_BACK
    assert moves(done) == [
        (Move.KIND_MATCHED, 12900, first.id),
        (Move.KIND_SETTLED, 5000, second.id),
        (Move.KIND_GIVEN_BACK, 2100, ""),
    ]


async def test_assigning_an_unmatched_transfer_completes_the_announced_attempt(world: World):
    link = await world.sent_link()
    announced = await announce(world, link)
    unmatched = await world.transfer(12900, "affitto")
    assert unmatched.state == Transfer.STATE_UNMATCHED
    await settle(world, unmatched, link)
    (only,) = await world.tries(link)
    assert (only.id, only.state) == (announced.link_payment.id, Try.STATE_SUCCEEDED)


async def test_a_reusable_link_takes_transfers_in_whole_uses_even_after_expiry(world: World):
    link = await world.link(reusable=True)
    small = await world.transfer(100, link.creditor_reference)
    assert await refused(settle(world, small, link)) == "bank_transfer_does_not_fit"
    await expire(world, link)
    late = await world.transfer(2 * 12900, link.creditor_reference)
    assert late.state == Transfer.STATE_LATE
    assert (await settle(world, late, link)).open_minor == 12900
    assert (await settle(world, late, link)).state == Transfer.STATE_MATCHED
    used = await world.get(link)
    assert (used.uses, used.state) == (2, Link.STATE_EXPIRED)


async def test_a_transfer_is_refused_for_other_currencies_and_other_merchants(
    world: World, other: World
):
    link, foreign = await world.sent_link(), await other.sent_link()
    francs = await world.transfer(12900, "", currency="CHF")
    assert await refused(settle(world, francs, link)) == "bank_transfer_does_not_fit"
    euros = await world.transfer(12900, "")
    assert await refused(settle(world, euros, foreign)) == "payment_link_not_found"
    assert await refused(settle(other, euros, foreign)) == "bank_transfer_not_found"
    assert await refused(give_back(other, euros)) == "bank_transfer_not_found"
    one = pb.GetBankTransferRequest(bank_transfer_id=euros.id)
    assert await refused(other.call("GetBankTransfer", one)) == "bank_transfer_not_found"


async def test_a_transfer_cannot_be_moved_or_returned_while_its_link_is_being_paid(world: World):
    link, second = await world.sent_link(), await world.sent_link()
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.pay(link)
    waiting = await world.transfer(12900, link.creditor_reference)
    assert await refused(settle(world, waiting, second)) == "payment_link_paying"
    assert await refused(give_back(world, waiting)) == "payment_link_paying"
    unmatched = await world.transfer(12900, "")
    assert await refused(settle(world, unmatched, link)) == "payment_link_paying"
    await world.work()
    assert (await settle(world, waiting, second)).state == Transfer.STATE_MATCHED
