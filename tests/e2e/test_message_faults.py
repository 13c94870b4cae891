"""Mail servers and SMS providers fail, and notify is killed while it sends: each message arrives once.

Retries wait 30 seconds and more, leases minutes. `Times.later` changes the due times in notify's
database instead, as if the time had passed; only the postponed SMS waits in real time.
"""

import asyncio
import signal
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.e2e.conftest import address, mailed
from tests.kit.connections import connected
from tests.waiting import until

# The server answers this way once, before it has accepted the message.
REFUSALS = {
    "421 instead of a greeting": {"kind": "down", "times": 1},
    "no greeting": {"kind": "down", "code": "closed", "times": 1},
    "421 to RCPT": {"kind": "error", "code": "421", "phase": "rcpt", "times": 1},
    "450 to RCPT": {"kind": "error", "code": "450", "phase": "rcpt", "times": 1},
    "451 after the text": {"kind": "error", "code": "451", "phase": "data", "times": 1},
}


class Times:
    """Access to notify's database: moves due times and shows states that REST does not."""

    def __init__(self, conn):
        self._conn = conn

    async def later(self, link):
        """Makes the next attempt due now and ends a dead worker's lease."""
        await self._conn.execute(
            "UPDATE due_messages AS due SET due_at = now(), leased_until = NULL FROM messages"
            " WHERE (due.merchant_id, due.id) = (messages.merchant_id, messages.id)"
            " AND payment_link_id = $1",
            link["id"],
        )

    async def sending(self, link, *, handing_over):
        """Waits until the message is being sent: before the hand-over, or during it."""

        async def on_its_way():
            return await self._conn.fetchval(
                "SELECT count(*) FROM messages WHERE payment_link_id = $1 AND state = 'sending'"
                " AND (handing_over_at IS NOT NULL) = $2",
                link["id"],
                handing_over,
            )

        await until(on_its_way)


@pytest.fixture
async def times(stack):
    async with connected(stack.database_url("notify")) as conn:
        yield Times(conn)


@pytest.fixture
async def mails(shop):
    """`mails(to)`: the current inbox of an address."""

    async def inbox(to):
        return await shop.inbox(to, count=0)

    return inbox


async def message(shop, link, *states, attempts=0):
    """The link's newest message, once it is in one of these states after at least this many attempts."""

    async def reached():
        answer = await shop.call("GET", f"/v1/messages?payment_link_id={link['id']}")
        found = answer.body["data"][0] if answer.status == 200 and answer.body["data"] else {}
        return found.get("state") in states and found.get("attempts", 0) >= attempts and found

    return await until(reached, every_seconds=0.1)


def pause(postponed):
    """Seconds until the next attempt."""
    at = datetime.fromisoformat(postponed["next_attempt_at"])
    return (at - datetime.now(UTC)).total_seconds()


async def send(shop, to):
    return (await shop.link(2_000, **mailed(to))).expect(201)


async def test_mail_queued_while_the_server_is_down_arrives_once(stack, shop, times, mails):
    await stack.stop("sandbox")
    try:
        links = await asyncio.gather(*(send(shop, address()) for _ in range(5)))
        waiting = [await message(shop, link, "queued", attempts=1) for link in links]
        assert all(10 < pause(one) <= 30 for one in waiting)
    finally:
        await stack.start_again("sandbox")
    assert all("no connection" in one["error"] for one in waiting)
    for link in links:
        await times.later(link)
        assert (await message(shop, link, "sent"))["attempts"] >= 2  # one or more while it was down
    assert [len(await mails(link["recipient"]["email"])) for link in links] == [1] * 5


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_rejected_mail_is_retried_and_arrives_once(
    stack, shop, set_faults, times, mails, caught_up, refusal
):
    to = address()
    rule = {"operation": "smtp", **REFUSALS[refusal]}
    if "phase" in rule:
        rule["account"] = to
    else:
        await stack.restart("notify")  # closes earlier connections
    await set_faults(rule)
    link = await send(shop, to)
    postponed = await message(shop, link, "queued", attempts=1)
    assert 10 < pause(postponed) <= 30
    assert await mails(to) == []
    await times.later(link)
    assert (await message(shop, link, "sent"))["attempts"] == 2
    await caught_up()
    assert len(await mails(to)) == 1


async def test_slow_deliveries_do_not_delay_other_mail(shop, set_faults, mails):
    slow, quick = {phase: address() for phase in ("rcpt", "data")}, address()
    rule = {"operation": "smtp", "kind": "slow", "seconds": 12}
    await set_faults(*({**rule, "phase": phase, "account": to} for phase, to in slow.items()))
    late = [await send(shop, to) for to in slow.values()]
    await message(shop, await send(shop, quick), "sent")
    assert [await mails(to) for to in slow.values()] == [[], []]
    for link in late:
        assert (await message(shop, link, "sent"))["attempts"] == 1
    assert [len(await mails(to)) for to in (*slow.values(), quick)] == [1, 1, 1]


async def test_a_refused_address_blocks_only_its_own_mail(shop, times, mails):
    tag = uuid4().hex[:8]
    gone, full, grey = (f"{name}+{tag}@example.com" for name in ("refused", "full", "greylisted"))
    good = address()
    links = {to: await send(shop, to) for to in (gone, full, grey, good)}
    await message(shop, links[good], "sent")
    refused = await message(shop, links[gone], "bounced")
    assert "550" in refused["error"]
    listed = (await shop.get("/v1/suppressions"))["data"]
    assert [one["reason"] for one in listed if one["recipient"] == gone] == ["bounced"]
    assert full not in {one["recipient"] for one in listed}
    for to in (full, grey):
        await message(shop, links[to], "queued", attempts=1)
        await times.later(links[to])
    again = await message(shop, links[full], "queued", attempts=2)
    assert "452" in again["error"]
    assert 90 < pause(again) <= 120
    assert (await message(shop, links[grey], "sent"))["attempts"] == 2
    assert [len(await mails(to)) for to in (gone, full, grey, good)] == [0, 0, 1, 1]
    path = f"/v1/payment-links/{links[full]['id']}/cancel"
    (await shop.call("POST", path, {})).expect(200)
    await times.later(links[full])
    await message(shop, links[full], "obsolete")


async def test_a_bounced_address_is_suppressed_until_removed_from_the_list(shop, mails):
    to = f"bounce+{uuid4().hex[:8]}@example.com"
    first = await send(shop, to)
    bounced = await message(shop, first, "bounced")
    second = await send(shop, to)
    await message(shop, second, "suppressed")
    assert len(await mails(to)) == 1
    path = f"/v1/messages/{bounced['id']}/resend"
    refused = await shop.call("POST", path, {})
    assert (refused.status, refused.body["code"]) == (409, "recipient_suppressed")
    elsewhere = address()
    (await shop.call("POST", path, {"recipient": elsewhere})).expect(201)
    (copy,) = await shop.inbox(elsewhere)
    assert first["url"] in copy["text"]
    (entry,) = [
        one for one in (await shop.get("/v1/suppressions"))["data"] if one["recipient"] == to
    ]
    (await shop.call("DELETE", f"/v1/suppressions/{entry['id']}")).expect(200)
    third = await send(shop, to)
    await message(shop, third, "sent", "bounced")
    assert len(await mails(to)) == 2


@pytest.mark.parametrize(("kind", "arrived"), [("drop_before", 0), ("drop_after", 1)])
async def test_mail_with_an_unknown_outcome_is_resent_only_manually(
    shop, set_faults, times, mails, caught_up, kind, arrived
):
    to = address()
    await set_faults({"operation": "smtp", "kind": kind, "account": to, "times": 1})
    link = await send(shop, to)
    lost = await message(shop, link, "unknown")
    await times.later(link)
    await caught_up()
    assert (await message(shop, link, "unknown"))["attempts"] == 1
    assert len(await mails(to)) == arrived
    path, key = f"/v1/messages/{lost['id']}/resend", str(uuid4())
    copies = [(await shop.call("POST", path, {}, key=key)).expect(201) for _ in range(2)]
    assert {copy["resend_of"] for copy in copies} == {lost["id"]}
    assert len({copy["id"] for copy in copies}) == 1
    await message(shop, link, "sent")
    assert len(await mails(to)) == arrived + 1


async def test_notify_killed_before_handing_mail_over_sends_it_once(
    stack, shop, set_faults, times, mails, caught_up
):
    to = address()
    rule = {"operation": "smtp", "kind": "slow", "phase": "rcpt", "seconds": 10}
    await set_faults({**rule, "account": to, "times": 1})
    link = await send(shop, to)
    await times.sending(link, handing_over=False)
    stack.kill("notify")
    assert await mails(to) == []
    await times.later(link)
    assert (await message(shop, link, "sent"))["attempts"] == 2
    await caught_up()
    assert len(await mails(to)) == 1


@pytest.mark.parametrize("stored", [True, False], ids=["it was accepted", "outcome unknown"])
async def test_notify_killed_before_reading_the_reply_does_not_send_mail_twice(
    stack, shop, set_faults, struck, times, mails, caught_up, stored
):
    to = address()
    rule = {"operation": "smtp", "kind": "slow", "phase": "data", "seconds": 5}
    await set_faults({**rule, "account": to, "times": 1})
    link = await send(shop, to)
    await times.sending(link, handing_over=True)
    if stored:
        await struck()  # the mail server has the whole message
        stack.kill("notify", signal.SIGSTOP)
        await shop.inbox(to)
    stack.kill("notify")
    await times.later(link)
    await message(shop, link, "unknown")
    await times.later(link)
    await caught_up()
    assert (await message(shop, link, "unknown"))["attempts"] == 1
    assert len(await mails(to)) in ((1,) if stored else (0, 1))


async def texted(shop):
    phone = f"+39333{uuid4().int % 10**7:07d}"
    link = await shop.link(2_000, recipient={"phone": phone}, channels=["sms"])
    return phone, link.expect(201)


async def test_a_rate_limited_sms_is_retried_within_the_providers_delay(shop, set_faults, mails):
    await set_faults(
        {"operation": "sms", "kind": "error", "code": "429", "seconds": 8, "times": 1},
    )
    phone, link = await texted(shop)
    postponed = await message(shop, link, "queued", attempts=1)
    assert pause(postponed) <= 8
    assert (await message(shop, link, "delivered"))["attempts"] == 2
    assert len(await mails(phone)) == 1


@pytest.mark.parametrize(("kind", "tries"), [("drop_before", 2), ("drop_after", 1)])
async def test_an_unanswered_sms_is_sent_again_only_if_it_was_lost(
    shop, set_faults, times, mails, caught_up, kind, tries
):
    await set_faults({"operation": "sms", "kind": kind, "times": 1})
    phone, link = await texted(shop)
    await message(shop, link, "unknown")
    await times.later(link)
    assert (await message(shop, link, "sent", "delivered"))["attempts"] == tries
    await caught_up("sms")
    assert len(await mails(phone)) == 1


async def test_notify_killed_while_handing_over_an_sms_sends_it_once(
    stack, shop, set_faults, struck, times, mails
):
    await set_faults({"operation": "sms", "kind": "slow", "seconds": 5, "times": 1})
    phone, link = await texted(shop)
    await struck()  # the provider has the message
    stack.kill("notify")
    await shop.inbox(phone)
    await times.later(link)
    await message(shop, link, "unknown")
    await times.later(link)
    assert (await message(shop, link, "sent", "delivered"))["attempts"] == 1
    assert len(await mails(phone)) == 1
