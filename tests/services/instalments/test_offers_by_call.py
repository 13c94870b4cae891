import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.common.v1.offer_pb2 import InstalmentOffer
from incasso.instalments.v1 import instalments_pb2 as pb
from libs import ids, wire
from libs.errors import RemoteRefusal
from services.instalments.rules import offers

pytestmark = pytest.mark.asyncio(loop_scope="session")
DEFERRAL, CREDIT = InstalmentOffer.LEGAL_CLASS_DEFERRAL, InstalmentOffer.LEGAL_CLASS_CREDIT
WARNING = "Attenzione! Prendere in prestito denaro costa denaro"


async def refusal(work) -> RemoteRefusal:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value


async def test_three_free_parts_are_a_deferral_without_a_warning(world):
    (offer,) = await world.offers()
    assert offer.available
    assert offer.label == "3 × 53,34\xa0€"
    assert [part.amount_minor for part in offer.schedule] == [53_33, 53_33, 53_34]
    assert (offer.total.amount_minor, offer.cost_minor, offer.taeg) == (160_00, 0, "0.00")
    assert offer.legal_class == DEFERRAL
    assert not offer.HasField("warning")
    assert not offer.HasField("representative_example")
    assert offer.legal_sentence


async def test_credit_of_a_registered_lender_carries_warning_and_example(world):
    await world.call("UpdateInstalmentSettings", lender_registration="OAM M123")
    await world.terms(payments=12, interest_basis_points=999, upfront_fee_minor=5_00)
    (offer,) = await world.offers(600_00)
    assert (offer.available, offer.legal_class, offer.interest_basis_points) == (True, CREDIT, 999)
    assert offer.warning.startswith(WARNING)
    assert offer.representative_example
    assert offer.total.amount_minor == 600_00 + offer.cost_minor
    assert offer.total.amount_minor == sum(part.amount_minor for part in offer.schedule)
    assert float(offer.taeg) > 9.99


async def test_credit_without_a_licence_is_refused_citing_the_article(world):
    await world.terms(payments=12, interest_basis_points=999)
    (offer,) = await world.offers(600_00)
    assert (offer.available, offer.reason) == (False, "credit_not_allowed")
    assert "art." in offer.detail


async def test_a_large_seller_may_not_defer_for_thirty_days(world):
    large = pb.InstalmentSettings.SELLER_SIZE_LARGE
    await world.call("UpdateInstalmentSettings", seller_size=large)
    (offer,) = await world.offers()
    assert (offer.available, offer.reason) == (False, "credit_not_allowed")


async def test_a_price_below_the_minimum_is_refused_with_the_threshold(world):
    (offer,) = await world.offers(149_99)
    assert (offer.available, offer.reason) == (False, "minimum_amount")
    assert (offer.threshold.amount_minor, offer.threshold.currency) == (150_00, "EUR")
    assert not offer.schedule


async def test_all_terms_are_compared_in_the_language_asked_for(world):
    await world.terms(payments=2, every={"unit": "UNIT_DAY", "n": 14})
    await world.terms(payments=4, every={"unit": "UNIT_DAY", "n": 14}, categories=["shoes"])
    first, second = await world.offers(locale="en", categories=["books"])
    assert (first.available, first.label) == (True, "2 × €80.00")
    assert (second.available, second.reason, second.detail) == (False, "category", "books")


async def test_the_checkout_offer_lists_all_instalment_offers(world):
    cart = {"amount": {"amount_minor": 160_00, "currency": "EUR"}}
    offer = (await world.call("GetOffer", cart=cart)).offer
    assert (offer.method, offer.available, offer.label) == ("instalments", True, "3 × 53,34\xa0€")
    assert list(offer.instalments) == list(await world.offers())
    small = {"amount": {"amount_minor": 1_00, "currency": "EUR"}}
    offer = (await world.call("GetOffer", cart=small)).offer
    assert (offer.available, offer.reason) == (False, "minimum_amount")
    assert offer.instalments[0].threshold.amount_minor == 150_00


async def test_a_quote_keeps_its_offer_when_terms_and_settings_change(world):
    quote = await world.quote(key="k")
    assert quote.offer == (await world.offers())[0]
    assert wire.time_of(quote.expires_at) - wire.time_of(quote.created_at) == timedelta(hours=24)
    await world.terms()
    await world.call("UpdateInstalmentSettings", seller_size="SELLER_SIZE_LARGE")
    assert (await world.call("GetInstalmentQuote", quote_id=quote.id)).quote == quote
    assert await world.quote(key="k") == quote


async def test_a_quote_without_an_available_offer_is_refused_with_the_reason(world):
    refused = await refusal(world.quote(149_99))
    assert refused.reason == "instalments_not_offered"
    assert refused.facts == {"offer_reason": "minimum_amount", "threshold_minor": "15000"}
    assert (await refusal(world.quote(terms_id="trm_unknown"))).reason == "terms_not_found"


async def test_another_merchant_does_not_find_a_quote(world):
    quote = await world.quote()
    stranger = replace(world, merchant_id=ids.new("mer"))
    found = stranger.call("GetInstalmentQuote", quote_id=quote.id)
    assert (await refusal(found)).reason == "quote_not_found"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("terms_id", ""),
        ("amount", {"amount_minor": 0, "currency": "EUR"}),
        ("amount", {"amount_minor": 160_00, "currency": "XXX"}),
        ("order_reference", ""),
        ("country", "Italia"),
        ("categories", ["x" * 65]),
        ("segments", ["x"] * 21),
        ("delivered_on", "2026-02-30"),
        ("locale", "italiano"),
    ],
)
async def test_an_invalid_field_of_a_quote_is_named(world, field, value):
    refused = await refusal(world.quote(**{field: value}))
    assert refused.reason == "invalid_argument"
    assert refused.violations[0].field.startswith(field)


async def test_terms_are_compared_off_the_event_loop(world, monkeypatch):
    """Otherwise all other calls would wait: fifty terms of many payments take half a second."""
    at_work = []
    for name in ("compared", "offer_of"):
        rule = getattr(offers, name)

        def watched(*args, rule=rule):
            at_work.append(threading.current_thread() is threading.main_thread())
            return rule(*args)

        monkeypatch.setattr(offers, name, watched)
    await world.offers()
    await world.quote()
    assert at_work == [False] * len(at_work) != []
