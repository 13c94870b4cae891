"""Couriers by call: created, given other terms, archived; visible to their own merchant only."""

from dataclasses import replace
from datetime import date

import pytest

from incasso.cod.v1 import cod_pb2 as pb
from incasso.common.v1 import offer_pb2
from libs import ids
from libs.errors import RemoteRefusal
from services.cod.rules.couriers import CollectionMode
from services.cod.store.couriers import COURIERS
from tests.services.cod.couriers import CASH_ONLY, gls

pytestmark = pytest.mark.asyncio(loop_scope="session")
ACTIVE, ARCHIVED = pb.Courier.STATE_ACTIVE, pb.Courier.STATE_ARCHIVED
COLUMNS = {
    "header_row": 4,
    "tracking_number": "Spedizione",
    "collected": "Contrassegno",
    "state": "Esito",
    "words": [{"text": "CONSEGNATO", "meaning": "MEANING_COLLECTED"}],
}


async def refusal(work) -> RemoteRefusal:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value


async def test_a_courier_has_defaults_for_omitted_terms(world):
    made = await world.courier()
    assert (made.state, made.remittance_days, made.country) == (ACTIVE, 15, "IT")
    assert (made.attempts, made.storage_days, made.remittance_tolerance_minor) == (2, 10, 0)
    assert made.manifest_amounts == pb.AMOUNT_STYLE_COMMA
    assert not made.HasField("remittance_columns")


async def test_create_get_and_list_return_the_same_courier(world):
    made = await world.courier(remittance_columns=COLUMNS, metadata={"depot": "MI1"})
    assert (await world.call("GetCourier", courier_id=made.id)).courier == made
    assert list((await world.call("ListCouriers")).data) == [made]
    columns = made.remittance_columns
    assert (columns.header_row, columns.days) == (4, pb.DAY_ORDER_DMY)
    assert not columns.HasField("cut")


async def test_the_same_key_returns_the_same_courier_and_another_body_is_refused(world):
    made = await world.courier(key="k")
    assert await world.courier(key="k") == made
    other = await refusal(world.courier(key="k", name="BRT"))
    assert other.reason == "idempotency_key_reused"


async def test_an_update_replaces_all_terms_of_a_courier(world):
    made = await world.courier(storage_days=7, metadata={"depot": "MI1"})
    new = gls(name="GLS Italy", modes=CASH_ONLY, zones=[])
    changed = (await world.call("UpdateCourier", courier_id=made.id, terms=new)).courier
    assert (changed.id, changed.created_at) == (made.id, made.created_at)
    assert (changed.name, changed.storage_days, dict(changed.metadata)) == ("GLS Italy", 10, {})
    assert (len(changed.modes), len(changed.zones)) == (1, 0)
    assert (await world.call("GetCourier", courier_id=made.id)).courier == changed


async def test_an_archived_courier_is_not_offered_and_cannot_be_changed(world):
    made, other = await world.courier(), await world.courier(name="BRT")
    for _ in range(2):
        archived = (await world.call("ArchiveCourier", courier_id=made.id)).courier
        assert archived.state == ARCHIVED
    assert [offer.courier_id for offer in await world.offers()] == [other.id]
    assert list((await world.call("ListCouriers", state=ARCHIVED)).data) == [archived]
    again = world.call("UpdateCourier", courier_id=made.id, terms=gls())
    assert (await refusal(again)).reason == "courier_archived"


async def test_each_change_of_a_courier_is_reported_once(world):
    made = await world.courier()
    for _ in range(2):
        await world.call("UpdateCourier", courier_id=made.id, terms=gls(name="GLS Italy"))
    for _ in range(2):
        await world.call("ArchiveCourier", courier_id=made.id)
    assert await world.published() == ["courier.created", "courier.updated", "courier.archived"]


async def test_more_than_fifty_couriers_are_refused(world):
    for number in range(50):
        await world.courier(name=f"Courier {number}")
    assert (await refusal(world.courier())).reason == "too_many_couriers"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cut": {"minimum_minor": 300, "maximum_minor": 299}}, "cut.maximum_minor"),
        ({"modes": []}, "modes"),
        ({"modes": [*CASH_ONLY, {"mode": 1, "code": "X"}]}, "modes.1.mode"),
        ({"modes": [*CASH_ONLY, {"mode": 2, "code": "CONT"}]}, "modes.1.code"),
        ({"zones": [{"country": "IT", "postcodes": ["209-201"]}]}, "zones.0.postcodes.0"),
        ({"zones": [{"country": "IT", "postcodes": ["2-301"]}]}, "zones.0.postcodes.0"),
        (
            {"zones": [{"country": "IT", "excluded_postcodes": ["98", "à"]}]},
            "zones.0.excluded_postcodes.1",
        ),
        ({"remittance_columns": {"collected": "x"}}, "remittance_columns.tracking_number"),
        ({"remittance_columns": {"tracking_number": "x"}}, "remittance_columns.collected"),
        (
            {"remittance_columns": {"tracking_number": "x", "collected": "X"}},
            "remittance_columns.collected",
        ),
        ({"remittance_columns": {**COLUMNS, "state": ""}}, "remittance_columns.words"),
        (
            {"remittance_columns": {**COLUMNS, "words": [{"text": t, "meaning": 1} for t in "aA"]}},
            "remittance_columns.words.1.text",
        ),
    ],
)
async def test_invalid_terms_are_refused_by_field(world, wrong, field):
    refused = await refusal(world.courier(**wrong))
    assert [violation.field for violation in refused.violations] == [f"terms.{field}"]
    assert list((await world.call("ListCouriers")).data) == []


async def test_another_merchant_finds_nothing(world):
    made = await world.courier()
    stranger = replace(world, merchant_id=ids.new("mer"))
    for rpc, terms in (
        ("GetCourier", {}),
        ("ArchiveCourier", {}),
        ("UpdateCourier", {"terms": gls()}),
    ):
        refused = await refusal(stranger.call(rpc, courier_id=made.id, **terms))
        assert refused.reason == "courier_not_found"
    assert list((await stranger.call("ListCouriers")).data) == []
    assert list(await stranger.offers()) == []


async def test_a_couriers_code_maps_back_to_its_collection_mode(world):
    brt = [{"mode": number, "code": code} for number, code in enumerate(("", "BM", "CM"), 1)]
    for modes in (brt, gls()["modes"]):
        made = await world.courier(modes=modes)
        async with world.deps.db.connection() as conn:
            courier = await COURIERS.get(conn, world.merchant_id, made.id)
        for mode in courier.modes:
            assert courier.mode_of(courier.code_of(mode.mode)) is mode.mode
    with pytest.raises(KeyError):
        courier.code_of(CollectionMode.CARD)
    assert offer_pb2.COLLECTION_MODE_CARD not in [mode.mode for mode in made.modes]


async def test_remittance_days_are_working_days_of_the_couriers_country(world):
    made = await world.courier(remittance_days=3)
    async with world.deps.db.connection() as conn:
        courier = await COURIERS.get(conn, world.merchant_id, made.id)
    # Wednesday and Thursday; then Christmas on Friday, a weekend, and Monday.
    assert courier.remitted_by(date(2026, 12, 22)) == date(2026, 12, 28)
    assert courier.remitted_by(date(2026, 12, 5)) == date(2026, 12, 10)
