"""Evidence for a dispute: what it says and leaves out, who may download it, and that it is audited."""

import io
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from incasso.common.v1 import money_pb2
from incasso.merchants.v1 import audit_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import InternalError, Kind, RemoteRefusal
from libs.roles import Role
from services.console.page import Page
from services.console.routes import PAGES
from tests.services.console.conftest import Console
from tests.services.console.samples import PAYMENT_ID, SESSION_ID, link, payment, stamp
from tests.services.console.test_routes import name_of, path_of

PATH = f"/payments/{PAYMENT_ID}/evidence"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
AT = stamp(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
RECORDED = [page for page in PAGES if page.recorded]


async def evidence(console: Console) -> str:
    """The document's text; its spaces depend on the layout."""
    async with console.request("GET", PATH) as response:
        content = await response.read()
        assert response.status == 200, content
        assert response.headers["Content-Type"] == "application/pdf"
        assert f'filename="{PAYMENT_ID}.pdf"' in response.headers["Content-Disposition"]
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def disputed(console: Console) -> None:
    """A disputed card payment through a link whose quote was accepted."""
    dispute = payments_pb2.Dispute(
        id="dis_1",
        state=payments_pb2.Dispute.STATE_OPEN,
        payment_id=PAYMENT_ID,
        amount_minor=12900,
        currency="EUR",
        reason="fraudulent",
        created_at=AT,
    )
    paid = payment(method="link", brand="amex", last4="0005", disputes=[dispute])
    console.services.answers["GetPayment"] = payments_pb2.GetPaymentResponse(payment=paid)
    acceptance = paylink_pb2.QuoteAcceptance(
        accepted_at=AT,
        text_sha256=SHA,
        version="2026-11",
        ip="203.0.113.77",
        user_agent="Mozilla/5.0",
    )
    quote = paylink_pb2.Quote(title="Preventivo 118", version="2026-11", acceptance=acceptance)
    items = [paylink_pb2.LineItem(name="Due tazze", quantity=2, unit_amount_minor=6450)]
    of_order = link(quote=quote, line_items=items, payment_id=PAYMENT_ID)
    answer = paylink_pb2.ListPaymentLinksResponse(data=[of_order, link(id="lnk_2")])
    console.services.answers["ListPaymentLinks"] = answer


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("Evidence of a payment", "What the customer accepted", "€129.00", "Receipt by e-mail"),
        ),
        (
            "it",
            (
                "Prove di un pagamento",
                "Cosa ha accettato il cliente",
                "129,00",
                "Ricevuta via e-mail",
            ),
        ),
    ],
)
async def test_evidence_has_order_money_consent_and_messages_but_no_ip_or_card_digits(
    console: Console, language: str, words: tuple[str, ...]
):
    disputed(console)
    console.cookies["incasso-language"] = language
    pdf = (await evidence(console)).translate({0x2066: None, 0x2068: None, 0x2069: None})
    plain = "".join(pdf.split())
    expected = (
        *words,
        "A-1001",
        "Due tazze",
        "2 ×",
        "fraudulent",
        "Preventivo 118",
        "2026-11",
        SHA,
    )
    for text in (*expected, "giulia@example.com", "po_1", PAYMENT_ID):
        assert "".join(text.split()) in plain, text
    for hidden in ("203.0.113.77", "Mozilla", "0005", "198.51.100.7"):
        assert hidden not in plain
    asked = {
        seen.request.payment_link_id
        for seen in console.services.seen
        if seen.name == "ListMessages"
    }
    assert asked == {"", link().id}  # messages of the payment, and of the one link that it paid


async def test_evidence_of_a_one_click_payment_has_its_consent(console: Console):
    plain = "".join((await evidence(console)).split())
    expected = (
        "Consent to one-click payments",
        "Version 2026-09",
        "The customer clicked",
        "sca_77",
    )
    for text in expected:
        assert "".join(text.split()) in plain, text
    assert console.services.last("GetOneClickConsent").request.payment_id == PAYMENT_ID


async def test_evidence_of_a_payment_without_a_consent_omits_it(console: Console):
    refusal = RemoteRefusal(Kind.NOT_FOUND, "payment_not_found", "No such payment.")
    console.services.answers["GetOneClickConsent"] = refusal
    assert "Consent" not in await evidence(console)


async def test_text_in_evidence_is_not_interpreted_as_markup(console: Console):
    answer = payments_pb2.GetPaymentResponse(
        payment=payment(
            order_reference='#read("/etc/passwd")',
            amount=money_pb2.Money(amount_minor=1, currency="JPY"),
        )
    )
    console.services.answers["GetPayment"] = answer
    assert '#read("/etc/passwd")' in await evidence(console)


async def test_a_viewer_gets_no_evidence_and_no_link_to_it(console: Console):
    console.act_as(Role.VIEWER)
    async with console.request("GET", PATH) as response:
        assert response.status == 403
    assert console.services.calls("RecordIntent") == 0
    assert "/evidence" not in await console.page(f"/payments/{PAYMENT_ID}")
    console.act_as(Role.FINANCE)
    assert f'href="{PATH}"' in await console.page(f"/payments/{PAYMENT_ID}")
    await evidence(console)


def test_downloads_of_refund_files_and_evidence_are_audited():
    recorded = {page.recorded for page in RECORDED}
    assert recorded == {"cod.GetCodRefundFile", "console.GetDisputeEvidence"}
    reading = [page for page in PAGES if "cod.GetCodRefundFile" in (*page.calls, *page.parts)]
    assert all(page.recorded for page in reading)


@pytest.mark.parametrize("page", RECORDED, ids=name_of)
async def test_a_recorded_page_is_read_only_after_its_intent_is_audited(
    console: Console, page: Page
):
    async with console.request("GET", path_of(page)) as response:
        assert response.status == 200
        await response.read()
    names = [seen.name for seen in console.services.seen]
    read = page.calls[-1].partition(".")[2]
    order = [names.index(name) for name in ("RecordIntent", read, "RecordOutcome")]
    assert order == sorted(order)
    intent = console.services.last("RecordIntent").request
    assert (intent.action, intent.session_id) == (page.recorded, SESSION_ID)
    assert intent.subject_id in path_of(page)
    assert intent.subject_id
    ended = console.services.last("RecordOutcome").request
    assert ended.outcome == audit_pb2.AuditEntry.OUTCOME_DONE


@pytest.mark.parametrize("page", RECORDED, ids=name_of)
async def test_without_the_audit_log_nothing_is_read(console: Console, page: Page):
    console.services.answers["RecordIntent"] = InternalError()
    async with console.request("GET", path_of(page)) as response:
        assert response.status == 500
    assert console.services.calls(page.calls[-1].partition(".")[2]) == 0


async def test_a_refused_reading_is_recorded_as_refused(console: Console):
    refusal = RemoteRefusal(Kind.NOT_FOUND, "payment_not_found", "No such payment.")
    console.services.answers["GetPayment"] = refusal
    async with console.request("GET", PATH) as response:
        assert response.status == 404
    ended = console.services.last("RecordOutcome").request
    assert ended.outcome == audit_pb2.AuditEntry.OUTCOME_REFUSED
    assert ended.reason == "payment_not_found"
