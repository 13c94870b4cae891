"""A process dies before or after each of its commits, from the order to the money: a repeated call finds each
step done once; no parcel is ever with a courier that does not know what to collect.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from incasso.cod.v1 import orders_pb2 as pb
from libs.db import Database
from libs.idempotency import Key
from libs.money import Money
from services.cod.flows import confirming, dispatching, orders, uploading
from services.cod.flows.orders import CreateOrder
from services.cod.rules import event_files, manifest_files
from services.cod.rules.courier_events import NewCourierEvent
from services.cod.rules.orders import Address, Recipient
from services.cod.rules.parcels import AcknowledgedParcel
from services.cod.rules.states import ParcelEvent
from tests.services.cod.given import NOW
from tests.services.cod.orders import Shop, number_of
from tests.services.cod.uploading import EVENTS, MANIFEST, announced, base64_of, shop_of

STEPS = ("propose", "confirm", "acknowledge", "dispatch", "collect")
ORDER = CreateOrder(
    order_reference="A-1001",
    amount=Money(50_00, "EUR"),
    lines=(),
    categories=(),
    recipient=Recipient("Giulia Bianchi", phone="+393331234567"),
    address=Address("Via Roma 1", "Roma", "IT", "00185"),
    courier_id=None,
    mode=None,
    deposit_minor=None,
    customer_id=None,
    locale=None,
    failed_methods=(),
    metadata={},
)


class ProcessDied(BaseException):
    """The process runs nothing after this."""


class MortalDatabase(Database):
    """Dies in its first transaction: before it commits, or after."""

    def __init__(self, real: Database, *, commits: bool) -> None:
        self._real = real
        self._commits = commits

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._real.transaction() as tx:
            yield tx
            if not self._commits:
                raise ProcessDied
        raise ProcessDied

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        async with self._real.connection() as conn:
            yield conn


@dataclass
class Journey:
    """An order of one merchant, step by step; each may be repeated if there was no answer."""

    shop: Shop

    async def make(self, step: str, deps: Any) -> None:
        self.shop.world.act()
        await getattr(self, step)(deps)

    def key(self, method: str) -> Key:
        return Key(self.shop.world.merchant_id, method, "key", method.encode())

    async def order(self) -> pb.CodOrder:
        return (await self.shop.call("ListCodOrders")).data[0]

    async def propose(self, deps: Any) -> None:
        await orders.create_order(deps, ORDER, self.key("CreateCodOrder"))

    async def confirm(self, deps: Any) -> None:
        order = await self.order()
        if order.state == pb.CodOrder.STATE_PROPOSED:
            self.code = await self.shop.code(order.id)
            self.shop.world.act()
        await confirming.confirm_order(deps, order.id, self.code, self.key("ConfirmCodOrder"))

    async def acknowledge(self, deps: Any) -> None:
        stated = (AcknowledgedParcel("A-1001", "1", 50_00), AcknowledgedParcel("A-1001", "2", 0))
        await dispatching.acknowledge_amounts(deps, self.shop.courier_id, stated)

    async def dispatch(self, deps: Any) -> None:
        await dispatching.dispatch_order(deps, (await self.order()).id)

    async def collect(self, deps: Any) -> None:
        collected = NewCourierEvent(
            event_id="e-1",
            tracking_number="1",
            kind=ParcelEvent.COLLECTED,
            occurred_at=NOW,
            amount_minor=50_00,
            mode=None,
        )
        await dispatching.record_courier_events(deps, self.shop.courier_id, (collected,))


@pytest.mark.parametrize(("struck", "commits"), list(product(STEPS, (False, True))))
async def test_each_step_repeated_after_a_crash_is_done_once(shop, struck, commits):
    await shop.world.settings(confirmation_needed=True)
    journey, deps = Journey(shop), shop.world.deps
    for step in STEPS:
        if step == struck:
            shop.world.act()
            mortal = replace(deps, db=MortalDatabase(deps.db, commits=commits))
            with suppress(ProcessDied):
                await journey.make(step, mortal)
        await journey.make(step, deps)
    order = await journey.order()
    assert (order.state, order.collected_minor) == (pb.CodOrder.STATE_COLLECTED, 50_00)
    assert Counter(await shop.published(order.id)) == {
        "order.proposed": 1,
        "order.confirmed": 1,
        "order.dispatched": 1,
        "parcel.collected": 1,
        "order.collected": 1,
    }
    assert len(await shop.messages(order.id)) == 2  # the code, and the amount to have ready
    assert len((await shop.call("ListCourierEvents")).data) == 1


@pytest.mark.parametrize("commits", [False, True])
async def test_after_a_crash_at_the_acknowledgement_the_order_can_be_dispatched(shop, commits):
    journey, deps = Journey(shop), shop.world.deps
    await journey.make("propose", deps)
    mortal = replace(deps, db=MortalDatabase(deps.db, commits=commits))
    with pytest.raises(ProcessDied):
        await journey.make("acknowledge", mortal)
    order = await journey.order()
    assert order.state == pb.CodOrder.STATE_CONFIRMED
    assert order.HasField("acknowledged_minor") is commits
    if not commits:
        await journey.make("acknowledge", deps)
    await journey.make("dispatch", deps)
    assert (await journey.order()).state == pb.CodOrder.STATE_DISPATCHED


@pytest.mark.parametrize("commits", [False, True])
async def test_a_file_uploaded_again_after_a_crash_is_applied_once(world, commits):
    """The files have two blocks each; the process dies in the first, before its commit or after."""
    shop = await shop_of(world)
    order, deps = await shop.propose(), world.deps
    mortal = replace(deps, db=MortalDatabase(deps.db, commits=commits))
    others = [f"AB{n};nobody's {n};1,00" for n in range(manifest_files.BLOCK)]
    manifest = base64_of(MANIFEST, *others, announced(order))
    events = base64_of(
        EVENTS,
        *(f"AB{n};Assente;20/11/2026;;" for n in range(event_files.BLOCK)),
        f"{number_of(order)};Consegnato;21/11/2026;50,00;CONT",
    )
    world.act()
    with pytest.raises(ProcessDied):
        await uploading.upload_manifest(mortal, shop.courier_id, manifest)
    assert not (await shop.get(order.id)).parcels
    world.act()
    answer = await uploading.upload_manifest(deps, shop.courier_id, manifest)
    assert answer.outcomes == {"order_unknown": manifest_files.BLOCK, "matched": 1}
    await shop.dispatch(order)
    world.act()
    with pytest.raises(ProcessDied):
        await uploading.upload_event_file(mortal, shop.courier_id, events)
    for _ in range(2):
        world.act()
        answer = await uploading.upload_event_file(deps, shop.courier_id, events)
        assert answer.outcomes == {"waiting": event_files.BLOCK, "applied": 1}
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_COLLECTED
    assert (await shop.published(order.id)).count("order.collected") == 1
