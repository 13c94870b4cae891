"""Whatever a webhook contains, parsing it gives a notice or says that it is malformed."""

import contextlib
import copy
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.connectors import signatures
from services.payments.connectors.base import (
    Connector,
    Credentials,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.connectors.registry import CONNECTORS
from tests.services.payments.connectors.conftest import stripe_credentials
from tests.services.payments.connectors.recordings import recorded

NOW = 1_795_296_706
SANDBOX = Credentials({
    "base_url": "http://127.0.0.1:9",
    "account": "sandbox-a",
    "secret_key": "x",
    "webhook_secret": "whsec_sandbox",
})  # fmt: skip
PSPS = {
    "sandbox": (SANDBOX, "whsec_sandbox", "sandbox-signature"),
    "stripe": (stripe_credentials("http://127.0.0.1:9"), "whsec_stripe", "stripe-signature"),
}
DOCUMENTED = recorded("stripe_documented")
EVENTS: dict[str, list[Any]] = {
    "sandbox": list(recorded("sandbox_events").values()),
    "stripe": [
        {"id": "evt_1", "type": kind, "created": NOW, "data": {"object": resource}}
        for kind, resource in [
            ("payment_intent.succeeded", DOCUMENTED["intents"]["captured_in_part"]),
            ("payment_intent.amount_capturable_updated", DOCUMENTED["intents"]["held"]),
            ("payment_intent.payment_failed", DOCUMENTED["intents"]["declined"]),
            ("refund.updated", DOCUMENTED["refunds"]["succeeded"]),
            ("charge.captured", DOCUMENTED["charges"]["captured_in_part"]),
            ("charge.refunded", DOCUMENTED["charges"]["refunded"]),
            ("charge.dispute.created", DOCUMENTED["disputes"]["open"]),
        ]
    ],
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def connector(psp: str) -> Connector:
    return CONNECTORS[psp](PSPS[psp][0], None)  # type: ignore[arg-type]  # makes no calls


def read(psp: str, body: bytes) -> None:
    _, secret, header = PSPS[psp]
    digest = hmac.new(secret.encode(), f"{NOW}.".encode() + body, hashlib.sha256).hexdigest()
    connector(psp).parse_webhook(body, {header: f"t={NOW},v1={digest}"}, NOW)


def reads_or_refuses(psp: str, body: bytes) -> None:
    with contextlib.suppress(WebhookMalformedError):
        read(psp, body)


@pytest.mark.parametrize("psp", PSPS)
def test_recorded_events_are_read(psp):
    for event in EVENTS[psp]:
        read(psp, json.dumps(event).encode())


@pytest.mark.parametrize("psp", PSPS)
@given(body=JSON)
def test_any_json_is_read_or_refused(psp, body):
    reads_or_refuses(psp, json.dumps(body).encode())


@pytest.mark.parametrize("psp", PSPS)
@pytest.mark.parametrize("body", [b"", b"{", b'{"a": ' * 100_000, b"\xff\xfe", b"1" * 5000])
def test_a_body_that_is_not_a_json_event_is_refused(psp, body):
    with pytest.raises((WebhookMalformedError, WebhookSignatureError)):
        read(psp, body)


@pytest.mark.parametrize("psp", PSPS)
@given(data=st.data())
def test_an_event_with_a_field_that_is_wrong_is_read_or_refused(psp, data):
    event = copy.deepcopy(data.draw(st.sampled_from(EVENTS[psp])))
    node = event
    while True:
        name = data.draw(st.sampled_from(sorted(node)))
        if isinstance(node[name], dict) and node[name] and data.draw(st.booleans()):
            node = node[name]
            continue
        break
    if data.draw(st.booleans()):
        node[name] = data.draw(JSON)
    else:
        del node[name]
    reads_or_refuses(psp, json.dumps(event).encode())


@given(header=st.text(max_size=80), body=st.binary(max_size=40))
def test_no_made_up_signature_is_accepted(header, body):
    with pytest.raises(WebhookSignatureError):
        signatures.verify(body, header, "secret", now=NOW)


@pytest.mark.parametrize("psp", PSPS)
@given(rest=st.text(max_size=60))
def test_no_made_up_signature_of_now_is_accepted(psp, rest):
    header = {PSPS[psp][2]: f"t={NOW},v1={rest}"}
    with pytest.raises(WebhookSignatureError):
        connector(psp).parse_webhook(b"{}", header, NOW)


def test_an_account_without_a_secret_accepts_nothing():
    digest = hmac.new(b"", f"{NOW}.{{}}".encode(), hashlib.sha256).hexdigest()
    with pytest.raises(WebhookSignatureError):
        signatures.verify(b"{}", f"t={NOW},v1={digest}", "", now=NOW)


def test_one_valid_signature_of_two_is_enough():
    digest = hmac.new(b"new", f"{NOW}.{{}}".encode(), hashlib.sha256).hexdigest()
    signatures.verify(b"{}", f"t={NOW},v1=00,v1={digest}", "new", now=NOW)
