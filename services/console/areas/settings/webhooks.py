"""Webhooks: endpoints, each with its deliveries, which can be retried and replayed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from incasso.notify.v1 import webhooks_pb2
from libs import public_events
from libs.clock import world_now
from libs.errors import invalid
from services.console.listing import enum_value, filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "settings_webhooks"
ENDPOINT = webhooks_pb2.WebhookEndpoint
STATES: Final = ("pending", "delivered", "failed")
MOST: Final = 100
REPLAYED_DAYS: Final = (1, 3, 7, 30)


async def listed(visit: Visit) -> Html:
    request = webhooks_pb2.ListWebhookEndpointsRequest()
    return Html("webhooks.html", await rows(visit, request, "endpoints"))


async def form(visit: Visit) -> Html:
    return Html("webhook_new.html", {"types": _types(), "chosen": _chosen(visit)})


async def create(visit: Visit) -> Html:
    request = webhooks_pb2.CreateWebhookEndpointRequest(
        url=visit.typed("url"),
        description=visit.typed("description") or None,
        event_types=_chosen(visit),
    )
    answer = await visit.change(request)
    return Html("webhook_secret.html", {"endpoint": answer.webhook_endpoint}, 201)


async def one(visit: Visit) -> Html:
    """An endpoint with its deliveries, newest first, by state."""
    endpoint = await _endpoint(visit)
    request = webhooks_pb2.ListWebhookDeliveriesRequest(webhook_endpoint_id=endpoint.id)
    found = await rows(visit, request, "deliveries", "state")
    path = f"/settings/webhooks/{endpoint.id}"
    return Html(
        "webhook.html",
        {
            **found,
            "endpoint": endpoint,
            "filters": filters(visit, path, "state", STATES),
            "path": path,
            "days": REPLAYED_DAYS,
            "manages": visit.who.holds("webhooks:write"),
        },
    )


async def edit_form(visit: Visit) -> Html:
    endpoint = await _endpoint(visit)
    chosen = _chosen(visit) if visit.form else list(endpoint.event_types)
    return Html("webhook_edit.html", {"endpoint": endpoint, "types": _types(), "chosen": chosen})


async def edit(visit: Visit) -> See:
    """If no event type is chosen, all are."""
    before = await _endpoint(visit)
    request = webhooks_pb2.UpdateWebhookEndpointRequest(
        webhook_endpoint_id=before.id,
        url=visit.typed("url"),
        description=visit.typed("description"),
        event_types=webhooks_pb2.EventTypes(types=_chosen(visit)),
    )
    return await _changed(visit, request, before, "changed")


async def switch(visit: Visit) -> See:
    """Enables or disables an endpoint."""
    before = await _endpoint(visit)
    state = enum_value(ENDPOINT.State, visit.typed("state"))
    if state is None:
        raise invalid("state", visit.word("state_missing"))
    request = webhooks_pb2.UpdateWebhookEndpointRequest(webhook_endpoint_id=before.id, state=state)
    notice = "enabled" if state == ENDPOINT.STATE_ENABLED else "disabled"
    return await _changed(visit, request, before, notice)


async def test(visit: Visit) -> See:
    before = await _endpoint(visit)
    request = webhooks_pb2.SendTestWebhookRequest(webhook_endpoint_id=before.id)
    return await _changed(visit, request, None, "tested")


async def rotate(visit: Visit) -> Html:
    """The new secret is shown once; for a day, deliveries have the signatures of both."""
    before = await _endpoint(visit)
    request = webhooks_pb2.RotateWebhookSecretRequest(webhook_endpoint_id=before.id)
    answer = await visit.change(request, subject=before.id, before=before)
    return Html("webhook_secret.html", {"endpoint": answer.webhook_endpoint}, 201)


async def delete(visit: Visit) -> See:
    before = await _endpoint(visit)
    request = webhooks_pb2.DeleteWebhookEndpointRequest(webhook_endpoint_id=before.id)
    await visit.change(request, subject=before.id, before=before)
    return See("/settings/webhooks", notice="deleted")


async def replay(visit: Visit) -> See:
    """Replays what the endpoint has not accepted in the last days."""
    before = await _endpoint(visit)
    days = visit.number("days")
    if days not in REPLAYED_DAYS:
        raise invalid("days", visit.word("days_missing"))
    since = Timestamp()
    since.FromDatetime(world_now() - timedelta(days=days))
    request = webhooks_pb2.ReplayWebhooksRequest(webhook_endpoint_id=before.id, created_from=since)
    return await _changed(visit, request, None, "replayed")


async def retry(visit: Visit) -> See:
    endpoint = await _endpoint(visit)
    delivery_id = visit.part("delivery_id")
    request = webhooks_pb2.RetryWebhookDeliveryRequest(webhook_delivery_id=delivery_id)
    await visit.change(request, subject=delivery_id)
    return See(f"/settings/webhooks/{endpoint.id}", notice="retried")


async def _changed(visit: Visit, request: Message, before: Message | None, notice: str) -> See:
    endpoint_id = visit.part("endpoint_id")
    await visit.change(request, subject=endpoint_id, before=before)
    return See(f"/settings/webhooks/{endpoint_id}", notice=notice)


async def _endpoint(visit: Visit) -> webhooks_pb2.WebhookEndpoint:
    wanted = webhooks_pb2.GetWebhookEndpointRequest(webhook_endpoint_id=visit.part("endpoint_id"))
    found: webhooks_pb2.WebhookEndpoint = (await visit.ask(wanted)).webhook_endpoint
    return found


def _types() -> Mapping[str, Sequence[str]]:
    """Event types by wildcard, e.g. `payment.*`."""
    return {
        wildcard: sorted(public_events.types_matching(wildcard))
        for wildcard in sorted(public_events.WILDCARDS)
    }


def _chosen(visit: Visit) -> list[str]:
    """The wildcards that were chosen, and single types whose wildcard was not."""
    found = []
    for wildcard, types in _types().items():
        if visit.typed(f"type:{wildcard}") == "yes":
            found.append(wildcard)
        else:
            found += [each for each in types if visit.typed(f"type:{each}") == "yes"]
    return found


GET: Final = "notify.GetWebhookEndpoint"
READS: Final = (GET, "notify.ListWebhookDeliveries")
UPDATE: Final = (GET, "notify.UpdateWebhookEndpoint")
ONE: Final = "/settings/webhooks/{endpoint_id}"
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/webhooks", listed, AREA, "notify.ListWebhookEndpoints"),
    get("/settings/webhooks/new", form, AREA, "notify.CreateWebhookEndpoint"),
    post("/settings/webhooks/new", create, AREA, "notify.CreateWebhookEndpoint", again=form),
    get(ONE, one, AREA, *READS),
    get(f"{ONE}/edit", edit_form, AREA, *UPDATE),
    post(f"{ONE}/edit", edit, AREA, *UPDATE, again=edit_form),
    post(f"{ONE}/switch", switch, AREA, *READS, "notify.UpdateWebhookEndpoint", again=one),
    post(f"{ONE}/test", test, AREA, *READS, "notify.SendTestWebhook", again=one),
    post(f"{ONE}/rotate", rotate, AREA, *READS, "notify.RotateWebhookSecret", again=one),
    post(f"{ONE}/delete", delete, AREA, *READS, "notify.DeleteWebhookEndpoint", again=one),
    post(f"{ONE}/replay", replay, AREA, *READS, "notify.ReplayWebhooks", again=one),
    post(
        f"{ONE}/deliveries/{{delivery_id}}/retry",
        retry,
        AREA,
        *READS,
        "notify.RetryWebhookDelivery",
        again=one,
    ),
)
