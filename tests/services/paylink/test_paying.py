"""Paying by card: one order, one payment, whatever happens."""

import asyncio
from collections import Counter

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, Refusal
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Try, World, token_of

State = payments_pb2.Payment


async def test_a_new_card_pays_the_link(world: World):
    link = await world.sent_link(metadata={"cart": "c-77"})
    payment = await world.pay(link, payer_email="giulia@example.com")
    assert payment.link_payment.state == Try.STATE_SUCCEEDED
    assert payment.payment_state == State.STATE_CAPTURED
    assert payment.card.last4 == "4242"
    paid = await world.get(link)
    assert paid.state == Link.STATE_PAID
    assert paid.paid_minor == 12900
    assert paid.uses == 1
    assert paid.payment_id == payment.link_payment.payment_id
    assert not paid.HasField("next_reminder_at")
    assert (await world.subjects(link))[-2:] == ["paying", "paid"]
    asked = world.payments.calls["CreatePayment"][0]
    assert asked.method == "link"
    assert asked.order_reference == "A-1001"
    assert asked.capture == payments_pb2.CAPTURE_MODE_NOW
    assert asked.instrument.instrument_id == ""
    assert asked.instrument.last4 == "4242"
    assert [(t.psp_account, t.token) for t in asked.instrument.tokens] == [
        ("sandbox-a", "tok_visa")
    ]
    assert world.payments.keys["CreatePayment"] == [payment.link_payment.id]
    assert token_of(link) not in str(asked)


async def test_a_saved_card_is_charged_with_its_customer_and_sca_history(world: World):
    link = await world.sent_link(customer_id="cus_giulia")
    await world.pay(link, instrument_id="ins_good")
    asked = world.payments.calls["CreatePayment"][0]
    assert asked.instrument.instrument_id == "ins_good"
    assert asked.sca_history.payments_since_challenge == 2
    assert asked.customer_id == "cus_giulia"


async def test_cards_that_cannot_pay_are_refused(world: World):
    link = await world.link(customer_id="cus_giulia")
    assert await refused(world.pay(link, instrument_id="ins_old")) == "instrument_not_usable"
    assert await refused(world.pay(link, instrument_id="ins_none")) == "instrument_not_found"
    stranger = await world.link()
    assert await refused(world.pay(stranger, instrument_id="ins_good")) == "instrument_not_found"
    assert await refused(world.pay(link, card_token="")) == "invalid_argument"
    both = world.pay(link, instrument_id="ins_good", card_token="tok")
    assert await refused(both) == "invalid_argument"


async def test_a_wrong_amount_method_or_missing_key_is_refused_before_charging(world: World):
    link = await world.link()
    assert await refused(world.pay(link, 12800)) == "amount_changed"
    by_transfer = await world.link(methods=[pb.METHOD_BANK_TRANSFER])
    assert await refused(world.pay(by_transfer)) == "method_not_offered"
    keyless = world.visit("PayByCard", token=token_of(link), card_token="tok")
    assert await refused(keyless) == "idempotency_key_missing"
    assert world.payments.calls["CreatePayment"] == []


async def test_a_paid_link_is_not_paid_again(world: World):
    link = await world.link()
    await world.pay(link)
    assert await refused(world.pay(link)) == "payment_link_paid"


async def test_a_form_sent_twice_is_one_attempt(world: World):
    link = await world.link()
    first = await world.pay(link, key="form-1")
    again = await world.pay(link, key="form-1")
    assert again.link_payment == first.link_payment
    assert len(world.payments.books) == 1
    other_card = world.pay(link, key="form-1", card_token="tok_other")
    assert await refused(other_card) == "idempotency_key_reused"


async def test_a_declined_card_reopens_the_link_for_another(world: World):
    link = await world.sent_link()
    world.payments.state = State.STATE_DECLINED
    declined = await world.pay(link)
    assert declined.link_payment.state == Try.STATE_DECLINED
    assert declined.link_payment.decline.code == payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS
    open_again = await world.get(link)
    assert open_again.state == Link.STATE_SENT
    assert open_again.HasField("next_reminder_at")
    world.payments.state = State.STATE_CAPTURED
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
    assert [one.state for one in await world.tries(link)] == [
        Try.STATE_SUCCEEDED,
        Try.STATE_DECLINED,
    ]
    assert await world.subjects(link) == [
        "created",
        "message_requested",
        "sent",
        "paying",
        "payment_failed",
        "paying",
        "paid",
    ]


async def test_a_definite_refusal_reopens_the_link_and_is_repeated_for_its_key(world: World):
    link = await world.link()
    world.payments.before["CreatePayment"] = once(refuse(Kind.CONFLICT, "no_psp_account"))
    assert await refused(world.pay(link, key="form-1")) == "no_psp_account"
    assert await refused(world.pay(link, key="form-1")) == "no_psp_account"
    assert (await world.get(link)).state == Link.STATE_CREATED
    assert (await world.tries(link))[0].state == Try.STATE_CANCELLED
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_lost_answer_blocks_the_link_until_the_worker_settles_the_attempt(world: World):
    link = await world.link()
    world.payments.after["CreatePayment"] = once(lose_answer)
    pending = await world.pay(link)
    assert pending.link_payment.state == Try.STATE_PROCESSING
    assert (await world.get(link)).state == Link.STATE_PAYING
    assert await refused(world.pay(link)) == "payment_link_paying"
    cancel = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("CancelPaymentLink", cancel)) == "payment_link_paying"
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert len(world.payments.books) == 1
    assert len(set(world.payments.keys["CreatePayment"])) == 1


async def test_twenty_concurrent_payers_make_one_payment(world: World):
    link = await world.link()
    answers: Counter[str] = Counter()
    others_answered = asyncio.Event()
    world.payments.before["CreatePayment"] = others_answered.wait

    async def payer() -> None:
        try:
            answer = await world.pay(link, card_token=ids.new("tok"))
        except Refusal as refusal:
            answers[refusal.reason] += 1
        else:
            answers[Try.State.Name(answer.link_payment.state)] += 1
        if answers.total() == 19:
            others_answered.set()

    await asyncio.gather(*(payer() for _ in range(20)))
    assert answers == {"STATE_SUCCEEDED": 1, "payment_link_paying": 19}
    assert len(world.payments.keys["CreatePayment"]) == 1
    assert (await world.get(link)).paid_minor == 12900


async def test_a_reusable_link_is_paid_exactly_max_uses_times(world: World):
    link = await world.link(reusable=True, max_uses=3)

    async def payer() -> str:
        try:
            await world.pay(link, card_token=ids.new("tok"))
        except Refusal as refusal:
            return refusal.reason
        return "paid"

    answers = Counter(await asyncio.gather(*(payer() for _ in range(8))))
    assert answers["paid"] == 3
    assert set(answers) <= {"paid", "payment_link_paying", "payment_link_paid"}
    used = await world.get(link)
    assert (used.uses, used.paid_minor, used.state) == (3, 3 * 12900, Link.STATE_PAID)
    assert len(world.payments.books) == 3


async def test_a_declined_attempt_frees_its_use(world: World):
    link = await world.link(reusable=True, max_uses=1)
    world.payments.state = State.STATE_DECLINED
    await world.pay(link)
    world.payments.state = State.STATE_CAPTURED
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_reusable_link_without_a_limit_stays_open(world: World):
    link = await world.link(reusable=True)
    first, second = await world.pay(link), await world.pay(link)
    assert first.use != second.use
    assert (await world.get(link)).uses == 2
    page = await world.page(link, use=first.use)
    assert page.payment.link_payment.id == first.link_payment.id
    assert not (await world.page(link)).HasField("payment")


async def test_a_challenge_is_shown_and_settled_on_return(world: World):
    link = await world.link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    payment = await world.pay(link)
    assert payment.next_action.url == "http://127.0.0.1/challenge"
    asked = world.payments.calls["CreatePayment"][0]
    assert asked.return_url.startswith("https://pay.example/p/return/")
    reference = asked.return_url.rpartition("/")[2]
    world.payments.payment(payment.link_payment.payment_id).state = State.STATE_CAPTURED
    back = await world.visit("GetReturnPage", reference=reference)
    assert back.token == token_of(link)
    page = await world.page(link, use=back.use)
    assert page.payment.link_payment.state == Try.STATE_SUCCEEDED
    assert page.payment_link.state == Link.STATE_PAID
    altered = world.visit("GetReturnPage", reference=reference[:-4] + "AAAA")
    assert await refused(altered) == "payment_link_not_found"


async def test_an_abandoned_challenge_is_replaced_after_half_an_hour(world: World):
    link = await world.link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    await world.pay(link)
    world.payments.state = State.STATE_CAPTURED
    assert await refused(world.pay(link)) == "payment_link_paying"
    await world.advance(minutes=31)
    world.payments.before["CancelPayment"] = once(lose_answer)
    assert await refused(world.pay(link)) == "payment_link_paying"
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
    states = sorted(payment.state for payment in world.payments.books.values())
    assert states == [State.STATE_CAPTURED, State.STATE_CANCELLED]


async def test_a_challenge_that_was_passed_meanwhile_is_not_replaced(world: World):
    link = await world.link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    payment = await world.pay(link)
    await world.advance(minutes=31)
    world.payments.payment(payment.link_payment.payment_id).state = State.STATE_CAPTURED
    world.payments.before["CancelPayment"] = refuse(Kind.CONFLICT, "payment_not_cancellable")
    assert await refused(world.pay(link)) == "payment_link_paid"
    assert len(world.payments.books) == 1


async def test_the_worker_gives_up_a_challenge_after_an_hour(world: World):
    link = await world.sent_link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    await world.pay(link)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAYING
    await world.advance(minutes=61)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_SENT


@pytest.mark.parametrize("state", [State.STATE_PENDING, State.STATE_PROCESSING])
async def test_a_pending_or_processing_payment_is_followed_to_its_end(world: World, state):
    link = await world.link()
    world.payments.state = state
    payment = await world.pay(link)
    assert payment.link_payment.state == Try.STATE_PROCESSING
    assert payment.payment_state == state
    world.payments.payment(payment.link_payment.payment_id).state = State.STATE_DECLINED
    await world.work()
    assert (await world.get(link)).state == Link.STATE_CREATED


async def test_the_card_token_is_stored_sealed_and_only_until_the_answer(world: World):
    link = await world.link()
    world.payments.before["CreatePayment"] = once(lose_answer)
    await world.pay(link, card_token="tok_secret_4242")
    rows = await world.rows("SELECT request FROM link_payments WHERE link_id = $1", link.id)
    assert "tok_secret" not in rows[0]["request"]
    await world.work()
    rows = await world.rows("SELECT request FROM link_payments WHERE link_id = $1", link.id)
    assert rows[0]["request"] is None


async def test_a_reused_key_refusal_from_payments_is_not_final(world: World):
    link = await world.link()
    refusal = refuse(Kind.UNPROCESSABLE, "idempotency_key_reused")
    world.payments.before["CreatePayment"] = once(refusal)
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAYING
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_link_with_fifty_metadata_entries_can_be_paid(world: World):
    link = await world.link(metadata={f"key-{n}": "value" for n in range(50)})
    await world.pay(link)
    assert len(world.payments.calls["CreatePayment"][0].metadata) == 50
    assert (await world.get(link)).state == Link.STATE_PAID
