"""The demo merchant's branding, set through the real merchants service."""

from types import SimpleNamespace
from typing import Any

from incasso.merchants.v1 import merchants_pb2 as pb
from libs import client, identity
from stack import demo_merchant
from tests.services.merchants.conftest import Merchants, Time, connected, serving


async def face_of(service: Merchants, merchant_id: str) -> pb.Merchant:
    stack: Any = SimpleNamespace(
        channel=lambda _: client.channel(service.target), operator=identity.signer()
    )
    await demo_merchant.give_a_face(stack, merchant_id)
    return (await service.call("GetMerchant", merchant_id=merchant_id)).merchant


async def test_the_demo_merchant_has_a_bank_account_a_colour_and_a_logo(new_database):
    async with (
        connected(new_database("merchants")) as database,
        serving(database, Time()) as service,
    ):
        made = (await service.create(name=demo_merchant.NAME)).merchant
        shown = await face_of(service, made.id)
        assert shown.bank_account.iban == demo_merchant.IBAN
        assert shown.branding.primary_colour == demo_merchant.COLOUR
        logo = await service.call("GetLogo", logo_id=shown.branding.logo_id)
        assert logo.picture == demo_merchant.LOGO.read_bytes()
        assert await face_of(service, made.id) == shown


async def test_a_changed_demo_merchant_keeps_its_branding(new_database):
    async with (
        connected(new_database("merchants")) as database,
        serving(database, Time()) as service,
    ):
        made = (await service.create(name=demo_merchant.NAME)).merchant
        own = pb.Branding(primary_colour="#111111")
        await service.call("UpdateMerchant", merchant_id=made.id, branding=own)
        assert (await face_of(service, made.id)).branding == own
