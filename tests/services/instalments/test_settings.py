from dataclasses import replace

import pytest

from incasso.instalments.v1 import instalments_pb2 as pb
from libs import ids, time_zones
from libs.errors import RemoteRefusal
from services.instalments.rules import settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_new_merchant_is_a_small_seller_in_italy_who_gives_no_credit(world):
    found = (await world.call("GetInstalmentSettings")).settings
    assert found == pb.InstalmentSettings(
        jurisdiction="IT",
        seller_size=pb.InstalmentSettings.SELLER_SIZE_SMALL,
        exposure_limit={"amount_minor": 150000, "currency": "EUR"},
        time_zone="Europe/Rome",
    )


async def test_an_update_keeps_omitted_settings(world):
    large = pb.InstalmentSettings.SELLER_SIZE_LARGE
    await world.call("UpdateInstalmentSettings", seller_size=large, lender_registration="OAM M123")
    changed = await world.call("UpdateInstalmentSettings", time_zone="Europe/Madrid")
    found = (await world.call("GetInstalmentSettings")).settings
    assert found == changed.settings
    assert (found.seller_size, found.lender_registration) == (large, "OAM M123")
    assert found.time_zone == "Europe/Madrid"


async def test_an_empty_registration_takes_the_licence_away(world):
    await world.call("UpdateInstalmentSettings", lender_registration="OAM M123")
    found = (await world.call("UpdateInstalmentSettings", lender_registration="")).settings
    assert not found.HasField("lender_registration")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Italy/Rome"),
        ("jurisdiction", "Italy"),
        ("exposure_limit", {"amount_minor": 0, "currency": "EUR"}),
        ("exposure_limit", {"amount_minor": 1, "currency": "ITL"}),
        ("lender_registration", "x" * 101),
    ],
)
async def test_an_invalid_setting_is_refused_by_field_and_changes_nothing(world, field, value):
    before = await world.call("GetInstalmentSettings")
    with pytest.raises(RemoteRefusal) as refused:
        await world.call("UpdateInstalmentSettings", **{field: value})
    assert refused.value.violations[0].field.startswith(field)
    assert await world.call("GetInstalmentSettings") == before


async def test_known_time_zones_are_loaded_once():
    before = time_zones.known.cache_info()
    for zone in ("Europe/Rome", "Europe/Madrid"):
        settings.checked(replace(settings.DEFAULT, time_zone=zone))
    after = time_zones.known.cache_info()
    assert after.misses <= 1
    assert (after.hits + after.misses) - (before.hits + before.misses) == 2


async def test_another_merchant_has_settings_of_its_own(world):
    await world.call("UpdateInstalmentSettings", time_zone="Europe/Madrid")
    stranger = replace(world, merchant_id=ids.new("mer"))
    found = (await stranger.call("GetInstalmentSettings")).settings
    assert found.time_zone == "Europe/Rome"
