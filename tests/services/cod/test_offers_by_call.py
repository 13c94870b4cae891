import pytest

from incasso.common.v1 import offer_pb2
from tests.services.cod.couriers import CASH_ONLY

pytestmark = pytest.mark.asyncio(loop_scope="session")
READ = {"acknowledged_by": "Anna Bianchi", "version": "2026-11"}


async def test_checkout_is_offered_the_cheapest_courier_with_its_fee(world):
    await world.courier()
    cheap = await world.courier(name="BRT", cut={"fixed_minor": 250})
    await world.settings(
        fee={"tiers": [{"fixed_minor": 600}], "vat_basis_points": 2200}, acknowledgement=READ
    )
    offer = await world.offer(100_00)
    assert (offer.method, offer.available, offer.fee_minor) == ("cod", True, 6_00)
    assert offer.label == "Contrassegno (+ 6,00\xa0€)"
    assert offer.cod == offer_pb2.CodOffer(
        courier_id=cheap.id,
        courier="BRT",
        available=True,
        modes=[mode.mode for mode in cheap.modes],
        fee_minor=6_00,
        fee_net_minor=4_92,
        fee_vat_minor=1_08,
        total={"amount_minor": 106_00, "currency": "EUR"},
        collect_minor=106_00,
        cut_minor=2_50,
    )


async def test_a_merchant_without_couriers_has_no_offer(world):
    offer = await world.offer()
    assert (offer.available, offer.reason) == (False, "no_courier")
    assert list(await world.offers()) == []


async def test_an_unavailable_offer_names_reason_threshold_and_article(world):
    await world.courier(modes=CASH_ONLY, max_collect_minor=9_000_00)
    offer = await world.offer(5_000_00)
    assert (offer.available, offer.reason, offer.label) == (False, "cash_limit", "")
    assert offer.cod.threshold.amount_minor == 4_999_99
    assert offer.cod.detail == "D.Lgs. 231/2007 art. 49"


async def test_an_offer_limited_to_failed_payments_needs_a_failed_card(world):
    await world.courier()
    await world.settings(offered="OFFERED_AFTER_FAILED_PAYMENT")
    assert (await world.offer()).reason == "no_failed_payment"
    offer = await world.offer(failed_methods=["one_click"])
    assert offer.available
    assert offer.cod.after_failed_payment


async def test_the_rest_after_a_deposit_is_collected(world):
    await world.courier()
    await world.settings(deposit={"basis_points": 3000, "from_minor": 300_00})
    (offer,) = await world.offers(400_00)
    assert (offer.deposit_minor, offer.collect_minor) == (120_00, 280_00)
    assert offer.cut_minor == 8_40
    (whole,) = await world.offers(299_99)
    assert (whole.deposit_minor, whole.collect_minor) == (0, 299_99)


async def test_couriers_are_offered_by_postcode_and_country(world):
    near = await world.courier(zones=[{"country": "IT", "postcodes": ["20"]}])
    far = await world.courier(zones=[{"country": "IT", "excluded_postcodes": ["20"]}])
    found = await world.offers(postcode="20121")
    assert [(each.courier_id, each.available) for each in found] == [
        (near.id, True),
        (far.id, False),
    ]
    assert found[1].reason == "postcode"
    assert {each.reason for each in await world.offers()} == {"postcode_missing"}
    assert {each.reason for each in await world.offers(country="FR")} == {"country"}
