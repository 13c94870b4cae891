"""Races: money by two ways at once, a link that ends during a payment, concurrent new addresses."""

import asyncio
import io

import segno
import zxingcpp
from PIL import Image

from incasso.paylink.v1 import paylink_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.paylink import worker
from tests.services.paylink.test_plans import Plan, deliver, happen, link_for
from tests.services.paylink.world import Link, Try, World, token_of


async def reason_of(call) -> str:
    try:
        await call
    except Refusal as refusal:
        return refusal.reason
    return "done"


async def test_a_concurrent_card_and_transfer_pay_the_link_once(world: World):
    for _ in range(8):
        link = await world.link()
        bank_reference = ids.new("bnk")
        by_card, _ = await asyncio.gather(
            reason_of(world.pay(link)),
            world.transfer(12900, link.creditor_reference, bank_reference=bank_reference),
        )
        assert by_card in {"done", "payment_link_paid"}
        paid = await world.get(link)
        assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
        rows = await world.rows(
            "SELECT state, surplus_minor, waits FROM bank_transfers WHERE bank_reference = $1",
            bank_reference,
        )
        expected = ("surplus", 12900) if by_card == "done" else ("matched", 0)
        assert (rows[0]["state"], rows[0]["surplus_minor"]) == expected
        assert not rows[0]["waits"]


async def test_of_a_concurrent_cancellation_and_payment_one_wins(world: World):
    for _ in range(5):
        link = await world.sent_link(expires_in_days=1)
        cancel = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
        paid, cancelled = await asyncio.gather(
            reason_of(world.pay(link)), reason_of(world.call("CancelPaymentLink", cancel))
        )
        state = (await world.get(link)).state
        if paid == "done":
            assert state == Link.STATE_PAID
            assert cancelled in {"payment_link_paying", "payment_link_closed"}
        else:
            assert (paid, cancelled) == ("payment_link_closed", "done")
            assert state == Link.STATE_CANCELLED


async def test_a_payment_in_flight_when_the_link_expires_still_pays_it(world: World):
    link = await world.sent_link(expires_in_days=1)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        asked.set()
        await go_on.wait()

    world.payments.before["CreatePayment"] = hang
    paying = asyncio.create_task(world.pay(link))
    await asked.wait()
    await world.advance(days=2)
    await worker.link_worker(world.deps).run_once()
    go_on.set()
    assert (await paying).link_payment.state == Try.STATE_SUCCEEDED
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_concurrent_requests_for_a_new_address_issue_one(world: World):
    link = await world.sent_link(expires_in_days=1)
    await world.advance(days=1, seconds=1)
    answers = await asyncio.gather(
        *(reason_of(world.visit("RequestNewLink", token=token_of(link))) for _ in range(6))
    )
    assert answers.count("done") == 1
    assert (await world.get(link)).reissues == 1
    assert await world.reasons(link) == ["ISSUED", "REISSUED"]
    await world.page(await world.get(link))


async def test_the_transfer_code_survives_a_qr_code_round_trip(world: World):
    page = await world.page(await world.link())
    picture = io.BytesIO()
    segno.make_qr(page.transfer.epc_payload, error="m", boost_error=False).save(
        picture, kind="png", scale=6
    )
    (read,) = zxingcpp.read_barcodes(Image.open(picture))
    assert read.text == page.transfer.epc_payload


async def test_a_concurrent_card_transfer_and_plan_pay_the_link_once(world: World):
    for turn in range(6):
        link = await link_for(world, guest=turn % 2 == 1)
        calls = [
            reason_of(world.pay(link)),
            reason_of(world.choose(link)),
            reason_of(world.transfer(12900, link.creditor_reference)),
        ]
        calls = [*calls[turn % 3 :], *calls[: turn % 3]]
        done = await asyncio.gather(*calls)
        assert set(done) <= {"done", "payment_link_paid", "payment_link_paying"}
        for plan in list(world.instalments.books.values()):
            if (await world.get(link)).state == Link.STATE_PAYING:
                await happen(world, plan.id, Plan.STATE_ACTIVE)
        await world.work()
        paid = await world.get(link)
        assert (paid.state, paid.paid_minor, paid.uses) == (Link.STATE_PAID, 12900, 1)
        ended = [one.state for one in await world.tries(link)]
        assert ended.count(Try.STATE_SUCCEEDED) == 1


async def test_giving_up_a_plan_races_safely_with_its_activation_and_a_card(world: World):
    for turn in range(6):
        link = await link_for(world, guest=turn % 3 == 1)
        plan_id = (await world.choose(link)).link_payment.plan_id
        given_up = reason_of(world.visit("GiveUpPayment", token=token_of(link)))
        if turn % 2:
            world.instalments.plan(plan_id).state = Plan.STATE_ACTIVE
            await asyncio.gather(given_up, deliver(world, plan_id, Plan.STATE_ACTIVE))
            assert (await world.get(link)).state == Link.STATE_PAID
        else:
            by_card = reason_of(world.pay(link))
            assert (await asyncio.gather(given_up, by_card))[0] == "done"
            assert (await world.get(link)).state in (Link.STATE_CREATED, Link.STATE_PAID)
            assert world.instalments.plan(plan_id).state == Plan.STATE_CANCELLED
