"""Settings of instalments and of cash on delivery in the console; zones and files of couriers."""

import pytest

from incasso.cod.v1 import cod_pb2, orders_pb2
from incasso.instalments.v1 import instalments_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.method_samples import cash, courier
from tests.services.console.samples import COURIER_ID, money

LENDER = "/settings/lender"
CASH = "/settings/cash"
FILES = f"/settings/couriers/{COURIER_ID}/files"
LENDER_TYPED = {
    "jurisdiction": "it",
    "seller_size": "large",
    "exposure_limit": "2.000,00",
    "time_zone": "Europe/Rome",
    "lender_registration": "OAM M123",
    "creditor_address": "Via Roma 1, Torino",
    "creditor_email": "crediti@bottega.example",
    "creditor_phone": "",
}
CASH_TYPED = {
    "offered": "after_failed_payment",
    "fixed_0": "3,50",
    "from_1": "100",
    "share_1": "2",
    "vat": "22",
    "sells_to_consumers": "yes",
    "most": "0",
    "within_days": "365",
    "expires_after_days": "7",
    "holder": "Bottega S.r.l.",
    "iban": "IT60X0542811101000000123456",
    "town": "Milano",
    "country": "it",
}
FILES_TYPED = {
    "country_0": "it",
    "postcodes_0": "20, 20100-20199",
    "excluded_0": "07",
    "manifest_columns:tracking_number": "Spedizione",
    "manifest_columns:sender_reference": "Rif.",
    "manifest_columns:to_collect": "Contrassegno",
    "manifest_columns:header_row": "4",
    "event_columns:tracking_number": "Spedizione",
    "event_columns:kind": "Esito",
    "event_columns:occurred_at": "Data",
    "event_columns:amounts": "comma",
    "event_columns:days": "dmy",
    "event_columns:text_0": "CONSEGNATO",
    "event_columns:meaning_0": "collected",
    "event_columns:text_1": "IN TRANSITO",
}


async def test_the_seller_and_lender_are_saved_as_typed(console: Console):
    page = await console.page(LENDER)
    assert 'value="1500.00"' in page
    _, place, _ = await console.post(LENDER, LENDER_TYPED)
    assert place == f"{LENDER}?notice=saved"
    saved = console.services.last("UpdateInstalmentSettings").request
    assert (saved.jurisdiction, saved.exposure_limit) == ("IT", money(200_000))
    assert saved.seller_size == instalments_pb2.InstalmentSettings.SELLER_SIZE_LARGE
    assert saved.lender_registration == "OAM M123"
    assert saved.HasField("supervisor")  # empty: removed
    assert not saved.HasField("creditor_phone")


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [("exposure_limit", "lots", "Not an amount"), ("creditor_email", "", "not removed")],
)
async def test_an_invalid_field_of_the_lender_is_explained(
    console: Console, field: str, typed: str, expected: str
):
    status, _, page = await console.post(LENDER, {**LENDER_TYPED, field: typed})
    assert status == 400
    assert expected in page
    assert console.services.calls("UpdateInstalmentSettings") == 0


async def test_cash_on_delivery_settings_are_saved_as_typed(console: Console):
    page = await console.page(CASH)
    for shown in ('value="3.50"', 'value="22"', "Fees need care."):
        assert shown in page
    _, place, _ = await console.post(CASH, CASH_TYPED)
    assert place == f"{CASH}?notice=saved"
    saved = console.services.last("UpdateCodSettings").request
    tiers = [(one.from_minor, one.fixed_minor, one.basis_points) for one in saved.fee.tiers]
    assert tiers == [(0, 350, 0), (10_000, 0, 200)]
    assert saved.offered == cod_pb2.CodSettings.OFFERED_AFTER_FAILED_PAYMENT
    assert (saved.refusals.most, saved.refusals.HasField("most")) == (0, True)
    assert (saved.sells_to_consumers, saved.confirmation_needed) == (True, False)
    assert saved.HasField("confirmation_needed")
    assert (saved.expires_after_days, saved.carts.HasField("max_amount_minor")) == (7, False)
    assert (saved.refund_account.iban, saved.refund_account.address.country) == (
        CASH_TYPED["iban"],
        "IT",
    )
    assert not saved.HasField("acknowledgement")
    intent = console.services.last("RecordIntent").request
    assert CASH_TYPED["iban"] not in intent.before + intent.after


async def test_a_fee_for_consumers_needs_its_warning_acknowledged_by_a_person(console: Console):
    refusal = RemoteRefusal(Kind.CONFLICT, "fee_warning_not_acknowledged", "Read it first.")
    console.services.answers["UpdateCodSettings"] = refusal
    status, _, page = await console.post(CASH, CASH_TYPED)
    assert status == 409
    assert "tick it below" in page
    del console.services.answers["UpdateCodSettings"]
    fields = {**CASH_TYPED, "acknowledged": "yes", "warning_version": "2026-11"}
    await console.post(CASH, fields)
    acknowledgement = console.services.last("UpdateCodSettings").request.acknowledgement
    assert (acknowledgement.acknowledged_by, acknowledgement.version) == ("Anna Bianchi", "2026-11")


async def test_an_empty_form_does_not_remove_the_refund_account(console: Console):
    status, _, page = await console.post(CASH, {**CASH_TYPED, "iban": "", "holder": ""})
    assert status == 400
    assert "not removed" in page
    settings = cash(refund_account=None)
    console.services.answers["GetCodSettings"] = cod_pb2.GetCodSettingsResponse(settings=settings)
    await console.post(CASH, {**CASH_TYPED, "iban": "", "holder": ""})
    assert not console.services.last("UpdateCodSettings").request.HasField("refund_account")


async def test_zones_and_columns_are_saved_and_other_terms_are_kept(console: Console):
    assert 'value="Contrassegno"' in await console.page(FILES)
    _, place, _ = await console.post(FILES, FILES_TYPED)
    assert place == f"{FILES}?notice=saved"
    saved: cod_pb2.CourierTerms = console.services.last("UpdateCourier").request.terms
    before = courier()
    assert (saved.name, saved.cut, saved.modes) == (before.name, before.cut, before.modes)
    assert (saved.remittance_days, saved.metadata) == (15, before.metadata)
    (zone,) = saved.zones
    assert (zone.country, list(zone.postcodes)) == ("IT", ["20", "20100-20199"])
    assert list(zone.excluded_postcodes) == ["07"]
    assert saved.manifest_columns.header_row == 4
    words = [(one.text, one.HasField("kind")) for one in saved.event_columns.words]
    assert words == [("CONSEGNATO", True), ("IN TRANSITO", False)]
    assert saved.event_columns.words[0].kind == orders_pb2.COURIER_EVENT_KIND_COLLECTED
    assert not saved.HasField("remittance_columns")


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("country_0", "", "Name the country"),
        ("manifest_columns:to_collect", "", "Name this column"),
        ("event_columns:header_row", "first", "Whole numbers only"),
    ],
)
async def test_an_invalid_field_of_zones_or_columns_is_explained(
    console: Console, field: str, typed: str, expected: str
):
    status, _, page = await console.post(FILES, {**FILES_TYPED, field: typed})
    assert status == 400
    assert expected in page
    assert console.services.calls("UpdateCourier") == 0


@pytest.mark.parametrize("path", [LENDER, CASH, FILES])
async def test_a_viewer_sees_these_settings_without_a_save_button(console: Console, path: str):
    console.act_as(Role.VIEWER)
    assert ">Save<" not in await console.page(path)
