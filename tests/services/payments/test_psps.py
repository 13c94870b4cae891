"""Connectors from credentials, and the cached accounts."""

import json
import os
from datetime import UTC, datetime

import pytest

from services.payments.errors import CredentialsMissing, PspAccountNotFound
from services.payments.flows import accounts
from services.payments.flows.accounts import CreatePspAccount
from services.payments.psps import Psps
from services.payments.routing_cache import RoutingCache
from services.payments.rules.outcomes import DeclineCode
from services.payments.rules.states import State, TraBand
from services.payments.store.accounts import PspAccount
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.psp_double import PspDouble


class Session:
    closed = False

    async def close(self) -> None:
        self.closed = True


def account(name: str) -> PspAccount:
    return PspAccount(
        MERCHANT, f"psa_{name}", name, "double", name, TraBand.NONE, datetime.now(UTC)
    )


async def test_a_changed_credentials_file_gives_a_new_connector(tmp_path):
    session = Session()
    psps = Psps({"double": lambda c, _: PspDouble(c["account"])}, tmp_path, session)
    file = tmp_path / "main.json"
    file.write_text(json.dumps({"account": "old"}))
    old = psps.connector(account("main"))
    assert psps.connector(account("main")) is old
    file.write_text(json.dumps({"account": "new"}))
    os.utime(file, (1, 1))
    new = psps.connector(account("main"))
    assert (new.field[0], old.field[0]) == ("pk_new", "pk_old")
    await psps.close()
    assert session.closed
    assert ("close", None) in old.calls
    assert ("close", None) in new.calls


@pytest.mark.parametrize("content", [None, "not json", "[]", "{}"])
def test_unusable_credentials_are_reported_as_missing(tmp_path, content):
    psps = Psps({"double": lambda c, _: PspDouble(c["account"])}, tmp_path, Session())
    if content is not None:
        (tmp_path / "main.json").write_text(content)
    with pytest.raises(CredentialsMissing):
        psps.connector(account("main"))


async def test_an_account_whose_credentials_are_gone_declines_and_fails_over(
    world: World, tmp_path
):
    (tmp_path / "a.json").unlink()
    payment = await world.create()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")
    (tmp_path / "b.json").unlink()
    payment = await world.create()
    assert payment.decline is not None
    assert payment.decline.code is DeclineCode.PSP_UNAVAILABLE
    assert [shown.publishable_key for shown in await accounts.list_psp_accounts(world.deps)] == [
        "",
        "",
    ]


async def test_the_tra_band_is_read_from_the_credentials(world: World, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"account": "a", "tra_band": "0.06"}))
    cmd = CreatePspAccount("c", "double", "c")
    made = await accounts.create_psp_account(world.deps, cmd)
    assert made.account.tra_band is TraBand.UP_TO_0_06
    (tmp_path / "d.json").write_text(json.dumps({"account": "a", "tra_band": "low"}))
    with pytest.raises(CredentialsMissing):
        await accounts.create_psp_account(world.deps, CreatePspAccount("d", "double", "d"))


async def test_an_account_created_by_another_replica_is_found_at_once(world: World):
    cache = RoutingCache(world.db, ttl_seconds=3600)
    assert (await cache.of(MERCHANT)).names == ["a", "b"]
    await world.rows("UPDATE psp_accounts SET name = 'c' WHERE name = 'b'")
    assert (await cache.of(MERCHANT)).names == ["a", "b"], "remembered"
    assert (await cache.of(MERCHANT, naming=["c"])).names == ["a", "c"]
    assert (await cache.account(MERCHANT, world.account_ids["a"])).name == "a"
    with pytest.raises(PspAccountNotFound):
        await cache.account("mer_2", world.account_ids["a"])
