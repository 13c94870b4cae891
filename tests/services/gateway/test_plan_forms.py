"""The forms of a plan's page: what they request from instalments, and what is refused."""

import asyncio
import base64
import re
import secrets

import pytest

from incasso.instalments.v1 import pages_pb2, plans_pb2
from libs import descriptors
from libs.errors import FieldViolation, Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.openapi import comments
from services.gateway.pay.guard import MAX_FORM_BYTES
from services.gateway.pay.texts import REFUSALS
from tests.services.gateway.plan_samples import (
    PATH,
    SHA,
    TOKEN,
    UNKNOWN,
    show,
    to_sign,
)
from tests.services.gateway.test_plan_page import FORMS, html

OURS = {"Sec-Fetch-Site": "same-origin"}
SIGNED = {"form_key": "k-1", "instrument_id": "ins_1", "agreement_sha256": SHA, "consent": "yes"}


def post(gateway, form, fields=None, *, headers=OURS, path=""):
    """Posts to a new plan, since forms of one plan are rate-limited."""
    data = {} if fields is None else fields
    path = path or f"/plan/{secrets.token_urlsafe(16)}"
    return gateway.request("POST", f"{path}/{form}", key=None, data=data, headers=headers)


async def location(gateway, form, fields=None, **more):
    """Where the form redirects, with the plan replaced by `PATH`."""
    async with post(gateway, form, fields, **more) as response:
        assert response.status == 303, await response.text()
        return re.sub(r"^/plan/[\w-]+", PATH, response.headers["Location"])


async def test_a_document_is_served_unchanged(gateway):
    content = b"%PDF-1.7\n\xff\x00"
    document = plans_pb2.InstalmentDocument(content=base64.b64encode(content).decode(), sha256=SHA)
    answer = pages_pb2.GetPlanPageDocumentResponse(document=document)
    gateway.services.answers["GetPlanPageDocument"] = answer
    for name, kind in (("information", 1), ("agreement", 2), ("receipt", 3)):
        async with post(gateway, f"documents/{name}", path=PATH) as response:
            assert (response.status, response.content_type) == (200, "application/pdf")
            assert await response.read() == content
            assert f'filename="{name}.pdf"' in response.headers["Content-Disposition"]
            assert response.headers["Cache-Control"] == "no-store"
        seen = gateway.services.last("GetPlanPageDocument")
        assert (seen.request.token, seen.request.kind) == (TOKEN, kind)


async def test_an_unknown_kind_of_document_is_not_found_without_a_call(gateway):
    async with post(gateway, "documents/contract") as response:
        assert response.status == 404
    assert gateway.services.seen == []


async def test_resubmitting_a_signature_reuses_the_idempotency_key_of_its_page(gateway):
    for _ in range(2):
        assert await location(gateway, "sign", SIGNED, path=PATH) == PATH
    seen = [seen for seen in gateway.services.seen if seen.name == "SignPlanPage"]
    assert {one.call.idempotency_key for one in seen} == {"k-1"}
    assert seen[0].request == pages_pb2.SignPlanPageRequest(
        token=TOKEN, instrument_id="ins_1", agreement_sha256=SHA, ip="127.0.0.1"
    )


@pytest.mark.parametrize("consent", [None, "", "no", "on"])
async def test_nothing_is_signed_without_consent(gateway, consent):
    form = {**SIGNED, "consent": consent} if consent is not None else dict(SIGNED)
    if consent is None:
        del form["consent"]
    assert await location(gateway, "sign", form) == f"{PATH}?notice=plan_consent"
    assert gateway.services.seen == []


@pytest.mark.parametrize(
    ("field", "value", "notice"),
    [
        ("form_key", "", "idempotency_key_missing"),
        ("form_key", "naïve", "idempotency_key_missing"),
        ("form_key", "x" * 300, "idempotency_key_missing"),
        ("instrument_id", "", "invalid_argument"),
        ("instrument_id", "i" * 41, "invalid_argument"),
        ("agreement_sha256", "", "invalid_argument"),
        ("agreement_sha256", "AB" * 32, "invalid_argument"),
        ("agreement_sha256", "ab" * 33, "invalid_argument"),
    ],
)
async def test_a_form_with_one_wrong_field_signs_nothing(gateway, field, value, notice):
    """The field rules of instalments refuse it; the page shows its own text."""
    assert await location(gateway, "sign", {**SIGNED, field: value}) == f"{PATH}?notice={notice}"
    assert gateway.services.calls("SignPlanPage") == 0


async def test_malformed_and_oversized_forms_sign_nothing(gateway):
    for data, headers in (
        (b"\xff\xfe", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"{}", {"Content-Type": "application/json"}),
        (b"consent", {"Content-Type": "multipart/form-data"}),
    ):
        assert "plan_consent" in await location(gateway, "sign", data, headers=OURS | headers)
    async with post(gateway, "sign", {**SIGNED, "more": "x" * MAX_FORM_BYTES}) as response:
        assert response.status == 413
    assert gateway.services.seen == []


@pytest.mark.parametrize("form", FORMS)
async def test_cross_site_forms_are_refused(gateway, form):
    foreign = {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}
    for headers in foreign:
        async with post(gateway, form, SIGNED, headers=headers) as response:
            assert response.status == 403
    assert gateway.services.seen == []


async def test_a_signature_completes_even_if_the_customer_leaves(gateway):
    started, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def sign(_):
        started.set()
        await may_end.wait()
        ended.set()
        return pages_pb2.SignPlanPageResponse()

    gateway.services.answers["SignPlanPage"] = sign
    leaving = asyncio.create_task(location(gateway, "sign", SIGNED))
    await started.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    may_end.set()
    await ended.wait()


def test_every_refusal_named_in_the_contract_has_a_message():
    named = set()
    for rpc in descriptors.service("incasso.instalments.v1.InstalmentPagesService").methods:
        named |= {
            code for code, _ in re.findall(r"([a-z_]+) \((\d+)\)", comments.of(rpc.full_name))
        }
    assert len(named) > 10
    assert named - {"plan_not_found"} <= REFUSALS.keys()  # which has its own page


@pytest.mark.parametrize(
    ("refusal", "notice"),
    [
        (RemoteRefusal(Kind.CONFLICT, "plan_closed", "No."), "plan_closed"),
        (RemoteRefusal(Kind.CONFLICT, "text_changed", "No."), "text_changed"),
        (RemoteRefusal(Kind.NOT_FOUND, "instrument_not_found", "No."), "instrument_not_found"),
        (RemoteRefusal(Kind.CONFLICT, "a_new_one", "No."), "failed"),
        (
            RemoteRefusal(Kind.INVALID, "invalid_argument", "x", [FieldViolation("ip", "no")]),
            "invalid_argument",
        ),
        (RemoteRefusal(Kind.UNAVAILABLE, "service_unavailable", "Later."), "unknown"),
        (OutcomeUnknown(), "unknown"),
    ],
)
async def test_a_refusal_redirects_to_the_page_with_a_message(gateway, refusal, notice):
    gateway.services.answers["SignPlanPage"] = refusal
    assert await location(gateway, "sign", SIGNED) == f"{PATH}?notice={notice}"
    show(gateway, to_sign())
    assert 'role="alert"' in await html(gateway, f"{PATH}?notice={notice}")


async def test_forms_of_unknown_plans_get_the_not_found_page(gateway):
    gateway.services.answers |= {"SignPlanPage": UNKNOWN, "GetPlanPageDocument": UNKNOWN}
    for form in FORMS:
        async with post(gateway, form, SIGNED) as response:
            assert response.status == 404
            assert "We do not know this address" in await response.text()


async def test_forms_of_one_plan_are_rate_limited(new_gateway):
    async with new_gateway() as gateway:
        statuses = set()
        for _ in range(200):
            async with post(gateway, "documents/contract", path=PATH) as response:
                statuses.add(response.status)
            if 429 in statuses:
                break
        assert statuses == {404, 429}


@pytest.mark.parametrize("typed", [{}, {"email": "anna@example.com"}])
async def test_choosing_the_partner_uses_the_idempotency_key_of_its_page(gateway, typed):
    asked = {"form_key": "k-1", **typed}
    assert await location(gateway, "partner", asked, path=PATH) == PATH
    seen = gateway.services.last("PayPlanPageByPartner")
    assert seen.call.idempotency_key == "k-1"
    assert seen.request == pages_pb2.PayPlanPageByPartnerRequest(token=TOKEN, **typed)
