"""What the services behind the console's settings answer in its tests."""

from typing import Any

from incasso.merchants.v1 import merchants_pb2
from incasso.notify.v1 import webhooks_pb2
from incasso.payments.v1 import payments_pb2
from tests.services.console.samples import DELIVERY_ID, ENDPOINT_ID, KEY_ID, stamp

KEY = merchants_pb2.ApiKey
ENDPOINT = webhooks_pb2.WebhookEndpoint
DELIVERY = webhooks_pb2.WebhookDelivery


def key(**more: Any) -> merchants_pb2.ApiKey:
    values = {
        "id": KEY_ID,
        "kind": KEY.KIND_SECRET,
        "state": KEY.STATE_ACTIVE,
        "name": "storefront",
        "scopes": ["payments:read", "payments:write"],
        "last4": "x7Qd",
        "created_at": stamp(),
    }
    return merchants_pb2.ApiKey(**(values | more))


def endpoint(**more: Any) -> webhooks_pb2.WebhookEndpoint:
    values = {
        "id": ENDPOINT_ID,
        "state": ENDPOINT.STATE_ENABLED,
        "url": "https://bottega.example/webhooks",
        "description": "Magazzino",
        "event_types": ["payment.*", "payment_link.paid"],
        "created_at": stamp(),
    }
    return webhooks_pb2.WebhookEndpoint(**(values | more))


def delivery(**more: Any) -> webhooks_pb2.WebhookDelivery:
    values = {
        "id": DELIVERY_ID,
        "state": DELIVERY.STATE_FAILED,
        "webhook_endpoint_id": ENDPOINT_ID,
        "event_id": "evt_06f2kz0d1x8q5v7m3n4b6c9a2e",
        "event_type": "payment.captured",
        "attempts": [
            webhooks_pb2.WebhookAttempt(
                attempted_at=stamp(), status=500, duration_ms=84, response_excerpt="<h1>Oops</h1>"
            )
        ],
        "created_at": stamp(),
    }
    return webhooks_pb2.WebhookDelivery(**(values | more))


def routing() -> payments_pb2.Routing:
    """Large payments in euros go to one account, then to the other; all others to both."""
    a, b = (payments_pb2.RoutingTarget(psp_account=f"sandbox-{name}", weight=1) for name in "ab")
    second = payments_pb2.RoutingTarget(psp_account="sandbox-b", rank=1, weight=1)
    large = payments_pb2.RoutingRule(
        currencies=["EUR"], amount_from_minor=50_000, methods=["link"], targets=[a, second]
    )
    return payments_pb2.Routing(rules=[large, payments_pb2.RoutingRule(targets=[a, b])])


def of_routing() -> dict[str, Any]:
    accounts = [
        payments_pb2.PspAccount(
            id=f"psa_{name}", name=f"sandbox-{name}", psp="sandbox", created_at=stamp()
        )
        for name in "ab"
    ]
    policy = payments_pb2.PaymentPolicy(
        duplicate_orders=payments_pb2.PaymentPolicy.DUPLICATE_ORDERS_REFUSE
    )
    return {
        "ListPspAccounts": payments_pb2.ListPspAccountsResponse(data=accounts),
        "GetRouting": payments_pb2.GetRoutingResponse(routing=routing()),
        "GetPaymentPolicy": payments_pb2.GetPaymentPolicyResponse(payment_policy=policy),
    }


def of_settings() -> dict[str, Any]:
    keys = [
        key(),
        key(id="key_2", name="", kind=KEY.KIND_PUBLISHABLE, scopes=[], last4="Pk01"),
        key(id="key_3", state=KEY.STATE_EXPIRING, scopes=["*"], expires_at=stamp()),
        key(id="key_4", state=KEY.STATE_REVOKED),
    ]
    waiting = delivery(id="whd_2", state=DELIVERY.STATE_PENDING, attempts=[])
    waiting.next_attempt_at.CopyFrom(stamp())
    return {
        **of_routing(),
        "ListApiKeys": merchants_pb2.ListApiKeysResponse(data=keys),
        "CreateApiKey": merchants_pb2.CreateApiKeyResponse(api_key=key(secret="sk_made")),
        "RotateApiKey": merchants_pb2.RotateApiKeyResponse(api_key=key(secret="sk_next")),
        "RevokeApiKey": merchants_pb2.RevokeApiKeyResponse(api_key=key()),
        "ListWebhookEndpoints": webhooks_pb2.ListWebhookEndpointsResponse(data=[endpoint()]),
        "GetWebhookEndpoint": webhooks_pb2.GetWebhookEndpointResponse(webhook_endpoint=endpoint()),
        "CreateWebhookEndpoint": webhooks_pb2.CreateWebhookEndpointResponse(
            webhook_endpoint=endpoint(secret="whsec_made")
        ),
        "RotateWebhookSecret": webhooks_pb2.RotateWebhookSecretResponse(
            webhook_endpoint=endpoint(secret="whsec_next")
        ),
        "ListWebhookDeliveries": webhooks_pb2.ListWebhookDeliveriesResponse(
            data=[delivery(), waiting]
        ),
    }
