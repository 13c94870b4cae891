"""Previews of remittances: they book nothing, and the commit considers what has happened since."""

import pytest

from incasso.cod.v1.remittances_pb2 import CodRemittance
from tests.services.cod.orders import Shop, event
from tests.services.cod.remitting import (
    collected_order,
    commit,
    committed,
    line,
    lines_of,
    results,
    shop_of,
    state_of,
    uploaded,
)


@pytest.fixture
async def shop(world) -> Shop:
    return await shop_of(world)


async def test_a_preview_books_nothing(shop: Shop):
    order = await collected_order(shop)
    remittance = await uploaded(shop, line(order, 47_00), name="rimesse.csv", tolerance_minor=2)
    assert remittance.state == CodRemittance.STATE_PREVIEWED
    assert (remittance.lines, remittance.remitted_minor, remittance.exceptions) == (1, 47_00, 0)
    assert results(remittance) == {"matched": 1}
    assert (remittance.name, remittance.tolerance_minor) == ("rimesse.csv", 2)
    assert await state_of(shop, order) == "collected"


async def test_two_previews_of_one_parcel_are_committed_once(shop: Shop):
    order = await collected_order(shop)
    first = await uploaded(shop, line(order, 47_00))
    second = await uploaded(shop, line(order, 47_00), "ZZ9;;1,00;0,00;1,00;26/11/2026;Consegnato")
    await commit(shop, first)
    assert results(await commit(shop, second)) == {"duplicate": 1, "unknown": 1}
    assert (await shop.published(order.id)).count("order.remitted") == 1


async def test_a_commit_considers_changes_since_the_preview(shop: Shop):
    same, back = await collected_order(shop), await shop.dispatched()
    late = await shop.propose(50_00)
    rows = [line(same, 47_00), line(back, 47_00), line(late, 47_00)]
    previewed = await uploaded(shop, *rows)
    assert results(previewed) == {"matched": 2, "unknown": 1}
    await shop.report(event(back, "returned"))
    await shop.acknowledge(late)
    await shop.dispatch(late)
    remittance = await commit(shop, previewed)
    assert results(remittance) == {"matched": 2, "returned_with_money": 1}
    shown = await lines_of(shop, remittance)
    assert [each.cod_order_id for each in shown] == [same.id, back.id, late.id]
    assert [(each.kept_minor, each.is_exception) for each in shown] == [
        (3_00, False),
        (0, True),
        (3_00, False),
    ]
    again = await committed(shop, *rows, "")
    assert results(again) == {"duplicate": 2, "returned_with_money": 1}
