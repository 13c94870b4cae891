"""Branding in the console: previewed without a script, saved as a whole, with the logo that shoppers see."""

import aiohttp
import pytest

from incasso.merchants.v1 import merchants_pb2
from libs.errors import InternalError, Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import MERCHANT_ID

PAGE = "/settings/branding"
TYPED = {"name": "Bottega Rossi", "primary_colour": "#aa2200", "locale": "it"}


def with_logo(console: Console) -> None:
    merchant = merchants_pb2.Merchant(
        id=MERCHANT_ID, name="Bottega Verdi", default_currency="EUR", time_zone="Europe/Rome"
    )
    merchant.branding.logo_id = "logo_1"
    merchant.bank_account.iban = "IT60X0542811101000000123456"
    console.services.answers["GetMerchant"] = merchants_pb2.GetMerchantResponse(merchant=merchant)
    logo = merchants_pb2.GetLogoResponse(picture=b"\x89PNG", media_type="image/png")
    console.services.answers["GetLogo"] = logo


async def test_a_preview_shows_the_typed_values_and_changes_nothing(console: Console):
    status, _, page = await console.post(PAGE, {**TYPED, "preview": "yes"})
    assert status == 200
    assert "Preview of a pay page of Bottega Rossi, dark" in page
    assert 'fill="#aa2200"' in page
    assert "Not saved yet" in page
    assert console.services.calls("UpdateMerchant") == 0
    assert console.services.calls("RecordIntent") == 0


async def test_branding_is_saved_and_the_audit_log_omits_the_bank_account(console: Console):
    with_logo(console)
    fields = {**TYPED, "website_url": "https://rossi.example", "reply_to": ""}
    _, place, _ = await console.post(PAGE, fields)
    assert place == f"{PAGE}?notice=saved"
    asked = console.services.last("UpdateMerchant").request
    assert (asked.name, asked.locale) == ("Bottega Rossi", "it")
    assert asked.branding.primary_colour == "#aa2200"
    assert asked.branding.website_url == "https://rossi.example"
    assert not asked.branding.HasField("reply_to")
    before = console.services.last("RecordIntent").request.before
    assert "Bottega Verdi" in before
    assert "IT60X" not in before


async def test_an_invalid_colour_is_not_drawn(console: Console):
    _, _, page = await console.post(
        PAGE, {**TYPED, "primary_colour": '"/><script>', "preview": "yes"}
    )
    assert "<script>" not in page.replace("<script src", "")
    assert 'fill="&#34;' not in page


async def test_the_stored_logo_is_shown_and_removed(console: Console):
    with_logo(console)
    assert 'src="data:image/png;base64,iVBORw=="' in await console.page(PAGE)
    _, place, _ = await console.post(f"{PAGE}/logo/delete", {})
    assert place == f"{PAGE}?notice=logo_deleted"
    assert console.services.calls("DeleteLogo") == 1


async def sent(console: Console, content: bytes) -> tuple[int, str, str]:
    form = aiohttp.FormData({"proof": await console.proof()})
    form.add_field("picture", content, filename="logo.png", content_type="image/png")
    async with console.request("POST", f"{PAGE}/logo", data=form) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def test_a_logo_is_saved_and_its_bytes_are_not_in_the_audit_log(console: Console):
    _, place, _ = await sent(console, b"\x89PNG")
    assert place == f"{PAGE}?notice=logo_saved"
    assert console.services.last("PutLogo").request.picture == "iVBORw=="
    assert "iVBORw" not in str(console.services.last("RecordIntent").request)


async def test_a_picture_refused_by_the_service_shows_why(console: Console):
    refusal = RemoteRefusal(Kind.UNPROCESSABLE, "logo_refused", "It is neither PNG nor JPEG.")
    console.services.answers["PutLogo"] = refusal
    status, _, page = await sent(console, b"GIF89a")
    assert status == 422
    assert "This picture cannot be used: PNG or JPEG" in page


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "Choose a picture"), (b"x" * 40_000, "up to 32 KiB")]
)
async def test_a_missing_or_too_large_picture_is_refused(
    console: Console, content: bytes, expected: str
):
    status, _, page = (
        await sent(console, content) if content else await console.post(f"{PAGE}/logo", {})
    )
    assert status == 400
    assert expected in page
    assert 'aria-invalid="true"' in page
    assert console.services.calls("PutLogo") == 0


async def test_a_logo_that_cannot_be_loaded_is_left_out(console: Console):
    with_logo(console)
    console.services.answers["GetLogo"] = InternalError()
    assert "No logo" in await console.page(PAGE)


async def test_an_operator_sees_no_preview_button_for_the_branding(console: Console):
    console.act_as(Role.OPERATOR)
    assert "Preview</button>" not in await console.page(PAGE)
