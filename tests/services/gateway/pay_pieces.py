"""The parts of pay pages, as paylink would answer them."""

from datetime import UTC, datetime

from incasso.common.v1 import merchant_pb2, money_pb2, offer_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2

SHA = "ab" * 32
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
EPC = (
    "BCD\n002\n1\nSCT\nBPPIITRRXXX\nBottega Verdi S.r.l.\nIT60X0542811101000000123456\n"
    "EUR129.00\n\nRF18539007547034\n\n"
)


def euros(minor: int) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=minor, currency="EUR")


def merchant(**more: object) -> pages_pb2.PageMerchant:
    values: dict[str, object] = {
        "id": "mer_1",
        "name": "Bottega Verdi",
        "primary_colour": "#1f5fbf",
        "website_url": "https://bottega.example",
        "reply_to": "ciao@bottega.example",
        "seller": merchant_pb2.Seller(
            legal_name="Bottega Verdi S.r.l.",
            vat_number="IT12345670017",
            address="Via Garibaldi 12, 10122 Torino",
        ),
        **more,
    }
    return pages_pb2.PageMerchant(**values)  # type: ignore[arg-type]  # values of the tests


def transfer() -> pages_pb2.TransferDetails:
    return pages_pb2.TransferDetails(
        holder="Bottega Verdi S.r.l.",
        iban="IT60X0542811101000000123456",
        bic="BPPIITRRXXX",
        creditor_reference="RF18539007547034",
        amount=euros(12900),
        epc_payload=EPC,
    )


def sandbox_field(url: str = "http://127.0.0.1:9/psp/field.js") -> pages_pb2.CardField:
    return pages_pb2.CardField(
        psp="sandbox", psp_account="sandbox-a", publishable_key="pk_x", field_url=url
    )


def visa(last4: str = "4242") -> pages_pb2.SavedCard:
    card = offer_pb2.OfferedCard(instrument_id=f"ins_{last4}", brand="visa", last4=last4)
    return pages_pb2.SavedCard(card=card, exp_month=4, exp_year=2029)


def quote(*, accepted: bool) -> paylink_pb2.Quote:
    found = paylink_pb2.Quote(
        title="Preventivo 2026-118",
        text="Fornitura e posa in opera di un portoncino blindato.\n\n"
        "- smontaggio del vecchio serramento\n- posa e sigillatura\n- smaltimento\n\n"
        "Garanzia di 24 mesi. Consegna entro 30 giorni dall'accettazione.",
        version="2026-11",
        text_sha256=SHA,
    )
    if accepted:
        found.acceptance.text_sha256 = SHA
        found.acceptance.version = "2026-11"
        found.acceptance.accepted_at.FromDatetime(NOW)
    return found
