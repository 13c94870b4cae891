# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of webhooks and events: message → command → flow → message. Decides nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias

import grpc

from incasso.notify.v1 import webhooks_pb2 as pb
from incasso.notify.v1.webhooks_pb2_grpc import WebhooksServiceServicer
from libs import context, idempotency, ids, telemetry, wire
from libs.pages import page_of
from services.notify.deps import Deps
from services.notify.webhooks import events
from services.notify.webhooks.flows import deliveries, endpoints, feed, replays
from services.notify.webhooks.rules import domain, public_events
from services.notify.webhooks.rules.domain import (
    DeliveryState,
    EndpointChange,
    EndpointState,
    PublicEvent,
)
from services.notify.webhooks.store.feed import EventFilter

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]
_ENDPOINT_STATE: Final[Mapping[int, EndpointState]] = {
    number: state for state, number in events.ENDPOINT_STATES.items()
}
_DELIVERY_STATE: Final[Mapping[int, DeliveryState]] = {
    number: state for state, number in events.DELIVERY_STATES.items()
}


class Webhooks(WebhooksServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateWebhookEndpoint(
        self, request: pb.CreateWebhookEndpointRequest, rpc: Rpc
    ) -> pb.CreateWebhookEndpointResponse:
        cmd = endpoints.CreateEndpoint(
            merchant_id=context.merchant_id(),
            url=request.url,
            description=request.description,
            event_types=tuple(request.event_types),
            once=idempotency.key_of(request, "CreateWebhookEndpoint"),
        )
        made = await endpoints.create_endpoint(self._deps, cmd)
        return pb.CreateWebhookEndpointResponse(
            webhook_endpoint=events.endpoint_pb(made.endpoint, secret=made.secret)
        )

    async def GetWebhookEndpoint(
        self, request: pb.GetWebhookEndpointRequest, rpc: Rpc
    ) -> pb.GetWebhookEndpointResponse:
        endpoint = await endpoints.get_endpoint(
            self._deps, context.merchant_id(), endpoint_id=request.webhook_endpoint_id
        )
        return pb.GetWebhookEndpointResponse(webhook_endpoint=events.endpoint_pb(endpoint))

    async def ListWebhookEndpoints(
        self, request: pb.ListWebhookEndpointsRequest, rpc: Rpc
    ) -> pb.ListWebhookEndpointsResponse:
        page = page_of(limit=request.limit, cursor=request.cursor, prefix="whe")
        rows, cursor = await endpoints.list_endpoints(self._deps, context.merchant_id(), page)
        return pb.ListWebhookEndpointsResponse(
            data=[events.endpoint_pb(endpoint) for endpoint in rows], next_cursor=cursor or None
        )

    async def UpdateWebhookEndpoint(
        self, request: pb.UpdateWebhookEndpointRequest, rpc: Rpc
    ) -> pb.UpdateWebhookEndpointResponse:
        change = EndpointChange(
            url=request.url if request.HasField("url") else None,
            description=request.description if request.HasField("description") else None,
            event_types=(
                tuple(request.event_types.types) if request.HasField("event_types") else None
            ),
            state=_ENDPOINT_STATE.get(request.state),
        )
        endpoint = await endpoints.update_endpoint(
            self._deps,
            context.merchant_id(),
            endpoint_id=request.webhook_endpoint_id,
            change=change,
            once=idempotency.key_of(request, "UpdateWebhookEndpoint"),
        )
        return pb.UpdateWebhookEndpointResponse(webhook_endpoint=events.endpoint_pb(endpoint))

    async def DeleteWebhookEndpoint(
        self, request: pb.DeleteWebhookEndpointRequest, rpc: Rpc
    ) -> pb.DeleteWebhookEndpointResponse:
        await endpoints.delete_endpoint(
            self._deps, context.merchant_id(), endpoint_id=request.webhook_endpoint_id
        )
        return pb.DeleteWebhookEndpointResponse()

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, rpc: Rpc
    ) -> pb.RotateWebhookSecretResponse:
        said = request.HasField("overlap_seconds")
        overlap = timedelta(seconds=request.overlap_seconds)
        made = await endpoints.rotate_secret(
            self._deps,
            context.merchant_id(),
            endpoint_id=request.webhook_endpoint_id,
            overlap=overlap if said else domain.DEFAULT_OVERLAP,
            once=idempotency.key_of(request, "RotateWebhookSecret"),
        )
        return pb.RotateWebhookSecretResponse(
            webhook_endpoint=events.endpoint_pb(made.endpoint, secret=made.secret)
        )

    async def SendTestWebhook(
        self, request: pb.SendTestWebhookRequest, rpc: Rpc
    ) -> pb.SendTestWebhookResponse:
        test = pb.TestEvent(webhook_endpoint_id=request.webhook_endpoint_id)
        event = PublicEvent(
            id=ids.new("evt"),
            merchant_id=context.merchant_id(),
            type=public_events.TEST,
            message=public_events.TEST_MESSAGE,
            body=test.SerializeToString(),
            traceparent=telemetry.traceparent(),
            created_at=self._deps.clock.now(),
        )
        shown = await replays.send_test(
            self._deps,
            event,
            endpoint_id=request.webhook_endpoint_id,
            once=idempotency.key_of(request, "SendTestWebhook"),
        )
        return pb.SendTestWebhookResponse(
            webhook_delivery=events.delivery_pb(shown.delivery, shown.attempts)
        )

    async def ReplayWebhooks(
        self, request: pb.ReplayWebhooksRequest, rpc: Rpc
    ) -> pb.ReplayWebhooksResponse:
        said = request.HasField("created_to")
        cmd = replays.ReplayWebhooks(
            merchant_id=context.merchant_id(),
            endpoint_id=request.webhook_endpoint_id,
            created_from=wire.time_of(request.created_from),
            created_to=wire.time_of(request.created_to) if said else None,
            include_delivered=request.include_delivered,
            once=idempotency.key_of(request, "ReplayWebhooks"),
        )
        return pb.ReplayWebhooksResponse(deliveries=await replays.replay(self._deps, cmd))

    async def ListWebhookDeliveries(
        self, request: pb.ListWebhookDeliveriesRequest, rpc: Rpc
    ) -> pb.ListWebhookDeliveriesResponse:
        rows, cursor = await deliveries.list_deliveries(
            self._deps,
            context.merchant_id(),
            endpoint_id=request.webhook_endpoint_id,
            page=page_of(limit=request.limit, cursor=request.cursor, prefix="whd"),
            state=_DELIVERY_STATE.get(request.state),
        )
        return pb.ListWebhookDeliveriesResponse(
            data=[events.delivery_pb(row.delivery, row.attempts) for row in rows],
            next_cursor=cursor or None,
        )

    async def RetryWebhookDelivery(
        self, request: pb.RetryWebhookDeliveryRequest, rpc: Rpc
    ) -> pb.RetryWebhookDeliveryResponse:
        shown = await replays.retry_delivery(
            self._deps,
            context.merchant_id(),
            delivery_id=request.webhook_delivery_id,
            once=idempotency.key_of(request, "RetryWebhookDelivery"),
        )
        return pb.RetryWebhookDeliveryResponse(
            webhook_delivery=events.delivery_pb(shown.delivery, shown.attempts)
        )

    async def GetEvent(self, request: pb.GetEventRequest, rpc: Rpc) -> pb.GetEventResponse:
        event = await feed.get_event(self._deps, context.merchant_id(), event_id=request.event_id)
        return pb.GetEventResponse(event=events.event_pb(event))

    async def ListEvents(self, request: pb.ListEventsRequest, rpc: Rpc) -> pb.ListEventsResponse:
        since, until = request.HasField("created_from"), request.HasField("created_to")
        wanted = EventFilter(
            types=feed.types_of(request.type),
            created_from=wire.time_of(request.created_from) if since else None,
            created_to=wire.time_of(request.created_to) if until else None,
        )
        page = page_of(limit=request.limit, cursor=request.cursor, prefix="evt")
        rows, cursor = await feed.list_events(self._deps, context.merchant_id(), wanted, page)
        return pb.ListEventsResponse(
            data=[events.event_pb(event) for event in rows], next_cursor=cursor or None
        )

    async def ResendEvent(self, request: pb.ResendEventRequest, rpc: Rpc) -> pb.ResendEventResponse:
        made = await replays.resend_event(
            self._deps,
            context.merchant_id(),
            event_id=request.event_id,
            once=idempotency.key_of(request, "ResendEvent"),
        )
        return pb.ResendEventResponse(deliveries=made)
