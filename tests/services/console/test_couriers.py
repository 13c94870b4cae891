"""Couriers in the console: created and changed as typed; terms without a field here stay."""

import pytest

from incasso.cod.v1 import cod_pb2
from incasso.common.v1 import offer_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.method_samples import courier
from tests.services.console.samples import COURIER_ID

PAGE = "/settings/couriers"
ONE = f"{PAGE}/{COURIER_ID}"
TYPED = {
    "name": "BRT",
    "basis_points": "2,5",
    "fixed_minor": "",
    "minimum_minor": "3",
    "mode:cash": "yes",
    "mode:card": "yes",
    "remittance_days": "12",
    "attempts": "2",
    "storage_days": "10",
    "manifest_amounts": "point",
}


async def test_a_courier_is_created_as_typed(console: Console):
    _, place, _ = await console.post(f"{PAGE}/new", TYPED)
    assert place == f"{ONE}?notice=created"
    made: cod_pb2.CourierTerms = console.services.last("CreateCourier").request.terms
    assert (made.name, made.currency, made.remittance_days) == ("BRT", "EUR", 12)
    assert (made.cut.basis_points, made.cut.fixed_minor, made.cut.minimum_minor) == (250, 0, 300)
    assert not made.cut.HasField("maximum_minor")
    assert not made.HasField("max_collect_minor")
    modes = [offer_pb2.COLLECTION_MODE_CASH, offer_pb2.COLLECTION_MODE_CARD]
    assert [mode.mode for mode in made.modes] == modes
    assert made.manifest_amounts == cod_pb2.AMOUNT_STYLE_POINT


async def test_zones_columns_and_codes_are_kept_when_other_terms_change(console: Console):
    page = await console.page(ONE)
    for shown in ('value="1.50"', 'value="2.00"', 'value="3000.00"'):
        assert shown in page
    _, place, _ = await console.post(ONE, TYPED)
    assert place == f"{ONE}?notice=saved"
    saved: cod_pb2.CourierTerms = console.services.last("UpdateCourier").request.terms
    before = courier()
    assert (saved.name, saved.zones, saved.metadata) == ("BRT", before.zones, before.metadata)
    assert saved.manifest_columns == before.manifest_columns
    assert not saved.HasField("event_columns")
    assert [mode.code for mode in saved.modes] == ["CONT", ""]
    assert '"name":"GLS"' in console.services.last("RecordIntent").request.before


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("basis_points", "lots", "Not a share"),
        ("minimum_minor", "-3", "Not an amount"),
        ("remittance_days", "soon", "Whole numbers only"),
    ],
)
async def test_an_unreadable_field_is_explained_and_kept_in_the_form(
    console: Console, field: str, typed: str, expected: str
):
    status, _, page = await console.post(ONE, {**TYPED, field: typed})
    assert status == 400
    assert expected in page
    assert f'value="{typed}"' in page
    assert console.services.calls("UpdateCourier") == 0


async def test_a_courier_without_a_way_to_collect_is_refused(console: Console):
    fields = {name: text for name, text in TYPED.items() if not name.startswith("mode:")}
    status, _, page = await console.post(f"{PAGE}/new", fields)
    assert status == 400
    assert "Choose at least one" in page


async def test_a_courier_is_archived_and_then_read_only(console: Console):
    _, place, _ = await console.post(f"{ONE}/archive", {})
    assert place == f"{PAGE}?notice=archived"
    refusal = RemoteRefusal(Kind.CONFLICT, "courier_archived", "It is archived.")
    console.services.answers["UpdateCourier"] = refusal
    status, _, page = await console.post(ONE, TYPED)
    assert status == 409
    assert "Add it again to change it" in page
    old = courier(state=cod_pb2.Courier.STATE_ARCHIVED)
    console.services.answers["GetCourier"] = cod_pb2.GetCourierResponse(courier=old)
    page = await console.page(ONE)
    assert f"{ONE}/archive" not in page
    assert ">Save<" not in page


async def test_a_viewer_sees_a_courier_without_a_save_button(console: Console):
    console.act_as(Role.VIEWER)
    assert ">Save<" not in await console.page(ONE)
