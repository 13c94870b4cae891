"""The gRPC servicer of webhooks and events."""

from typing import Final

from incasso.notify.v1 import webhooks_pb2 as pb
from libs import context, pages, servicer, wire
from libs.idempotency import Key
from libs.pages import Listed
from services.notify.deps import Deps
from services.notify.errors import EventNotFound, WebhookEndpointNotFound
from services.notify.webhooks.events import delivery_pb, event_pb, made_pb
from services.notify.webhooks.flows import endpoints, feed, replays
from services.notify.webhooks.rules.domain import (
    Endpoint,
    EndpointChange,
    MadeEndpoint,
    PublicEvent,
    TriedDelivery,
)
from services.notify.webhooks.store.deliveries import TRIED
from services.notify.webhooks.store.endpoints import ENDPOINTS
from services.notify.webhooks.store.feed import EVENTS, EventFilter, list_events

_ENDPOINT: Final = servicer.Row(ENDPOINTS, WebhookEndpointNotFound)


async def _update_endpoint(
    deps: Deps, request: pb.UpdateWebhookEndpointRequest, key: Key | None
) -> Endpoint:
    types = wire.opt(request, "event_types")
    event_types = None if types is None else tuple(types.types)
    change = wire.read(EndpointChange, request, event_types=event_types)
    return await endpoints.update_endpoint(deps, request.webhook_endpoint_id, change, key)


async def _list_events(deps: Deps, request: pb.ListEventsRequest) -> Listed[PublicEvent]:
    wanted = wire.read(EventFilter, request, types=feed.types_of(request.type))
    page = pages.asked(request, "evt")
    return await deps.db.run(list_events, context.merchant_id(), page, wanted)


Webhooks: Final = servicer.of(
    "incasso.notify.v1.WebhooksService",
    shows={MadeEndpoint: made_pb, TriedDelivery: delivery_pb, PublicEvent: event_pb},
    CreateWebhookEndpoint=endpoints.create_endpoint,
    GetWebhookEndpoint=_ENDPOINT,
    ListWebhookEndpoints=servicer.Rows(ENDPOINTS, "whe"),
    UpdateWebhookEndpoint=_update_endpoint,
    DeleteWebhookEndpoint=endpoints.delete_endpoint,
    RotateWebhookSecret=endpoints.rotate_secret,
    SendTestWebhook=replays.send_test,
    ReplayWebhooks=replays.replay,
    ListWebhookDeliveries=servicer.Rows(
        TRIED, "whd", {"webhook_endpoint_id": "endpoint_id"}, within=_ENDPOINT
    ),
    RetryWebhookDelivery=replays.retry_delivery,
    GetEvent=servicer.Row(EVENTS, EventNotFound),
    ListEvents=_list_events,
    ResendEvent=replays.resend_event,
)
