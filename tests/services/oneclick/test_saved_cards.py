"""Saving, listing, choosing and removing instruments, through the gRPC servicer."""

import asyncio
from datetime import timedelta

import pytest

from incasso.oneclick.v1 import events_pb2
from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import wire
from libs.clock import Clock
from libs.errors import Kind, Refusal
from services.oneclick import worker
from services.oneclick.rules.instruments import MAX_INSTRUMENTS
from tests.kit.payments_double import once, refuse
from tests.services.oneclick.world import World


async def listed(world: World, customer_id: str):
    request = pb.ListInstrumentsRequest(customer_id=customer_id)
    return list((await world.call("ListInstruments", request)).data)


async def test_a_card_is_saved_with_its_consent_and_becomes_the_default(world: World):
    customer_id = await world.customer()
    made = await world.attach(customer_id)
    assert made.state == pb.Instrument.STATE_ACTIVE
    assert (made.brand, made.last4, made.country, made.default) == ("visa", "4242", "IT", True)
    assert list(made.psp_accounts) == ["sandbox-a"]
    assert await listed(world, customer_id) == [made]
    (consent,) = await world.rows("SELECT * FROM consents WHERE customer_id = $1", customer_id)
    assert (consent["text_version"], consent["ip"]) == ("2026-11", "203.0.113.7")
    body = await world.value("SELECT body FROM outbox WHERE aggregate_id = $1", made.id)
    assert events_pb2.InstrumentAttached.FromString(body).instrument == made
    assert await world.value("SELECT setup_request FROM instruments WHERE id = $1", made.id) is None


async def test_a_setup_sends_payments_the_hashed_ip_address_of_the_consent(world: World):
    await world.attach(await world.customer())
    with_address = world.payments.calls["SetUpInstrument"][-1]
    [subject] = with_address.velocity_subjects
    assert subject.startswith("address:")
    assert "203.0.113" not in str(with_address)
    request = world.attach_request(await world.customer())
    request.consent.ClearField("ip")
    await world.call("AttachInstrument", request)
    assert not world.payments.calls["SetUpInstrument"][-1].velocity_subjects


async def test_the_same_key_saves_one_card(world: World):
    customer_id = await world.customer()
    request = world.attach_request(customer_id)

    async def one():
        while True:
            try:
                return await world.call("AttachInstrument", request, key="card-1")
            except Refusal as refusal:
                if refusal.reason != "idempotency_key_in_use":
                    raise
                await asyncio.sleep(0.02)

    answers = await asyncio.gather(*(one() for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert len(world.payments.setups) == 1


async def test_a_second_card_is_the_default_only_when_asked(world: World):
    customer_id = await world.customer()
    first = await world.attach(customer_id)
    second = await world.attach(customer_id, "tok_mastercard")
    assert not second.default
    third = await world.attach(customer_id, "tok_amex", make_default=True)
    assert third.default
    assert [i.id for i in await listed(world, customer_id)] == [third.id, first.id, second.id]


async def test_the_psps_customer_is_reused(world: World):
    customer_id = await world.customer()
    await world.attach(customer_id)
    await world.attach(customer_id, "tok_mastercard")
    first, second = world.payments.calls["SetUpInstrument"]
    assert (first.psp_customer, second.psp_customer) == ("", f"psp-{customer_id}")
    assert first.email == "giulia@example.com"


async def test_saving_the_same_card_again_returns_the_first_instrument(world: World):
    customer_id = await world.customer()
    first = await world.attach(customer_id)
    assert await world.attach(customer_id) == first
    assert await listed(world, customer_id) == [first]
    await worker.removal_worker(world.deps).run_once()
    spare = list(world.payments.setups.values())[1].token
    assert world.payments.removed == [("sandbox-a", spare)]


async def test_the_same_card_at_another_account_gets_a_second_token(world: World):
    customer_id = await world.customer()
    first = await world.attach(customer_id)
    request = world.attach_request(customer_id)
    request.psp_account = "sandbox-b"
    answer = await world.call("AttachInstrument", request, key="b")
    assert answer.instrument.id == first.id
    assert list(answer.instrument.psp_accounts) == ["sandbox-a", "sandbox-b"]
    assert await world.call("AttachInstrument", request, key="b") == answer
    await world.charge(customer_id)
    (asked,) = world.payments.calls["CreatePayment"]
    assert [t.psp_account for t in asked.instrument.tokens] == ["sandbox-a", "sandbox-b"]


async def test_cards_of_different_customers_are_never_merged(world: World):
    one, other = await world.customer(), await world.customer()
    assert (await world.attach(one)).id != (await world.attach(other)).id


async def test_a_challenged_card_can_be_charged_only_after_the_challenge(world: World):
    customer_id = await world.customer()
    made = await world.attach(customer_id, "tok_3ds", return_url="https://shop.example/cards")
    assert made.state == pb.Instrument.STATE_REQUIRES_ACTION
    assert made.next_action.url == "http://127.0.0.1/challenge"
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, instrument_id=made.id)
    assert refused.value.reason == "instrument_not_usable"
    (setup,) = world.payments.setups.values()
    setup.ClearField("next_action")
    await world.make_due("instruments")
    await worker.setup_worker(world.deps).run_once()
    (now,) = await listed(world, customer_id)
    assert (now.state, now.default) == (pb.Instrument.STATE_ACTIVE, True)
    assert not now.HasField("next_action")
    await world.charge(customer_id)


async def test_a_refresh_by_key_returns_how_the_challenge_ended(world: World):
    """By the key of the call that saved the card; replays of that call always return the challenge."""
    customer_id = await world.customer()
    asked = world.attach_request(customer_id, "tok_3ds", return_url="https://shop.example/cards")
    made = (await world.call("AttachInstrument", asked, key="card-1")).instrument
    wanted = pb.RefreshInstrumentByKeyRequest(key="card-1")
    waiting = (await world.call("RefreshInstrumentByKey", wanted)).instrument
    assert waiting.next_action.url == made.next_action.url
    (setup,) = world.payments.setups.values()
    setup.ClearField("next_action")
    passed = (await world.call("RefreshInstrumentByKey", wanted)).instrument
    assert (passed.id, passed.state) == (made.id, pb.Instrument.STATE_ACTIVE)
    assert (await world.call("AttachInstrument", asked, key="card-1")).instrument == made
    await world.call("AttachInstrument", asked, key="card-2")
    world.payments.before["SetUpInstrument"] = refuse(Kind.UNPROCESSABLE, "instrument_refused")
    for key, reason in (("card-2", "instrument_refused"), ("card-3", "instrument_not_found")):
        wanted = pb.RefreshInstrumentByKeyRequest(key=key)
        with pytest.raises(Refusal) as refused:
            await world.call("RefreshInstrumentByKey", wanted)
        assert refused.value.reason == reason
    assert await listed(world, customer_id) == [passed]


async def test_an_unanswered_challenge_is_abandoned_after_a_day(world: World):
    customer_id = await world.customer()
    await world.attach(customer_id, "tok_3ds")
    async with world.db.connection() as conn:
        await conn.execute(
            "UPDATE instruments SET begun_at = now() - interval '25 hours' WHERE customer_id = $1",
            customer_id,
        )
    await world.make_due("instruments")
    await worker.setup_worker(world.deps).run_once()
    assert await listed(world, customer_id) == []
    assert (
        await world.value("SELECT due_at FROM instruments WHERE customer_id = $1", customer_id)
        is None
    )


async def test_a_refused_card_is_refused_again_under_its_key(world: World):
    customer_id = await world.customer()
    world.payments.before["SetUpInstrument"] = once(
        refuse(Kind.UNPROCESSABLE, "instrument_refused")
    )
    request = world.attach_request(customer_id)
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await world.call("AttachInstrument", request, key="card-1")
        assert refused.value.reason == "instrument_refused"
    assert await listed(world, customer_id) == []
    assert len(world.payments.keys["SetUpInstrument"]) == 1


async def test_an_unreachable_psp_can_be_tried_again_under_the_same_key(world: World):
    customer_id = await world.customer()
    world.payments.before["SetUpInstrument"] = once(refuse(Kind.UNAVAILABLE, "psp_unavailable"))
    request = world.attach_request(customer_id)
    with pytest.raises(Refusal) as refused:
        await world.call("AttachInstrument", request, key="card-1")
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAVAILABLE, "psp_unavailable")
    await world.call("AttachInstrument", request, key="card-1")
    assert len(set(world.payments.keys["SetUpInstrument"])) == 1
    assert len(await listed(world, customer_id)) == 1


async def test_consent_cannot_be_given_in_the_future(world: World):
    request = world.attach_request(await world.customer())
    request.consent.accepted_at.CopyFrom(wire.timestamp(Clock().now() + timedelta(hours=1)))
    with pytest.raises(Refusal) as refused:
        await world.call("AttachInstrument", request)
    assert refused.value.reason == "invalid_argument"
    assert [v.field for v in refused.value.violations] == ["consent.accepted_at"]


async def test_instruments_are_limited_even_when_saved_concurrently(world: World):
    customer_id = await world.customer()
    for n in range(MAX_INSTRUMENTS - 2):
        await world.attach(customer_id, f"tok_{n}")
    results = await asyncio.gather(
        *(world.attach(customer_id, f"tok_more_{n}") for n in range(6)), return_exceptions=True
    )
    assert [r.reason for r in results if isinstance(r, Refusal)] == ["too_many_instruments"] * 4
    assert len(await listed(world, customer_id)) == MAX_INSTRUMENTS


async def test_another_card_can_be_made_the_default(world: World):
    customer_id = await world.shopper()
    second = await world.attach(customer_id, "tok_mastercard")
    request = pb.SetDefaultInstrumentRequest(customer_id=customer_id, instrument_id=second.id)
    assert (await world.call("SetDefaultInstrument", request)).instrument.default
    payment = await world.charge(customer_id)
    assert payment.instrument_id == second.id


async def test_an_expired_card_is_shown_as_such_and_not_charged(world: World):
    world.payments.cards["tok_old"] = {"exp_month": 1, "exp_year": 2020}
    customer_id = await world.customer()
    made = await world.attach(customer_id, "tok_old")
    assert made.state == pb.Instrument.STATE_EXPIRED
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id)
    assert refused.value.reason == "instrument_not_usable"
    request = pb.SetDefaultInstrumentRequest(customer_id=customer_id, instrument_id=made.id)
    with pytest.raises(Refusal) as refused:
        await world.call("SetDefaultInstrument", request)
    assert refused.value.reason == "instrument_not_usable"


async def test_a_detached_card_is_removed_at_once_and_later_at_its_psp(world: World):
    customer_id = await world.shopper()
    (card,) = await listed(world, customer_id)
    request = pb.DetachInstrumentRequest(customer_id=customer_id, instrument_id=card.id)
    for _ in range(2):
        gone = (await world.call("DetachInstrument", request)).instrument
        assert gone.state == pb.Instrument.STATE_DETACHED
    assert await listed(world, customer_id) == []
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id)
    assert refused.value.reason == "no_instrument"
    world.payments.before["RemoveInstrument"] = once(refuse(Kind.UNAVAILABLE, "psp_unavailable"))
    await worker.removal_worker(world.deps).run_once()
    assert world.payments.removed == []
    await world.make_due("token_removals")
    await worker.removal_worker(world.deps).run_once()
    (setup,) = world.payments.setups.values()
    assert world.payments.removed == [("sandbox-a", setup.token)]
    assert (
        await world.rows("SELECT * FROM token_removals WHERE merchant_id = $1", world.merchant_id)
        == []
    )


async def test_a_detached_card_can_be_saved_again(world: World):
    customer_id = await world.shopper()
    (card,) = await listed(world, customer_id)
    await world.call(
        "DetachInstrument",
        pb.DetachInstrumentRequest(customer_id=customer_id, instrument_id=card.id),
    )
    again = await world.attach(customer_id)
    assert again.id != card.id
    assert (await world.charge(customer_id)).state == payments_pb2.Payment.STATE_CAPTURED
