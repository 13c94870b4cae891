"""A refund from the console: confirmed, with a proof of identity, audited before and after, and made once."""

from datetime import timedelta
from typing import Any

import pytest

from incasso.merchants.v1 import audit_pb2, sessions_pb2
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    Kind,
    Refusal,
    RemoteRefusal,
    ServiceUnavailable,
)
from libs.roles import SCOPES, Role
from tests.services.console.conftest import TOKEN, Console
from tests.services.console.samples import (
    MEMBER_ID,
    MERCHANT_ID,
    PAYMENT_ID,
    SESSION_ID,
    authenticated,
)

FORM = f"/payments/{PAYMENT_ID}/refund"


async def refund(console: Console, amount: str = "12.50", **more: str) -> tuple[int, str, str]:
    return await console.post(FORM, {"amount": amount, "reason": "reso", **more})


async def test_a_refund_is_audited_before_and_after_it_is_made(console: Console):
    status, place, _ = await refund(console)
    assert (status, place) == (303, f"/payments/{PAYMENT_ID}?notice=refunded")
    names = [seen.name for seen in console.services.seen]
    order = [names.index(name) for name in ("RecordIntent", "RefundPayment", "RecordOutcome")]
    assert order == sorted(order)
    asked = console.services.last("RefundPayment")
    assert asked.request.amount.amount_minor == 1250
    assert asked.call.merchant_id == MERCHANT_ID
    assert asked.call.actor == MEMBER_ID
    assert asked.call.scopes == SCOPES[Role.OWNER]
    intent = console.services.last("RecordIntent").request
    assert intent.action == "payments.RefundPayment"
    assert intent.subject_id == PAYMENT_ID
    assert intent.session_id == SESSION_ID
    assert '"state":"captured"' in intent.before
    assert '"amount_minor":1250' in intent.after
    ended = console.services.last("RecordOutcome").request
    assert ended.outcome == audit_pb2.AuditEntry.OUTCOME_DONE


async def test_nothing_is_refunded_without_a_recorded_intent(console: Console):
    console.services.answers["RecordIntent"] = InternalError()
    status, _, _ = await refund(console)
    assert status == 500
    assert console.services.calls("RefundPayment") == 0


async def test_a_refused_refund_says_why_and_keeps_the_typed_amount(console: Console):
    refusal = RemoteRefusal(Kind.UNPROCESSABLE, "amount_too_large", "More than was captured.")
    console.services.answers["RefundPayment"] = refusal
    status, _, page = await refund(console, "12.50")
    assert status == 422
    assert "more than can be refunded" in page
    assert 'value="12.50"' in page
    ended = console.services.last("RecordOutcome").request
    assert ended.outcome == audit_pb2.AuditEntry.OUTCOME_REFUSED
    assert ended.reason == "amount_too_large"


@pytest.mark.parametrize(
    "answer",
    [ServiceUnavailable(), InternalError(), IdempotencyKeyInUse()],
    ids=lambda no: no.reason,
)
async def test_an_unknown_outcome_stays_unknown_and_the_form_keeps_its_key(
    console: Console, answer: Refusal
):
    console.services.answers["RefundPayment"] = answer
    key = "form-6f1c1c5e-9c2a-4a57-9d1e-3f1f9a3b2c1d"
    status, _, page = await refund(console, key=key)
    assert status == 503
    assert "not known yet" in page
    assert f'name="key" value="{key}"' in page
    assert console.services.calls("RecordOutcome") == 0
    assert console.services.last("RefundPayment").call.idempotency_key == key


async def test_an_outcome_that_cannot_be_recorded_does_not_undo_the_refund(console: Console):
    console.services.answers["RecordOutcome"] = InternalError()
    status, place, _ = await refund(console)
    assert (status, place) == (303, f"/payments/{PAYMENT_ID}?notice=refunded")


@pytest.mark.parametrize("amount", ["", "zero", "12,505", "-1"])
async def test_an_invalid_amount_is_not_refunded(console: Console, amount: str):
    status, _, page = await refund(console, amount)
    assert status == 400
    assert "Not an amount" in page
    assert console.services.calls("RefundPayment") == 0


async def refused_until_proved(console: Console, path: str, fields: dict[str, str]) -> str:
    """The page to which the sender is redirected; their browser keeps the console's cookie."""
    stale = authenticated(SCOPES[Role.OWNER], proved=timedelta(hours=1))
    console.services.answers["AuthenticateSession"] = stale
    sent = {"proof": await console.proof(), "key": "", **fields}
    async with console.request("POST", path, data=sent) as response:
        assert response.status == 303
        if "incasso-kept" in response.cookies:
            console.cookies["incasso-kept"] = response.cookies["incasso-kept"].value
        console.services.answers["AuthenticateSession"] = authenticated(SCOPES[Role.OWNER])
        return response.headers["Location"]


async def test_a_large_refund_needs_a_proof_of_identity_and_keeps_typed_values(console: Console):
    fields = {"amount": "100.01", "reason": "Tazza rotta, così", "here": FORM}
    place = await refused_until_proved(console, FORM, fields)
    assert place == f"/prove?next={FORM.replace('/', '%2F')}"
    assert console.services.calls("RefundPayment") == 0
    async with console.request("GET", FORM) as response:
        page = await response.text()
        assert response.cookies["incasso-kept"].value == ""  # shown once
    assert 'value="100.01"' in page
    assert 'value="Tazza rotta, così"' in page
    _, place, _ = await refund(console, "100.01")
    assert place.endswith("notice=refunded")


async def test_a_refund_up_to_the_limit_needs_no_further_proof(console: Console):
    stale = authenticated(SCOPES[Role.OWNER], proved=timedelta(hours=1))
    console.services.answers["AuthenticateSession"] = stale
    _, place, _ = await refund(console, "100.00")
    assert place.endswith("notice=refunded")


async def test_kept_values_are_shown_only_on_their_page_and_to_their_session(console: Console):
    await refused_until_proved(console, FORM, {"amount": "100.01", "here": FORM})
    assert "100.01" not in await console.page(f"/payments/{PAYMENT_ID}")
    other = authenticated(SCOPES[Role.OWNER])(sessions_pb2.AuthenticateSessionRequest(token=TOKEN))
    other.session.id = "ses_of_another"
    console.services.answers["AuthenticateSession"] = other
    assert "100.01" not in await console.page(FORM)
    console.cookies["incasso-kept"] = "made-up"
    assert "100.01" not in await console.page(FORM)


async def test_a_form_keeps_its_idempotency_key_through_the_proof_of_identity(console: Console):
    key = "form-6f1c1c5e-9c2a-4a57-9d1e-3f1f9a3b2c1d"
    await refused_until_proved(console, FORM, {"amount": "100.01", "key": key, "here": FORM})
    assert f'name="key" value="{key}"' in await console.page(FORM)


async def test_proving_identity_replaces_the_session_token(console: Console):
    def proved(_: Any) -> Any:
        return sessions_pb2.ReauthenticateWithPasswordResponse(new_token="another")

    console.services.answers["ReauthenticateWithPassword"] = proved
    sent = {"proof": await console.proof(), "password": "secret", "next": FORM}
    async with console.request("POST", "/prove", data=sent) as response:
        assert response.headers["Location"] == f"{FORM}?notice=proved"
        assert response.cookies["incasso-session"].value == "another"
