"""Links to pay a cash-on-delivery order online instead: created and closed at cod's request."""

import asyncio

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from tests.kit.payments_double import money
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, World


async def made(world: World, *, key: str = "cod_1.1", **more):
    """A new link, with its address."""
    fields = {
        "cod_order_id": "cod_1",
        "cod_link_number": 1,
        "amount": money(5000),
        "description": "Ordine A-1001",
        "order_reference": "A-1001",
        "locale": "it",
        **more,
    }
    answer = await world.call("CreateCodLink", pb.CreateCodLinkRequest(**fields), key=key)
    return await world.get(answer.payment_link)


async def test_concurrent_requests_with_one_key_create_one_unsent_link(world: World):
    world.merchants.quotas[world.merchant_id] = {"links_per_month": 0}  # not counted
    links = await asyncio.gather(*(made(world) for _ in range(3)), return_exceptions=True)
    links = [one for one in links if not isinstance(one, BaseException)] + [await made(world)]
    assert len({link.id for link in links}) == 1
    link = links[0]
    assert (link.cod_order_id, link.cod_link_number) == ("cod_1", 1)
    assert (link.origin, link.state) == (Link.ORIGIN_COD, Link.STATE_CREATED)
    assert list(link.methods) == [pb.METHOD_CARD]
    assert await world.subjects(link) == ["created"]


@pytest.mark.parametrize("part", ["", "deposit", "balance"])
async def test_paying_the_link_pays_its_order_part_and_routes_the_event_to_cod(world: World, part):
    link = await made(world, order_part=part)
    await world.pay(link, 5000)
    (asked,) = world.payments.calls["CreatePayment"]
    assert (asked.order_reference, asked.order_part) == ("A-1001", part)
    (row,) = await world.rows(
        "SELECT route FROM outbox WHERE aggregate_id = $1 AND subject LIKE '%.paid'", link.id
    )
    assert row["route"] == "cod"


async def test_a_link_closed_as_paid_otherwise_says_so_and_takes_no_money(world: World):
    link = await made(world)
    asked = pb.CloseCodLinkRequest(payment_link_id=link.id, paid_otherwise=True)
    for _ in range(2):  # closing it again changes nothing
        closed = (await world.call("CloseCodLink", asked)).payment_link
        assert (closed.state, closed.paid_otherwise) == (Link.STATE_CANCELLED, True)
    assert await refused(world.pay(link, 5000)) == "payment_link_closed"
    assert not world.payments.books
