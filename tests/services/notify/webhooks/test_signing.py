import base64
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.notify.webhooks.flows.endpoints import new_secret
from services.notify.webhooks.rules import signing


def test_a_secret_is_24_random_bytes():
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 24
    assert secret != new_secret()


@given(st.text(max_size=200), st.integers(0, 2**32))
def test_signatures_are_those_of_the_official_package(text: str, timestamp: int):
    secret = new_secret()
    ours = signing.signature(secret, event_id="evt_1", timestamp=timestamp, body=text.encode())
    at = datetime.fromtimestamp(timestamp, UTC)
    assert ours == Webhook(secret).sign("evt_1", at, text)


def test_each_secret_adds_a_signature_in_order():
    newest, oldest = new_secret(), new_secret()
    headers = signing.headers([newest, oldest], event_id="evt_1", timestamp=7, body=b"{}")
    assert headers["webhook-signature"].split(" ") == [
        signing.signature(secret, event_id="evt_1", timestamp=7, body=b"{}")
        for secret in (newest, oldest)
    ]
