"""Bank transfers: the amount that arrives, the link that it is for, and the rest."""

import pytest

from incasso.paylink.v1 import events_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Refusal
from tests.kit.payments_double import lose_answer, money, once
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Transfer, Try, World, token_of

State = payments_pb2.Payment


async def announce(world: World, link):
    return (await world.visit("AnnounceBankTransfer", token=token_of(link))).payment


async def test_an_announced_transfer_is_pending_until_it_arrives(world: World):
    link = await world.sent_link()
    announced = await announce(world, link)
    assert announced.link_payment.state == Try.STATE_PROCESSING
    assert (await announce(world, link)).link_payment == announced.link_payment
    assert (await world.get(link)).state == Link.STATE_PAYING
    assert await refused(world.pay(link)) == "payment_link_paying"
    arrived = await world.transfer(12900, f"saldo {link.creditor_reference} grazie")
    assert arrived.state == Transfer.STATE_MATCHED
    assert arrived.payment_link_id == link.id
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor) == (Link.STATE_PAID, 12900)
    (only,) = await world.tries(link)
    assert only.id == announced.link_payment.id
    assert only.bank_transfer_id == arrived.id


async def test_an_unannounced_transfer_pays_the_link(world: World):
    link = await world.link()
    spaced = " ".join(link.creditor_reference[at : at + 4] for at in range(0, 20, 4)).lower()
    assert (await world.transfer(12900, spaced)).state == Transfer.STATE_MATCHED
    (only,) = await world.tries(link)
    assert (only.method, only.state) == (pb.METHOD_BANK_TRANSFER, Try.STATE_SUCCEEDED)
    assert (await world.subjects(link))[-1] == "paid"


async def test_withdrawing_the_announcement_reopens_the_link(world: World):
    link = await world.sent_link()
    await announce(world, link)
    await world.visit("WithdrawBankTransfer", token=token_of(link))
    await world.visit("WithdrawBankTransfer", token=token_of(link))
    assert (await world.get(link)).state == Link.STATE_SENT
    await world.pay(link)
    withdrawn = world.visit("WithdrawBankTransfer", token=token_of(link))
    assert await refused(withdrawn) == "payment_link_closed"


async def test_a_link_that_waits_for_a_transfer_can_be_cancelled(world: World):
    link = await world.sent_link()
    await announce(world, link)
    cancelled = await world.call(
        "CancelPaymentLink", pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    )
    assert cancelled.payment_link.state == Link.STATE_CANCELLED
    (given_up,) = await world.tries(link)
    assert given_up.state == Try.STATE_CANCELLED
    late = await world.transfer(12900, link.creditor_reference)
    assert (late.state, late.open_minor) == (Transfer.STATE_LATE, 12900)


async def test_a_transfer_can_be_announced_only_where_it_is_offered(world: World):
    by_card = await world.link(methods=[pb.METHOD_CARD])
    assert await refused(announce(world, by_card)) == "method_not_offered"
    reusable = await world.link(reusable=True)
    assert await refused(announce(world, reusable)) == "method_not_offered"


async def test_a_partial_transfer_leaves_the_rest_payable_by_card(world: World):
    link = await world.link()
    part = await world.transfer(5000, link.creditor_reference)
    assert part.state == Transfer.STATE_PARTIAL
    page = await world.page(link)
    assert page.payment_link.amount_due == money(7900)
    assert page.transfer.amount == money(7900)
    assert page.payment_link.paid_minor == 5000
    assert await refused(world.pay(link)) == "amount_changed"
    await world.pay(link, 7900)
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor) == (Link.STATE_PAID, 12900)


async def test_two_parts_of_an_announced_transfer_pay_the_link(world: World):
    link = await world.link()
    await announce(world, link)
    await world.transfer(5000, link.creditor_reference)
    assert (await world.get(link)).state == Link.STATE_PAYING
    rest = await world.transfer(7900, link.creditor_reference)
    assert rest.state == Transfer.STATE_MATCHED
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(await world.tries(link)) == 1


async def test_an_overpayment_pays_the_link_and_leaves_a_surplus(world: World):
    link = await world.link()
    transfer = await world.transfer(13000, link.creditor_reference)
    assert (transfer.state, transfer.surplus_minor) == (Transfer.STATE_SURPLUS, 100)
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor) == (Link.STATE_PAID, 12900)
    again = await world.transfer(12900, link.creditor_reference)
    assert (again.state, again.surplus_minor) == (Transfer.STATE_SURPLUS, 12900)
    assert (await world.get(link)).paid_minor == 12900


async def test_a_transfer_without_a_known_reference_is_unmatched(world: World, other: World):
    link = await other.link()
    for reference in ("", "affitto", "RF18539007547034", link.creditor_reference):
        transfer = await world.transfer(12900, reference)
        assert transfer.state == Transfer.STATE_UNMATCHED
        assert not transfer.HasField("payment_link_id")
    wanted = pb.ListBankTransfersRequest(state=Transfer.STATE_UNMATCHED)
    assert len((await world.call("ListBankTransfers", wanted)).data) == 4
    assert list((await other.call("ListBankTransfers", wanted)).data) == []


async def test_a_transfer_in_another_currency_is_a_surplus(world: World):
    link = await world.link()
    transfer = await world.transfer(12900, link.creditor_reference, currency="CHF")
    assert (transfer.state, transfer.surplus_minor) == (Transfer.STATE_SURPLUS, 12900)


async def test_one_booking_is_recorded_once(world: World):
    link = await world.link()
    first = await world.transfer(5000, link.creditor_reference, bank_reference="b-1")
    again = await world.transfer(5000, link.creditor_reference, bank_reference="b-1")
    assert again == first
    assert (await world.get(link)).paid_minor == 5000
    for reference, text in (("B-1 ", "x"), (" b-1", ""), ("B -1", link.creditor_reference.lower())):
        assert await world.transfer(5000, text, bank_reference=reference) == first
    other_amount = world.transfer(5001, link.creditor_reference, bank_reference="B-1")
    assert await refused(other_amount) == "bank_transfer_differs"
    request = pb.RecordBankTransferRequest(
        bank_reference="b-2", amount=money(1), booked_on="2026-13-41"
    )
    assert await refused(world.call("RecordBankTransfer", request, key="k")) == "invalid_argument"


async def test_two_bookings_with_the_same_day_amount_and_text_both_count(world: World):
    link = await world.link(10000)
    for reference in ("b-1", "b1"):
        await world.transfer(5000, link.creditor_reference, bank_reference=reference)
    assert (await world.get(link)).state == Link.STATE_PAID


def both(*links) -> str:
    """A text of more than 200 characters that names these links, as a person types it."""
    named = " e ".join(
        " ".join(link.creditor_reference[at : at + 4] for at in range(0, 20, 4)).lower()
        for link in links
    )
    return f"{'Pagamento delle fatture di novembre, come da accordi. ' * 4}{named}, grazie"


async def test_of_two_referenced_links_the_unpaid_one_gets_the_money(world: World):
    done, due = await world.link(), await world.link()
    await world.transfer(12900, done.creditor_reference)
    arrived = await world.transfer(12900, both(done, due))
    assert (arrived.state, arrived.payment_link_id) == (Transfer.STATE_MATCHED, due.id)
    assert (await world.get(due)).state == Link.STATE_PAID


async def test_one_transfer_pays_both_links_that_it_names(world: World):
    links = [await world.link(), await world.sent_link(5000)]
    await announce(world, links[1])
    arrived = await world.transfer(17900, both(*links))
    assert (arrived.state, arrived.open_minor) == (Transfer.STATE_MATCHED, 0)
    assert [move.payment_link_id for move in arrived.moves] == [link.id for link in links]
    for link in links:
        assert (await world.get(link)).state == Link.STATE_PAID
        assert len(await world.tries(link)) == 1
    assert await recorded_states(world, arrived) == [Transfer.STATE_MATCHED]


async def test_an_ambiguous_transfer_stays_unmatched_with_its_candidates(world: World):
    links = [await world.link(), await world.link()]
    for amount_minor in (12900, 5000, 20000):
        arrived = await world.transfer(amount_minor, both(*links))
        assert arrived.state == Transfer.STATE_UNMATCHED
        assert list(arrived.candidates) == [link.id for link in links]
    assert {(await world.get(link)).paid_minor for link in links} == {0}


async def test_a_reference_with_wrong_check_digits_names_a_candidate(world: World):
    link = await world.link()
    right = link.creditor_reference
    wrong = f"RF{(int(right[2:4]) + 1) % 100:02d}{right[4:]}"
    arrived = await world.transfer(12900, f"saldo {wrong}")
    assert (arrived.state, list(arrived.candidates)) == (Transfer.STATE_UNMATCHED, [link.id])


async def test_a_transfer_text_may_have_up_to_a_thousand_characters(world: World):
    link = await world.link()
    text = link.creditor_reference.rjust(1000, "é")
    assert (await world.transfer(12900, text)).creditor_reference == text
    with pytest.raises(Refusal) as refusal:
        await world.transfer(12900, text + "x")
    assert [one.field for one in refusal.value.violations] == ["creditor_reference"]


async def recorded_states(world: World, transfer) -> list[int]:
    rows = await world.rows(
        "SELECT body FROM outbox WHERE aggregate_id = $1 ORDER BY seq", transfer.id
    )
    event = events_pb2.BankTransferRecorded
    return [event.FromString(row["body"]).bank_transfer.state for row in rows]


async def test_a_transfer_during_a_card_payment_waits_and_becomes_a_surplus(world: World):
    link = await world.link()
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.pay(link)
    waiting = await world.transfer(12900, link.creditor_reference, bank_reference="b-1")
    assert waiting.state == Transfer.STATE_UNMATCHED
    assert waiting.payment_link_id == link.id
    await world.work()
    paid = await world.get(link)
    assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
    assert await recorded_states(world, waiting) == [
        Transfer.STATE_UNMATCHED,
        Transfer.STATE_SURPLUS,
    ]


async def test_a_transfer_during_a_card_payment_pays_when_the_card_is_declined(world: World):
    link = await world.link()
    world.payments.state = State.STATE_DECLINED
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.pay(link)
    waiting = await world.transfer(12900, link.creditor_reference)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert (await recorded_states(world, waiting))[-1] == Transfer.STATE_MATCHED


async def test_a_reusable_link_counts_only_full_amount_transfers(world: World):
    link = await world.link(reusable=True, max_uses=2)
    assert (await world.transfer(12900, link.creditor_reference)).state == Transfer.STATE_MATCHED
    part = await world.transfer(100, link.creditor_reference)
    assert (part.state, part.surplus_minor) == (Transfer.STATE_SURPLUS, 100)
    await world.transfer(12900, link.creditor_reference)
    assert (await world.get(link)).state == Link.STATE_PAID
    third = await world.transfer(12900, link.creditor_reference)
    assert third.surplus_minor == 12900


async def test_a_link_whose_announced_transfer_never_arrives_expires(world: World):
    link = await world.sent_link(expires_in_days=5)
    await announce(world, link)
    await world.advance(days=6)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAYING
    await world.advance(days=10)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED
    assert [one.state for one in await world.tries(link)] == [Try.STATE_CANCELLED]
    late = await world.transfer(12900, link.creditor_reference)
    assert late.state == Transfer.STATE_LATE
