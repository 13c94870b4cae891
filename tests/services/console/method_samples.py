"""Instalment terms and couriers, as the services behind the console's settings answer in its tests."""

from typing import Any

from incasso.cod.v1 import cod_pb2
from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2
from tests.services.console.samples import COURIER_ID, TERMS_ID, money, stamp


def terms(**more: Any) -> instalments_pb2.InstalmentTerms:
    values = {
        "id": TERMS_ID,
        "state": instalments_pb2.InstalmentTerms.STATE_ACTIVE,
        "name": "Tre rate",
        "currency": "EUR",
        "payments": 3,
        "every": instalments_pb2.Frequency(unit=instalments_pb2.Frequency.UNIT_MONTH, n=1),
        "down_payment_basis_points": 2050,
        "upfront_fee_minor": 250,
        "fees_borne_by": instalments_pb2.FEES_BORNE_BY_MERCHANT,
        "min_amount_minor": 15_000,
        "max_amount_minor": 200_000,
        "excluded_categories": ["gift cards", "shoes"],
        "working_days_only": True,
        "grace_days": 5,
        "dunning": instalments_pb2.Dunning(
            remind_before=[3], retry_after=[3, 8], remind_after=[1, 8], default_after=60
        ),
        "financed_by": instalments_pb2.FINANCED_BY_OWN,
        "created_at": stamp(),
    }
    return instalments_pb2.InstalmentTerms(**(values | more))


def courier(**more: Any) -> cod_pb2.Courier:
    values = {
        "id": COURIER_ID,
        "state": cod_pb2.Courier.STATE_ACTIVE,
        "name": "GLS",
        "currency": "EUR",
        "cut": cod_pb2.CourierCut(basis_points=150, fixed_minor=200, minimum_minor=300),
        "max_collect_minor": 300_000,
        "modes": [cod_pb2.CourierMode(mode=offer_pb2.COLLECTION_MODE_CASH, code="CONT")],
        "manifest_amounts": cod_pb2.AMOUNT_STYLE_COMMA,
        "zones": [cod_pb2.CourierZone(country="IT", excluded_postcodes=["07"])],
        "country": "IT",
        "metadata": {"contract": "77"},
        "remittance_days": 15,
        "attempts": 2,
        "storage_days": 10,
        "manifest_columns": cod_pb2.ManifestColumns(
            tracking_number="Spedizione", sender_reference="Rif.", to_collect="Contrassegno"
        ),
        "created_at": stamp(),
    }
    return cod_pb2.Courier(**(values | more))


def lender() -> instalments_pb2.InstalmentSettings:
    return instalments_pb2.InstalmentSettings(
        jurisdiction="IT",
        seller_size=instalments_pb2.InstalmentSettings.SELLER_SIZE_SMALL,
        exposure_limit=money(150_000),
        time_zone="Europe/Rome",
        creditor_email="crediti@bottega.example",
    )


def cash(**more: Any) -> cod_pb2.CodSettings:
    values = {
        "offered": cod_pb2.CodSettings.OFFERED_ALWAYS,
        "currency": "EUR",
        "sells_to_consumers": True,
        "fee": cod_pb2.CodFee(tiers=[cod_pb2.CodFeeTier(fixed_minor=350)], vat_basis_points=2200),
        "fee_warning": cod_pb2.CodFeeWarning(
            version="2026-11", article="Art. 62 Codice del consumo", text="Fees need care."
        ),
        "refusals": cod_pb2.CodRefusals(most=0, within_days=365),
        "refund_account": cod_pb2.CodRefundDebtor(
            holder="Bottega S.r.l.",
            iban="IT60X0542811101000000123456",
            address=cod_pb2.CodRefundDebtorAddress(town="Milano", country="IT"),
        ),
    }
    return cod_pb2.CodSettings(**(values | more))


def of_methods() -> dict[str, Any]:
    old = terms(id="trm_2", name="", state=instalments_pb2.InstalmentTerms.STATE_ARCHIVED)
    return {
        "GetInstalmentSettings": instalments_pb2.GetInstalmentSettingsResponse(settings=lender()),
        "GetCodSettings": cod_pb2.GetCodSettingsResponse(settings=cash()),
        "ListInstalmentTerms": instalments_pb2.ListInstalmentTermsResponse(data=[terms(), old]),
        "GetInstalmentTerms": instalments_pb2.GetInstalmentTermsResponse(terms=terms()),
        "CreateInstalmentTerms": instalments_pb2.CreateInstalmentTermsResponse(terms=terms()),
        "ListCouriers": cod_pb2.ListCouriersResponse(data=[courier()]),
        "GetCourier": cod_pb2.GetCourierResponse(courier=courier()),
        "CreateCourier": cod_pb2.CreateCourierResponse(courier=courier()),
    }
