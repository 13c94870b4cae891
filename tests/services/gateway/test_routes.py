import pytest
from google.api import http_pb2

from incasso.payments.v1 import payments_pb2
from services.gateway.routes import _routes_of
from tests.services.gateway.samples import ROUTES, name_of

REFUND = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"].methods_by_name[
    "RefundPayment"
]


def test_some_annotated_rpcs_are_routes_and_internal_ones_are_not():
    names = {name_of(route) for route in ROUTES}
    assert {"CreateOneClickPayment", "GetCheckoutOptions", "UpdateRouting"} <= names
    assert not names & {"CreatePayment", "AuthenticateKey", "HandlePspWebhook", "CreateMerchant"}


def test_every_route_needs_a_scope():
    assert [name_of(route) for route in ROUTES if not route.rules.scope] == []


def test_methods_and_paths_are_unique():
    pairs = [(route.method, route.path) for route in ROUTES]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    "rule",
    [
        http_pb2.HttpRule(post="/v1/x/{no_such_field}", body="*"),
        http_pb2.HttpRule(post="/v1/x", body="no_such_field"),
        http_pb2.HttpRule(post="/v1/x", body="*", response_body="no_such_field"),
        http_pb2.HttpRule(custom=http_pb2.CustomHttpPattern(kind="HEAD", path="/v1/x")),
    ],
    ids=["path", "body", "response body", "method"],
)
def test_an_invalid_annotation_raises_naming_its_rpc(rule):
    with pytest.raises(ValueError, match="RefundPayment"):
        list(_routes_of(REFUND, rule))


def test_additional_bindings_are_routes_too():
    rule = http_pb2.HttpRule(
        post="/v1/a/{payment_id}",
        body="*",
        additional_bindings=[http_pb2.HttpRule(post="/v1/b/{payment_id}", body="*")],
    )
    assert [route.path for route in _routes_of(REFUND, rule)] == [
        "/v1/a/{payment_id}",
        "/v1/b/{payment_id}",
    ]
