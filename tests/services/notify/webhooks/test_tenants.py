"""No RPC shows or changes another merchant's data."""

import pytest

from incasso.notify.v1 import webhooks_pb2 as pb
from libs import descriptors
from libs.errors import Kind
from tests.services.notify.webhooks.hooks import LONG_AGO, Hooks
from tests.services.notify.webhooks.test_event_feed import refusal

BY_ENDPOINT = {
    "GetWebhookEndpoint": {},
    "UpdateWebhookEndpoint": {"description": "mine"},
    "DeleteWebhookEndpoint": {},
    "RotateWebhookSecret": {},
    "SendTestWebhook": {},
    "ReplayWebhooks": {"created_from": LONG_AGO},
    "ListWebhookDeliveries": {},
}
BY_DELIVERY = {"RetryWebhookDelivery"}
BY_EVENT = {"GetEvent", "ResendEvent"}
LISTS = {"ListWebhookEndpoints", "ListEvents"}


def test_every_rpc_is_covered_by_these_tests():
    service = descriptors.service("incasso.notify.v1.WebhooksService")
    tried = set(BY_ENDPOINT) | BY_DELIVERY | BY_EVENT | LISTS | {"CreateWebhookEndpoint"}
    assert tried == set(service.methods_by_name)


@pytest.mark.parametrize("rpc", sorted(BY_ENDPOINT))
async def test_an_endpoint_of_another_merchant_is_not_found(hooks: Hooks, other: Hooks, rpc: str):
    endpoint = await hooks.endpoint(description="theirs")
    asked = other.call(rpc, webhook_endpoint_id=endpoint.id, **BY_ENDPOINT[rpc])
    assert await refusal(asked) == (Kind.NOT_FOUND, "webhook_endpoint_not_found")
    assert (await hooks.seen(endpoint)).description == "theirs"


async def test_a_delivery_of_another_merchant_is_not_found(hooks: Hooks, other: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    asked = other.call("RetryWebhookDelivery", webhook_delivery_id=delivery.id)
    assert await refusal(asked) == (Kind.NOT_FOUND, "webhook_delivery_not_found")
    assert await hooks.send() == 0


@pytest.mark.parametrize("rpc", sorted(BY_EVENT))
async def test_an_event_of_another_merchant_is_not_found(hooks: Hooks, other: Hooks, rpc: str):
    event_id = await hooks.happen()
    assert await refusal(other.call(rpc, event_id=event_id)) == (Kind.NOT_FOUND, "event_not_found")


async def test_lists_show_only_ones_own_data(hooks: Hooks, other: Hooks):
    await hooks.endpoint()
    await hooks.happen()
    for rpc in sorted(LISTS):
        assert list((await other.call(rpc)).data) == []
        assert len((await hooks.call(rpc)).data) == 1


async def test_events_go_only_to_ones_own_endpoints(hooks: Hooks, other: Hooks):
    mine, theirs = await hooks.endpoint("/mine"), await other.endpoint("/theirs")
    await hooks.happen()
    await hooks.send()
    assert len(await hooks.deliveries(mine)) == 1
    assert await other.deliveries(theirs) == []
    assert (await hooks.delivery(mine)).state == pb.WebhookDelivery.STATE_DELIVERED
    assert hooks.receiver.at("/theirs") == []
