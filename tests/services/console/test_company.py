"""The seller's legal data in the console: shown as shoppers see them, changed by owners, audited."""

from incasso.common.v1 import merchant_pb2
from incasso.merchants.v1 import merchants_pb2
from libs.errors import FieldViolation, Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import MERCHANT_ID

COMPANY = "/settings/company"


def with_seller(console: Console) -> None:
    seller = merchant_pb2.Seller(legal_name="Bottega Verdi S.r.l.", vat_number="IT12345670017")
    merchant = merchants_pb2.Merchant(
        id=MERCHANT_ID,
        name="Bottega Verdi",
        default_currency="EUR",
        time_zone="Europe/Rome",
        seller=seller,
    )
    console.services.answers["GetMerchant"] = merchants_pb2.GetMerchantResponse(merchant=merchant)


async def test_the_page_shows_the_legal_line_that_shoppers_see(console: Console):
    with_seller(console)
    page = await console.page(COMPANY)
    assert "Bottega Verdi S.r.l. · VAT no. IT12345670017" in page


async def test_legal_data_are_saved_and_the_audit_log_has_the_previous_values(console: Console):
    with_seller(console)
    sent = {"legal_name": "Bottega Nova S.r.l.", "vat_number": "", "address": "Via Roma 1"}
    status, place, _ = await console.post(COMPANY, sent)
    assert (status, place) == (303, f"{COMPANY}?notice=saved")
    asked = console.services.last("UpdateMerchant").request
    assert asked.seller == merchant_pb2.Seller(
        legal_name="Bottega Nova S.r.l.", address="Via Roma 1"
    )
    assert not asked.HasField("branding")
    intent = console.services.last("RecordIntent").request
    assert "IT12345670017" in intent.before
    assert "Bottega Nova" in intent.after


async def test_a_wrong_vat_number_is_explained_and_kept_in_the_form(console: Console):
    wrong = FieldViolation("seller.vat_number", "is not a valid VAT number of IT: check its digits")
    refusal = RemoteRefusal(Kind.INVALID, "invalid_argument", "Wrong.", violations=(wrong,))
    console.services.answers["UpdateMerchant"] = refusal
    console.cookies["incasso-language"] = "it"
    status, _, page = await console.post(COMPANY, {"legal_name": "B", "vat_number": "12345"})
    assert status == 400
    assert "non è una partita IVA di IT: controlla le cifre" in page
    assert 'value="12345"' in page


async def test_only_owners_change_legal_data(console: Console):
    console.act_as(Role.OPERATOR)
    with_seller(console)
    assert "<fieldset disabled>" in await console.page(COMPANY)
    assert (await console.post(COMPANY, {"legal_name": "B"}))[0] == 403
