from dataclasses import replace

import pytest

from incasso.instalments.v1 import instalments_pb2 as pb
from libs import ids
from libs.errors import RemoteRefusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
ACTIVE, ARCHIVED = pb.InstalmentTerms.STATE_ACTIVE, pb.InstalmentTerms.STATE_ARCHIVED


async def refusal(work) -> RemoteRefusal:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value


async def test_a_new_merchant_has_three_payments_in_thirty_days_without_cost(world):
    (terms,) = (await world.call("ListInstalmentTerms")).data
    assert terms == (await world.call("GetInstalmentTerms", terms_id="trm_default")).terms
    assert (terms.id, terms.state, terms.payments) == ("trm_default", ACTIVE, 3)
    assert (terms.every.unit, terms.every.n) == (pb.Frequency.UNIT_DAY, 15)
    assert (terms.min_amount_minor, terms.currency) == (150_00, "EUR")
    assert (terms.interest_basis_points, terms.payment_fee_minor, terms.upfront_fee_minor) == (
        0,
    ) * 3


async def test_the_merchants_own_terms_replace_the_default(world):
    made = await world.terms(metadata={"shop": "7"})
    assert list((await world.call("ListInstalmentTerms")).data) == [made]
    assert (made.min_amount_minor, made.max_amount_minor) == (150_00, 2_000_00)
    assert made.metadata == {"shop": "7"}
    default = (await world.call("GetInstalmentTerms", terms_id="trm_default")).terms
    assert default.state == ARCHIVED
    assert [offer.terms_id for offer in await world.offers()] == [made.id]


async def test_the_same_key_returns_the_same_terms_and_another_body_is_refused(world):
    fields = {"name": "x", "currency": "EUR", "payments": 3, "every": {"unit": 3, "n": 1}}
    made = await world.call("CreateInstalmentTerms", key="k", **fields)
    assert await world.call("CreateInstalmentTerms", key="k", **fields) == made
    other = await refusal(world.call("CreateInstalmentTerms", key="k", **(fields | {"name": "y"})))
    assert other.reason == "idempotency_key_reused"


async def test_archived_terms_are_not_offered_but_can_still_be_read(world):
    first, second = await world.terms(), await world.terms(name="Other")
    for _ in range(2):
        archived = (await world.call("ArchiveInstalmentTerms", terms_id=first.id)).terms
        assert archived.state == ARCHIVED
    assert [offer.terms_id for offer in await world.offers()] == [second.id]
    assert (await world.call("GetInstalmentTerms", terms_id=first.id)).terms == archived
    listed = await world.call("ListInstalmentTerms", state=ARCHIVED)
    assert list(listed.data) == [archived]


async def test_a_merchant_with_all_terms_archived_has_no_offers(world):
    await world.call("ArchiveInstalmentTerms", terms_id=(await world.terms()).id)
    assert await world.offers() == []
    offer = await world.call(
        "GetOffer", cart={"amount": {"amount_minor": 160_00, "currency": "EUR"}}
    )
    assert (offer.offer.available, offer.offer.reason) == (False, "no_terms")


async def test_more_than_fifty_terms_are_refused(world):
    for number in range(50):
        await world.terms(name=f"Terms {number}")
    assert (await refusal(world.terms())).reason == "too_many_terms"


async def test_invalid_terms_are_refused_by_field(world):
    wrong = await refusal(world.terms(min_amount_minor=200_00, max_amount_minor=100_00))
    assert wrong.violations[0].field == "max_amount_minor"
    assert [terms.id for terms in (await world.call("ListInstalmentTerms")).data] == ["trm_default"]


async def test_another_merchant_finds_nothing(world):
    made = await world.terms()
    stranger = replace(world, merchant_id=ids.new("mer"))
    for rpc in ("GetInstalmentTerms", "ArchiveInstalmentTerms"):
        assert (await refusal(stranger.call(rpc, terms_id=made.id))).reason == "terms_not_found"
    assert [terms.id for terms in (await stranger.call("ListInstalmentTerms")).data] == [
        "trm_default"
    ]
    quoted = stranger.quote(terms_id=made.id)
    assert (await refusal(quoted)).reason == "terms_not_found"
