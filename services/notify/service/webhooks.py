# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of webhooks and events: message → command → flow → message. Decides nothing."""

from datetime import timedelta
from typing import Any, Final, TypeAlias

import grpc

from incasso.notify.v1 import webhooks_pb2 as pb
from incasso.notify.v1.webhooks_pb2_grpc import WebhooksServiceServicer
from libs import pages, wire
from libs.idempotency import key_of
from services.notify.deps import Deps
from services.notify.webhooks.events import delivery_pb, endpoint_pb, event_pb
from services.notify.webhooks.flows import deliveries, endpoints, feed, replays
from services.notify.webhooks.rules.domain import DEFAULT_OVERLAP, DeliveryState, EndpointChange
from services.notify.webhooks.store.feed import EventFilter

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]
_DELIVERY_STATES: Final = wire.members(DeliveryState, pb.WebhookDelivery.State)


class Webhooks(WebhooksServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateWebhookEndpoint(
        self, request: pb.CreateWebhookEndpointRequest, rpc: Rpc
    ) -> pb.CreateWebhookEndpointResponse:
        cmd = wire.read(endpoints.CreateEndpoint, request)
        key = key_of(request, "CreateWebhookEndpoint")
        made = await endpoints.create_endpoint(self._deps, cmd, key)
        return pb.CreateWebhookEndpointResponse(
            webhook_endpoint=endpoint_pb(made.endpoint, secret=made.secret)
        )

    async def GetWebhookEndpoint(
        self, request: pb.GetWebhookEndpointRequest, rpc: Rpc
    ) -> pb.GetWebhookEndpointResponse:
        endpoint = await endpoints.get_endpoint(self._deps, request.webhook_endpoint_id)
        return pb.GetWebhookEndpointResponse(webhook_endpoint=endpoint_pb(endpoint))

    async def ListWebhookEndpoints(
        self, request: pb.ListWebhookEndpointsRequest, rpc: Rpc
    ) -> pb.ListWebhookEndpointsResponse:
        listed = await endpoints.list_endpoints(self._deps, pages.asked(request, "whe"))
        return pb.ListWebhookEndpointsResponse(
            data=map(endpoint_pb, listed.rows), next_cursor=listed.next_cursor
        )

    async def UpdateWebhookEndpoint(
        self, request: pb.UpdateWebhookEndpointRequest, rpc: Rpc
    ) -> pb.UpdateWebhookEndpointResponse:
        types = wire.opt(request, "event_types")
        event_types = None if types is None else tuple(types.types)
        change = wire.read(EndpointChange, request, event_types=event_types)
        key = key_of(request, "UpdateWebhookEndpoint")
        endpoint = await endpoints.update_endpoint(
            self._deps, request.webhook_endpoint_id, change, key
        )
        return pb.UpdateWebhookEndpointResponse(webhook_endpoint=endpoint_pb(endpoint))

    async def DeleteWebhookEndpoint(
        self, request: pb.DeleteWebhookEndpointRequest, rpc: Rpc
    ) -> pb.DeleteWebhookEndpointResponse:
        await endpoints.delete_endpoint(self._deps, request.webhook_endpoint_id)
        return pb.DeleteWebhookEndpointResponse()

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, rpc: Rpc
    ) -> pb.RotateWebhookSecretResponse:
        seconds = wire.opt(request, "overlap_seconds")
        overlap = DEFAULT_OVERLAP if seconds is None else timedelta(seconds=seconds)
        key = key_of(request, "RotateWebhookSecret")
        made = await endpoints.rotate_secret(self._deps, request.webhook_endpoint_id, overlap, key)
        return pb.RotateWebhookSecretResponse(
            webhook_endpoint=endpoint_pb(made.endpoint, secret=made.secret)
        )

    async def SendTestWebhook(
        self, request: pb.SendTestWebhookRequest, rpc: Rpc
    ) -> pb.SendTestWebhookResponse:
        key = key_of(request, "SendTestWebhook")
        tried = await replays.send_test(self._deps, request.webhook_endpoint_id, key)
        return pb.SendTestWebhookResponse(webhook_delivery=delivery_pb(*tried))

    async def ReplayWebhooks(
        self, request: pb.ReplayWebhooksRequest, rpc: Rpc
    ) -> pb.ReplayWebhooksResponse:
        endpoint_id = request.webhook_endpoint_id
        cmd = wire.read(replays.ReplayWebhooks, request, endpoint_id=endpoint_id)
        made = await replays.replay(self._deps, cmd, key_of(request, "ReplayWebhooks"))
        return pb.ReplayWebhooksResponse(deliveries=made)

    async def ListWebhookDeliveries(
        self, request: pb.ListWebhookDeliveriesRequest, rpc: Rpc
    ) -> pb.ListWebhookDeliveriesResponse:
        listed, tries = await deliveries.list_deliveries(
            self._deps,
            request.webhook_endpoint_id,
            pages.asked(request, "whd"),
            _DELIVERY_STATES.get(request.state),
        )
        return pb.ListWebhookDeliveriesResponse(
            data=[delivery_pb(delivery, tries[delivery.id]) for delivery in listed.rows],
            next_cursor=listed.next_cursor,
        )

    async def RetryWebhookDelivery(
        self, request: pb.RetryWebhookDeliveryRequest, rpc: Rpc
    ) -> pb.RetryWebhookDeliveryResponse:
        key = key_of(request, "RetryWebhookDelivery")
        tried = await replays.retry_delivery(self._deps, request.webhook_delivery_id, key)
        return pb.RetryWebhookDeliveryResponse(webhook_delivery=delivery_pb(*tried))

    async def GetEvent(self, request: pb.GetEventRequest, rpc: Rpc) -> pb.GetEventResponse:
        event = await feed.get_event(self._deps, request.event_id)
        return pb.GetEventResponse(event=event_pb(event))

    async def ListEvents(self, request: pb.ListEventsRequest, rpc: Rpc) -> pb.ListEventsResponse:
        wanted = wire.read(EventFilter, request, types=feed.types_of(request.type))
        listed = await feed.list_events(self._deps, pages.asked(request, "evt"), wanted)
        return pb.ListEventsResponse(
            data=map(event_pb, listed.rows), next_cursor=listed.next_cursor
        )

    async def ResendEvent(self, request: pb.ResendEventRequest, rpc: Rpc) -> pb.ResendEventResponse:
        key = key_of(request, "ResendEvent")
        made = await replays.resend_event(self._deps, request.event_id, key)
        return pb.ResendEventResponse(deliveries=made)
