"""Webhooks to merchants whose receiver fails, moves or is gone, and what merchants do about it over REST."""

from dataclasses import dataclass

import pytest
from aiohttp import web

from stack.receiver import Receiver, receiver
from tests.kit.connections import connected
from tests.waiting import until

CREATED = "payment_link.created"
PRIVATE = [
    "https://10.0.0.8/hook",
    "https://172.16.4.4/hook",
    "https://192.168.1.10/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://[fd00::1]/hook",
    "https://[::ffff:10.0.0.8]/hook",
    "http://10.0.0.8/hook",
    "http://93.184.216.34/hook",  # public, but without TLS
]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint for created links, and its receiver."""

    shop: object
    listening: Receiver
    id: str

    async def taken(self, link):
        return await self.listening.wait_for(
            lambda event: event["data"]["payment_link"]["id"] == link["id"]
        )

    async def current(self):
        return await self.shop.get(f"/v1/webhook-endpoints/{self.id}")

    async def delivery(self, *, state, attempts):
        """The newest delivery, once it is in this state after this many attempts."""

        async def reached():
            listed = await self.shop.get(f"/v1/webhook-endpoints/{self.id}/deliveries")
            found = next(iter(listed["data"]), {"attempts": []})
            return found.get("state") == state and len(found["attempts"]) == attempts and found

        return await until(reached, every_seconds=0.1)

    async def delivered(self, count):
        """Waits until notify has recorded this many deliveries, which the receiver sees earlier."""

        async def known():
            listed = await self.shop.get(f"/v1/webhook-endpoints/{self.id}/deliveries")
            return sum(one["state"] == "delivered" for one in listed["data"]) >= count

        await until(known, every_seconds=0.1)


@pytest.fixture
async def endpoint(shop):
    async with receiver() as listening:
        body = {"url": listening.url, "event_types": [CREATED]}
        made = (await shop.call("POST", "/v1/webhook-endpoints", body)).expect(201)
        listening.secrets.append(made["secret"])
        yield Endpoint(shop, listening, made["id"])
        (await shop.call("DELETE", f"/v1/webhook-endpoints/{made['id']}")).expect(200)


async def make_link(shop):
    return (await shop.link(1_000)).expect(201)


async def listed(shop, link):
    """Waits until notify has the link's event; the endpoint's state decides whether it is delivered."""

    async def known():
        events = (await shop.get("/v1/events?type=payment_link.created"))["data"]
        return link["id"] in links_of(events)

    await until(known, every_seconds=0.1)


def statuses(delivery):
    return [one.get("status") for one in delivery["attempts"]]


def links_of(events):
    return [event["data"]["payment_link"]["id"] for event in events]


async def test_a_failed_delivery_is_retried_with_the_same_event(shop, endpoint):
    endpoint.listening.plan = [web.Response(status=500, text="the database is away")]
    link = await make_link(shop)
    event = await endpoint.taken(link)
    assert endpoint.listening.refused == [event]
    done = await endpoint.delivery(state="delivered", attempts=2)
    assert statuses(done) == [500, 204]
    assert done["attempts"][0]["response_excerpt"] == "the database is away"
    assert await shop.get(f"/v1/events/{done['event_id']}") == event


async def test_a_delivery_answered_with_404_is_retried_at_the_updated_url(shop, endpoint):
    elsewhere = {"url": endpoint.listening.url.replace("/webhooks", "/moved")}
    path = f"/v1/webhook-endpoints/{endpoint.id}"
    (await shop.call("PATCH", path, elsewhere)).expect(200)
    link = await make_link(shop)
    assert statuses(await endpoint.delivery(state="pending", attempts=1)) == [404]
    (await shop.call("PATCH", path, {"url": endpoint.listening.url})).expect(200)
    await endpoint.taken(link)
    assert statuses(await endpoint.delivery(state="delivered", attempts=2)) == [404, 204]


async def test_redirects_are_not_followed_and_manual_retries_are_allowed_in_any_state(
    shop, endpoint
):
    async with receiver() as foreign:
        foreign.secrets = endpoint.listening.secrets
        moved = {"Location": foreign.url}
        endpoint.listening.plan = [web.Response(status=code, headers=moved) for code in (307, 308)]
        link = await make_link(shop)
        waiting = await endpoint.delivery(state="pending", attempts=1)
        path = f"/v1/webhook-deliveries/{waiting['id']}/retry"
        (await shop.call("POST", path, {})).expect(200)
        await endpoint.delivery(state="pending", attempts=2)
        (await shop.call("POST", path, {})).expect(200)
        event = await endpoint.taken(link)
        done = await endpoint.delivery(state="delivered", attempts=3)
        assert statuses(done) == [307, 308, 204]
        (await shop.call("POST", path, {})).expect(200)  # a retry is allowed in every state
        await endpoint.delivery(state="delivered", attempts=4)
        assert endpoint.listening.events == [event, event]
        assert (foreign.events, foreign.refused) == ([], [])


async def test_a_410_disables_the_endpoint_until_the_merchant_enables_it(shop, endpoint):
    endpoint.listening.plan = [web.Response(status=410)]
    first = await make_link(shop)
    failed = await endpoint.delivery(state="failed", attempts=1)
    current = await endpoint.current()
    assert (current["state"], current["disabled_reason"]) == ("disabled", "gone")
    second = await make_link(shop)
    await listed(shop, second)
    path = f"/v1/webhook-endpoints/{endpoint.id}"
    period = {"created_from": first["created_at"]}
    for refused in (
        await shop.call("POST", f"/v1/webhook-deliveries/{failed['id']}/retry", {}),
        await shop.call("POST", f"{path}/replay", period),
        await shop.call("POST", f"{path}/test", {}),
    ):
        assert (refused.status, refused.body["code"]) == (409, "webhook_endpoint_disabled")
    (await shop.call("PATCH", path, {"state": "enabled"})).expect(200)
    third = await make_link(shop)
    await endpoint.taken(third)
    assert links_of(endpoint.listening.events) == [third["id"]]
    replayed = (await shop.call("POST", f"{path}/replay", period)).expect(200)
    assert replayed["deliveries"] == 2
    for link in (first, second):
        await endpoint.taken(link)
    await endpoint.delivered(3)
    again = (await shop.call("POST", f"{path}/replay", period)).expect(200)
    assert again["deliveries"] == 0
    everything = {**period, "include_delivered": True}
    again = (await shop.call("POST", f"{path}/replay", everything)).expect(200)
    assert again["deliveries"] == 3
    await until(lambda: len(endpoint.listening.events) >= 6)
    made = [first["id"], second["id"], third["id"]]
    assert sorted(links_of(endpoint.listening.events)) == sorted(made * 2)
    assert len({event["id"] for event in endpoint.listening.events}) == 3


async def test_an_event_is_resent_under_the_same_id(shop, endpoint):
    event = await endpoint.taken(await make_link(shop))
    await endpoint.delivered(1)
    path = f"/v1/events/{event['id']}"
    listed = (await shop.get(f"/v1/events?type={CREATED}&limit=1"))["data"]
    assert listed == [event]
    answer = (await shop.call("POST", f"{path}/resend", {})).expect(200)
    assert answer["deliveries"] == 1
    await until(lambda: len(endpoint.listening.events) >= 2)
    assert endpoint.listening.events == [event, event]
    unknown = await shop.call("POST", "/v1/events/evt_none/resend", {})
    assert (unknown.status, unknown.body["code"]) == (404, "event_not_found")


async def test_webhooks_are_delivered_after_notify_was_killed(stack, shop, endpoint):
    await endpoint.taken(await make_link(shop))
    starts = stack.process("notify").starts
    stack.kill("notify")
    # NATS redelivers after 30 s what it had delivered to the dying process.
    await until(lambda: stack.process("notify").starts > starts)
    links = [await make_link(shop) for _ in range(5)]
    for link in links:
        await endpoint.taken(link)
    assert sorted(links_of(endpoint.listening.events)[1:]) == sorted(link["id"] for link in links)


class LostResponse(web.Response):
    """An answer that kills notify before it can read it."""

    def __init__(self, stack):
        super().__init__(status=200)
        self._stack = stack

    async def prepare(self, request):
        self._stack.kill("notify")
        return await super().prepare(request)


async def test_a_delivery_repeated_after_a_crash_has_the_same_event_id(stack, shop, endpoint):
    endpoint.listening.plan = [LostResponse(stack)]
    link = await make_link(shop)
    await until(lambda: endpoint.listening.refused)
    async with connected(
        stack.database_url("notify")
    ) as conn:  # ends the dead worker's lease of a minute
        await conn.execute(
            "UPDATE webhook_deliveries SET due_at = now()"
            " WHERE endpoint_id = $1 AND due_at IS NOT NULL",
            endpoint.id,
        )
    again = await endpoint.taken(link)
    assert endpoint.listening.refused == [again]
    done = await endpoint.delivery(state="delivered", attempts=1)
    assert done["event_id"] == again["id"]


@pytest.mark.parametrize("url", PRIVATE)
async def test_a_webhook_url_in_a_private_network_is_refused(shop, endpoint, url):
    made = await shop.call("POST", "/v1/webhook-endpoints", {"url": url})
    assert (made.status, made.body["code"]) == (422, "webhook_url_refused")
    changed = await shop.call("PATCH", f"/v1/webhook-endpoints/{endpoint.id}", {"url": url})
    assert (changed.status, changed.body["code"]) == (422, "webhook_url_refused")
    assert (await endpoint.current())["url"] == endpoint.listening.url
