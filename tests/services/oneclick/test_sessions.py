"""One-click sessions: what a browser with the publishable key may do, through the gRPC servicer."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, Refusal
from libs.idempotency import Key
from libs.money import Money
from libs.proofs import Proofs
from services.oneclick import worker
from services.oneclick.flows import sessions as flow
from services.oneclick.rules import sessions as rules
from services.oneclick.rules.domain import CaptureMode
from tests.kit.payments_double import lose_answer, money, once, refuse
from tests.services.oneclick.world import World

State = payments_pb2.Payment


async def opened(world: World, customer_id: str, *, key: str = "", **more):
    request = pb.CreateOneClickSessionRequest(
        customer_id=customer_id, amount=money(5990), order_reference="A-1001", **more
    )
    return (await world.call("CreateOneClickSession", request, key=key)).session


async def published(world: World, session) -> list[str]:
    """The events about it, in order."""
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT subject FROM outbox WHERE aggregate_id = $1 ORDER BY seq", session.id
        )
    return [row["subject"].removeprefix("incasso.oneclick.session.") for row in rows]


def browser(world: World) -> World:
    return World(world.deps, world.payments, world.stub, world.merchant_id, publishable=True)


async def pay(world: World, session, secret: str | None = None, ip: str | None = None):
    request = pb.PayOneClickSessionRequest(session_id=session.id, client_secret=secret, ip=ip)
    return (await world.call("PayOneClickSession", request)).session


async def find_session(world: World, session, secret: str | None = None):
    request = pb.GetOneClickSessionRequest(session_id=session.id, client_secret=secret)
    return (await world.call("GetOneClickSession", request)).session


async def test_a_browser_sees_the_card_and_pays_with_the_secret(world: World):
    customer_id = await world.customer(locale="it")
    await world.attach(customer_id)
    session = await opened(world, customer_id)
    assert session.client_secret.startswith(f"{session.id}_secret_")
    shopper = browser(world)
    seen = await find_session(shopper, session, session.client_secret)
    assert (seen.state, seen.card.last4, seen.locale) == (
        pb.OneClickSession.STATE_OPEN,
        "4242",
        "it",
    )
    assert not seen.HasField("client_secret")
    assert not seen.HasField("payment")
    paid = await pay(shopper, session, session.client_secret)
    assert paid.state == pb.OneClickSession.STATE_PAID
    assert [paid.payment] == list(world.payments.books.values())
    assert await find_session(shopper, session, session.client_secret) == paid


async def test_a_browser_without_the_right_secret_is_refused(world: World):
    customer_id = await world.shopper()
    session, other = await opened(world, customer_id), await opened(world, customer_id)
    shopper = browser(world)
    for secret in (None, "", "wrong", other.client_secret, session.client_secret[:-1]):
        for call in (find_session, pay):
            with pytest.raises(Refusal) as refused:
                await call(shopper, session, secret)
            assert (refused.value.kind, refused.value.reason) == (
                Kind.UNAUTHENTICATED,
                "client_secret_invalid",
            )
    assert not world.payments.books


async def test_the_shops_server_needs_no_secret(world: World):
    session = await opened(world, await world.shopper())
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID


async def test_the_client_secret_is_not_stored(world: World):
    session = await opened(world, await world.shopper(), key="s-1")
    await pay(browser(world), session, session.client_secret)
    secret = session.client_secret.rpartition("_")[2].encode()
    tables = await world.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    assert len(tables) > 10
    for (table,) in tables:
        for row in await world.rows(f"SELECT * FROM {table}"):
            values = [v if isinstance(v, bytes) else str(v).encode() for v in row.values()]
            assert not any(secret in value for value in values), table


async def test_the_same_key_opens_one_session_with_one_secret(world: World):
    customer_id = await world.shopper()
    items = [pb.OrderItem(id="a", name="A", quantity=1, unit_amount_minor=5990)]
    first = await opened(world, customer_id, key="s-1", items=items)
    assert first == await opened(world, customer_id, key="s-1", items=items)
    assert first.client_secret


async def test_key_rotation_keeps_client_secrets_until_the_old_key_is_removed(world: World):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    cmd = flow.CreateOneClickSession(
        customer_id=await world.shopper(),
        amount=Money(5990, "EUR"),
        order_reference="A-1",
        capture=CaptureMode.NOW,
        grace_seconds=None,
        expires_in_minutes=None,
        return_url="",
        metadata={},
    )
    key = Key(world.merchant_id, "CreateOneClickSession", "s-1", b"hash")
    answers = []
    for keys in ([old], [new, old], [new]):
        deps = replace(world.deps, client_secrets=Proofs(rules.LABEL, keys))
        world.act()
        answer = await flow.create_one_click_session(deps, cmd, key)
        answers.append(pb.OneClickSession.FromString(answer))
    first, rotated, gone = answers
    assert first == rotated
    assert gone.id == first.id
    assert not gone.HasField("client_secret")


async def test_fifty_concurrent_clicks_pay_once(world: World):
    session = await opened(world, await world.shopper())
    world.payments.before["CreatePayment"] = lambda: asyncio.sleep(0.1)
    results = await asyncio.gather(
        *(pay(world, session) for _ in range(50)), return_exceptions=True
    )
    refused = {r.reason for r in results if isinstance(r, Refusal)}
    assert refused <= {"idempotency_key_in_use"}
    assert len(world.payments.books) == 1
    assert len(await world.charges()) == 1
    again = await pay(world, session)
    assert again.state == pb.OneClickSession.STATE_PAID
    assert len(world.payments.books) == 1


async def test_a_declined_click_can_be_tried_again(world: World):
    session = await opened(world, await world.shopper())
    world.payments.state = State.STATE_DECLINED
    declined = await pay(world, session)
    assert declined.state == pb.OneClickSession.STATE_OPEN
    assert declined.payment.state == State.STATE_DECLINED
    world.payments.state = State.STATE_CAPTURED
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID
    assert [row["session_try"] for row in await world.charges()] == [1, 2]
    sent = [list(one.velocity_subjects) for one in world.payments.calls["CreatePayment"]]
    assert sent == [[f"customer:{session.customer_id}", f"session:{session.id}"]] * 2
    assert len(set(world.payments.keys["CreatePayment"])) == 2


async def test_ipv6_addresses_of_one_household_share_a_velocity_subject(world: World):
    for ip in ("2001:db8:1:2::3", "2001:db8:1:2:9::4"):  # of one household
        session = await opened(world, await world.shopper())
        await pay(browser(world), session, session.client_secret, ip)
    sent = [one.velocity_subjects for one in world.payments.calls["CreatePayment"]]
    [address] = {subjects[2] for subjects in sent}
    assert address.startswith("clicking_address:")
    assert "2001" not in address.partition(":")[2]
    assert sent[1][:2] == [f"customer:{session.customer_id}", f"session:{session.id}"]


async def test_a_click_that_payments_refuses_can_be_tried_again(world: World):
    session = await opened(world, await world.shopper())
    world.payments.before["CreatePayment"] = once(refuse(Kind.CONFLICT, "no_psp_account"))
    with pytest.raises(Refusal) as refused:
        await pay(world, session)
    assert refused.value.reason == "no_psp_account"
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID


async def test_a_challenge_keeps_the_session_paying_until_its_end_is_known(world: World):
    session = await opened(world, await world.shopper())
    world.payments.state = State.STATE_REQUIRES_ACTION
    paying = await pay(world, session)
    assert paying.state == pb.OneClickSession.STATE_PAYING
    assert paying.payment.next_action.url
    assert (await pay(world, session)) == paying
    world.payments.payment(paying.payment.id).state = State.STATE_CAPTURED
    paid = await find_session(world, session)
    assert (paid.state, paid.payment.state) == (pb.OneClickSession.STATE_PAID, State.STATE_CAPTURED)
    assert len(world.payments.books) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_unanswered_click_is_completed_by_a_repeat(world: World, when: str):
    session = await opened(world, await world.shopper())
    getattr(world.payments, when)["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal) as refused:
        await pay(world, session)
    assert refused.value.reason == "outcome_unknown"
    assert (await find_session(world, session)).state == pb.OneClickSession.STATE_PAYING
    assert await published(world, session) == ["opened"]
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID
    assert len(world.payments.books) == 1
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID
    assert await published(world, session) == ["opened", "paid"]


async def test_an_unanswered_click_is_completed_by_the_worker(world: World):
    session = await opened(world, await world.shopper())
    world.payments.after["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await pay(world, session)
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    assert (await find_session(world, session)).state == pb.OneClickSession.STATE_PAID
    assert await published(world, session) == ["opened", "paid"]


async def test_an_expired_session_is_not_paid(world: World):
    session = await opened(world, await world.shopper(), expires_in_minutes=1)
    world.offset = timedelta(minutes=1)
    assert (await find_session(world, session)).state == pb.OneClickSession.STATE_EXPIRED
    with pytest.raises(Refusal) as refused:
        await pay(world, session)
    assert refused.value.reason == "session_expired"


async def test_a_payment_begun_before_expiry_can_be_completed(world: World):
    session = await opened(world, await world.shopper(), expires_in_minutes=1)
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await pay(world, session)
    world.offset = timedelta(minutes=2)
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID


async def test_limits_hold_for_sessions_and_leave_them_open(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_charge_minor=100))
    session = await opened(world, customer_id)
    with pytest.raises(Refusal) as refused:
        await pay(world, session)
    assert refused.value.reason == "charge_limit_exceeded"
    assert (await find_session(world, session)).state == pb.OneClickSession.STATE_OPEN


async def test_a_session_of_a_customer_without_a_card_shows_none(world: World):
    session = await opened(world, await world.customer())
    assert not session.HasField("card")
    with pytest.raises(Refusal) as refused:
        await pay(world, session)
    assert refused.value.reason == "no_instrument"
