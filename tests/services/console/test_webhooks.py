"""Webhooks in the console: endpoints with their events, their deliveries, retries and replays."""

from datetime import UTC, datetime, timedelta

import pytest

from incasso.notify.v1 import webhooks_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import DELIVERY_ID, ENDPOINT_ID
from tests.services.console.settings_samples import DELIVERY, ENDPOINT, endpoint

NEW = "/settings/webhooks/new"
ONE = f"/settings/webhooks/{ENDPOINT_ID}"
URL = "https://bottega.example/webhooks"


async def test_an_endpoint_gets_the_ticked_events_and_its_secret_is_not_audited(
    console: Console,
):
    fields = {
        "url": URL,
        "type:payment.*": "yes",
        "type:payment.captured": "yes",  # covered by the wildcard
        "type:payment_link.paid": "yes",
    }
    status, _, page = await console.post(NEW, fields)
    assert status == 201
    assert "whsec_made" in page
    asked = console.services.last("CreateWebhookEndpoint").request
    assert list(asked.event_types) == ["payment.*", "payment_link.paid"]
    assert "whsec_made" not in str(console.services.last("RecordIntent").request)


async def test_a_refused_url_stays_in_the_form(console: Console):
    refusal = RemoteRefusal(Kind.UNPROCESSABLE, "webhook_url_refused", "Not there.")
    console.services.answers["CreateWebhookEndpoint"] = refusal
    fields = {"url": "https://10.0.0.1/", "type:payment.captured": "yes"}
    status, _, page = await console.post(NEW, fields)
    assert status == 422
    assert "lead to a server on the internet" in page
    assert 'value="https://10.0.0.1/"' in page
    assert 'name="type:payment.captured" value="yes" checked' in page


async def test_editing_an_endpoint_without_ticks_removes_all_its_events(console: Console):
    page = await console.page(f"{ONE}/edit")
    assert 'name="type:payment_link.paid" value="yes" checked' in page
    _, place, _ = await console.post(f"{ONE}/edit", {"url": URL, "description": ""})
    assert place == f"{ONE}?notice=changed"
    asked = console.services.last("UpdateWebhookEndpoint").request
    assert asked.HasField("event_types")
    assert list(asked.event_types.types) == []
    assert '"url"' in console.services.last("RecordIntent").request.before


@pytest.mark.parametrize("state", ["enabled", "disabled"])
async def test_an_endpoint_is_turned_on_and_off(console: Console, state: str):
    _, place, _ = await console.post(f"{ONE}/switch", {"state": state})
    assert place == f"{ONE}?notice={state}"
    asked = console.services.last("UpdateWebhookEndpoint").request
    assert asked.state == ENDPOINT.State.Value(f"STATE_{state.upper()}")
    assert not asked.HasField("url")


async def test_an_unknown_endpoint_state_is_refused(console: Console):
    status, _, page = await console.post(f"{ONE}/switch", {"state": "upside_down"})
    assert status == 400
    assert "On or off?" in page
    assert console.services.calls("UpdateWebhookEndpoint") == 0


async def test_deliveries_are_filtered_by_state_and_retried(console: Console):
    page = await console.page(f"{ONE}?state=failed")
    assert console.services.last("ListWebhookDeliveries").request.state == DELIVERY.STATE_FAILED
    assert "&lt;h1&gt;Oops&lt;/h1&gt;" in page
    _, place, _ = await console.post(f"{ONE}/deliveries/{DELIVERY_ID}/retry", {})
    assert place == f"{ONE}?notice=retried"
    assert console.services.last("RetryWebhookDelivery").request.webhook_delivery_id == DELIVERY_ID


async def test_events_of_the_last_days_are_replayed(console: Console):
    status, _, page = await console.post(f"{ONE}/replay", {"days": "400"})
    assert status == 400
    assert "Choose how far back" in page
    _, place, _ = await console.post(f"{ONE}/replay", {"days": "3"})
    assert place == f"{ONE}?notice=replayed"
    since = console.services.last("ReplayWebhooks").request.created_from.ToDatetime(tzinfo=UTC)
    assert timedelta(days=3) <= datetime.now(UTC) - since < timedelta(days=3, minutes=5)


@pytest.mark.parametrize(
    ("what", "onward", "rpc"),
    [
        ("test", f"{ONE}?notice=tested", "SendTestWebhook"),
        ("delete", "/settings/webhooks?notice=deleted", "DeleteWebhookEndpoint"),
    ],
)
async def test_an_endpoint_is_tested_and_deleted(
    console: Console, what: str, onward: str, rpc: str
):
    _, place, _ = await console.post(f"{ONE}/{what}", {})
    assert place == onward
    assert console.services.last(rpc).request.webhook_endpoint_id == ENDPOINT_ID


async def test_a_rotated_secret_is_shown(console: Console):
    status, _, page = await console.post(f"{ONE}/rotate", {})
    assert (status, "whsec_next" in page) == (201, True)


@pytest.mark.parametrize("reason", ["gone", "failing", "merchant"])
async def test_a_disabled_endpoint_can_be_turned_on_but_not_tested(console: Console, reason: str):
    off = endpoint(
        state=ENDPOINT.STATE_DISABLED,
        disabled_reason=ENDPOINT.DisabledReason.Value(f"DISABLED_REASON_{reason.upper()}"),
    )
    answer = webhooks_pb2.GetWebhookEndpointResponse(webhook_endpoint=off)
    console.services.answers["GetWebhookEndpoint"] = answer
    page = await console.page(ONE)
    assert "end again" in page
    assert "Turn on" in page
    assert "Send a test" not in page


async def test_a_viewer_sees_deliveries_without_a_retry_button(console: Console):
    console.act_as(Role.VIEWER)
    page = await console.page(ONE)
    assert "payment.captured" in page
    assert "Send again" not in page


async def test_without_endpoints_the_page_says_what_to_do_first(console: Console):
    console.services.answers["ListWebhookEndpoints"] = webhooks_pb2.ListWebhookEndpointsResponse()
    assert f'href="{NEW}"' in await console.page("/settings/webhooks")
