"""Card testing with saved cards: one address that clicks for customer after customer."""

from dataclasses import replace

import pytest

from services.payments.routing_cache import RoutingCache
from tests.services.payments.conftest import World
from tests.services.payments.test_velocity import FLOOD, Shop


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


async def test_an_address_clicking_with_many_saved_cards_is_barred_on_every_replica(shop: Shop):
    replicas = (
        shop.world.deps,
        replace(shop.world.deps, routing_cache=RoutingCache(shop.world.db)),
    )
    for n in range(FLOOD):
        who = (f"customer:cus_{n}", f"session:ocs_{n}", "clicking_address:aa")
        await shop.declined(*who, instrument_id=f"ins_{n}", deps=replicas[n % 2])
    assert (len(shop.made), shop.refused) == (20, {"clicking_address": FLOOD - 20})
    [event] = await shop.published()
    assert (event.kind, event.HasField("reference")) == ("clicking_address", False)
    assert await shop.attempt("link:lnk_1", "address:aa") is not None  # the counter for strangers
    saved = await shop.attempt("clicking_address:bb", instrument_id="ins_0")
    assert saved is not None


async def test_new_card_declines_at_an_address_do_not_bar_saved_cards_there(shop: Shop):
    for n in range(30):
        await shop.declined(f"link:lnk_{n}", "address:aa")
    assert shop.refused == {"address": 10}
    assert await shop.attempt("clicking_address:aa", instrument_id="ins_1") is not None
