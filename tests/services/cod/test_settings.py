from dataclasses import replace

import asyncpg
import pytest

from incasso.cod.v1 import cod_pb2 as pb
from libs import ids
from libs.errors import RemoteRefusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
FEE = {"tiers": [{"fixed_minor": 600}], "vat_basis_points": 2200}
READ = {"acknowledged_by": "Anna Bianchi", "version": "2026-11"}


async def refusal(work) -> RemoteRefusal:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value


async def audit(world):
    async with world.deps.db.connection() as conn:
        return await conn.fetch(
            "SELECT acknowledged_by, version, actor, fee FROM fee_acknowledgements"
            " WHERE merchant_id = $1 ORDER BY id",
            world.merchant_id,
        )


async def test_a_new_merchant_always_offers_cod_without_a_fee(world):
    settings = (await world.call("GetCodSettings")).settings
    assert (settings.offered, settings.currency) == (pb.CodSettings.OFFERED_ALWAYS, "EUR")
    assert settings.sells_to_consumers
    assert list(settings.fee.tiers) == []
    assert not settings.HasField("fee_acknowledgement")


async def test_the_settings_show_the_warning_in_the_merchant_s_language(world):
    warning = (await world.call("GetCodSettings")).settings.fee_warning
    assert "art. 62" in warning.article
    assert warning.text.startswith("Attenzione")


async def test_a_fee_for_consumers_needs_an_acknowledged_warning(world):
    refused = await refusal(world.settings(fee=FEE))
    assert refused.reason == "fee_warning_not_acknowledged"
    assert refused.facts == {"warning_version": "2026-11"}
    other = await refusal(world.settings(fee=FEE, acknowledgement={**READ, "version": "2020-01"}))
    assert other.violations[0].field == "acknowledgement.version"
    assert list((await world.call("GetCodSettings")).settings.fee.tiers) == []
    assert await audit(world) == []


async def test_an_acknowledged_warning_is_recorded_append_only(world):
    settings = await world.settings(fee=FEE, acknowledgement=READ)
    assert settings.fee_acknowledgement.acknowledged_by == "Anna Bianchi"
    ((who, version, actor, _),) = await audit(world)
    assert (who, version, actor) == ("Anna Bianchi", "2026-11", "key_1")
    async with world.deps.db.connection() as conn:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await conn.execute("DELETE FROM fee_acknowledgements")


async def test_another_fee_needs_no_new_acknowledgement(world):
    await world.settings(fee=FEE, acknowledgement=READ)
    more = await world.settings(fee={"tiers": [{"fixed_minor": 700}]})
    assert more.fee.tiers[0].fixed_minor == 700
    assert more.fee_acknowledgement.acknowledged_by == "Anna Bianchi"
    none = await world.settings(fee={})
    assert list(none.fee.tiers) == []


async def test_a_fee_for_businesses_needs_no_acknowledgement_until_consumers_pay_it(world):
    settings = await world.settings(fee=FEE, sells_to_consumers=False)
    assert settings.fee.tiers[0].fixed_minor == 600
    refused = await refusal(world.settings(sells_to_consumers=True))
    assert refused.reason == "fee_warning_not_acknowledged"


async def test_an_update_keeps_omitted_settings(world):
    carts = {"excluded_categories": ["gold"], "max_amount_minor": 100_000}
    await world.settings(carts=carts, deposit={"basis_points": 3000})
    changed = await world.settings(offered="OFFERED_AFTER_FAILED_PAYMENT")
    assert changed == (await world.call("GetCodSettings")).settings
    assert list(changed.carts.excluded_categories) == ["gold"]
    assert changed.deposit.basis_points == 3000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        (
            {"fee": {"tiers": [{"from_minor": 1}, {"from_minor": 1}]}},
            "fee.tiers.1.from_minor",
        ),
        (
            {"carts": {"min_amount_minor": 2, "max_amount_minor": 1}},
            "carts.max_amount_minor",
        ),
    ],
)
async def test_an_invalid_setting_is_refused_by_field_and_changes_nothing(world, wrong, field):
    before = await world.call("GetCodSettings")
    refused = await refusal(world.settings(**wrong))
    assert [violation.field for violation in refused.violations] == [field]
    assert await world.call("GetCodSettings") == before


async def test_another_merchant_has_settings_of_its_own(world):
    await world.settings(deposit={"basis_points": 3000})
    stranger = replace(world, merchant_id=ids.new("mer"))
    settings = (await stranger.call("GetCodSettings")).settings
    assert settings.deposit.basis_points == 0
