"""Terms of instalments and couriers, as the services behind the console's settings answer in its tests."""

from typing import Any

from incasso.cod.v1 import cod_pb2
from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2
from tests.services.console.samples import COURIER_ID, TERMS_ID, stamp


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


def of_methods() -> dict[str, Any]:
    old = terms(id="trm_2", name="", state=instalments_pb2.InstalmentTerms.STATE_ARCHIVED)
    return {
        "ListInstalmentTerms": instalments_pb2.ListInstalmentTermsResponse(data=[terms(), old]),
        "GetInstalmentTerms": instalments_pb2.GetInstalmentTermsResponse(terms=terms()),
        "CreateInstalmentTerms": instalments_pb2.CreateInstalmentTermsResponse(terms=terms()),
        "ListCouriers": cod_pb2.ListCouriersResponse(data=[courier()]),
        "GetCourier": cod_pb2.GetCourierResponse(courier=courier()),
        "CreateCourier": cod_pb2.CreateCourierResponse(courier=courier()),
    }
