"""Logo and quotas of a merchant, through the gRPC servicer."""

import asyncio
from typing import Any

import pytest

from incasso.merchants.v1 import events_pb2
from incasso.merchants.v1 import merchants_pb2 as pb
from libs.errors import Kind
from tests.services.merchants.conftest import Merchants, refusal
from tests.services.merchants.logos import a_picture, as_text


async def updates(service: Merchants) -> list[pb.Merchant]:
    """The merchants in the events, in order."""
    async with service.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT body FROM outbox WHERE subject = 'incasso.merchants.merchant.updated'"
            " ORDER BY seq"
        )
    return [events_pb2.MerchantUpdated.FromString(row["body"]).merchant for row in rows]


async def put(service: Merchants, merchant_id: str, content: bytes) -> pb.Merchant:
    picture = as_text(content)
    return (await service.call("PutLogo", merchant_id=merchant_id, picture=picture)).merchant


async def get_logo(service: Merchants, logo_id: str) -> Any:
    return await service.call("GetLogo", actor="gateway", logo_id=logo_id)


async def test_a_logo_is_stored_and_found_by_its_id_alone(service: Merchants):
    merchant = (await service.create()).merchant
    content = a_picture("JPEG")
    changed = await put(service, merchant.id, content)
    logo = await get_logo(service, changed.branding.logo_id)
    assert (logo.picture, logo.media_type) == (content, "image/jpeg")
    assert await updates(service) == [changed]


async def test_uploading_the_same_logo_again_changes_and_reports_nothing(service: Merchants):
    merchant = (await service.create()).merchant
    first = await put(service, merchant.id, a_picture())
    assert await put(service, merchant.id, a_picture()) == first
    assert len(await updates(service)) == 1


async def test_another_logo_replaces_the_one_before(service: Merchants):
    merchant = (await service.create()).merchant
    before = await put(service, merchant.id, a_picture())
    after = await put(service, merchant.id, a_picture(size=(50, 20)))
    assert (await get_logo(service, after.branding.logo_id)).media_type == "image/png"
    gone = await refusal(get_logo(service, before.branding.logo_id))
    assert gone == (Kind.NOT_FOUND, "logo_not_found")


async def test_a_removed_logo_is_gone_and_removing_it_again_changes_nothing(service: Merchants):
    merchant = (await service.create()).merchant
    stored = await put(service, merchant.id, a_picture())
    for _ in range(2):
        left = (await service.call("DeleteLogo", merchant_id=merchant.id)).merchant
        assert not left.HasField("branding")
    gone = await refusal(get_logo(service, stored.branding.logo_id))
    assert gone == (Kind.NOT_FOUND, "logo_not_found")
    assert len(await updates(service)) == 2


async def test_two_merchants_may_have_the_same_logo(service: Merchants):
    one, other = [(await service.create(name=name)).merchant.id for name in ("One", "Other")]
    stored = [await put(service, merchant_id, a_picture()) for merchant_id in (one, other)]
    assert stored[0].branding.logo_id == stored[1].branding.logo_id
    await service.call("DeleteLogo", merchant_id=one)
    assert (await get_logo(service, stored[1].branding.logo_id)).picture == a_picture()


async def test_replacing_the_branding_keeps_the_logo(service: Merchants):
    merchant = (await service.create()).merchant
    logo_id = (await put(service, merchant.id, a_picture())).branding.logo_id
    for sent in (pb.Branding(primary_colour="#0b5cad"), pb.Branding(logo_id="another")):
        changed = await service.call("UpdateMerchant", merchant_id=merchant.id, branding=sent)
        assert changed.merchant.branding.logo_id == logo_id
    assert changed.merchant.branding == pb.Branding(logo_id=logo_id)


async def test_a_picture_that_cannot_be_a_logo_is_refused(service: Merchants):
    merchant = (await service.create()).merchant
    for content in (b"GIF89a", a_picture(size=(1025, 1))):
        answer = await refusal(put(service, merchant.id, content))
        assert answer == (Kind.UNPROCESSABLE, "logo_refused")
    assert await updates(service) == []


async def test_concurrent_logo_uploads_leave_the_merchants_logo_stored(service: Merchants):
    merchant = (await service.create()).merchant
    pictures = [a_picture(size=(side, 10)) for side in range(10, 18)]
    await asyncio.gather(*(put(service, merchant.id, picture) for picture in pictures))
    shown = (await service.call("GetMerchant", merchant_id=merchant.id)).merchant
    assert (await get_logo(service, shown.branding.logo_id)).picture in pictures


@pytest.mark.parametrize(
    ("name", "fields"), [("PutLogo", {"picture": as_text(a_picture())}), ("DeleteLogo", {})]
)
async def test_a_logo_call_needs_an_existing_merchant(service: Merchants, name: str, fields: dict):
    missing = await refusal(service.call(name, **fields))
    assert missing == (Kind.UNAUTHENTICATED, "merchant_missing")
    unknown = await refusal(service.call(name, merchant_id="mer_x", **fields))
    assert unknown == (Kind.NOT_FOUND, "merchant_not_found")


@pytest.mark.parametrize(
    ("plan", "links", "messages"),
    [("basic", 200, 100), ("pro", 5000, 2000), ("enterprise", None, None)],
)
async def test_a_merchant_carries_the_quotas_of_its_plan(service: Merchants, plan, links, messages):
    made = (await service.create(plan=plan)).merchant
    quotas = dict(made.quotas)
    assert (quotas.get("links_per_month"), quotas.get("sms_per_month")) == (links, messages)
    assert (await service.call("GetMerchant", merchant_id=made.id)).merchant == made
    [listed] = (await service.call("ListMerchants")).data
    assert listed == made
