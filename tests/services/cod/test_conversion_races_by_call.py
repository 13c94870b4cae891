"""The races of the rules again, on PostgreSQL: with calls, events, and workers that die or get no answer."""

import random
from contextlib import suppress
from typing import Any

from incasso.cod.v1 import orders_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, Refusal, RemoteRefusal
from services.cod.flows import deposits
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.cod.converting import (
    convert,
    dispatched,
    end,
    pay,
    refunds,
    taken,
    with_fee,
    work,
)
from tests.services.cod.orders import Shop, event
from tests.services.cod.races import DEPOSIT_SHARE, PRICE, Outcome, check, drawn

RACES = 30
SHOWN = pb.CodOrder.State


class ByCalls:
    """One order of a shop, with test doubles for its neighbours."""

    def __init__(self, seed: int, shop: Shop, order: pb.CodOrder) -> None:
        self.chance = random.Random(seed)
        self.shop = shop
        self.order = order
        self.over: set[str] = set()
        self.paid: list[Any] = []
        self.unreported: list[Any] = []
        self.reported: list[dict[str, Any]] = []

    async def convert(self) -> None:
        await convert(self.shop, self.order)

    async def shopper_wants_to_pay_the_deposit(self) -> None:
        self.shop.world.act()
        await deposits.pay_deposit(self.shop.world.deps, self.order.id)

    def _open(self) -> list[Any]:
        """The links open at paylink, whatever cod has recorded."""
        closed = {link_id for link_id, _ in self.shop.world.paylink.closed} | self.over
        paid = {link.id for link in self.paid}
        return [
            link
            for link in self.shop.world.paylink.links.values()
            if link.cod_order_id == self.order.id and link.id not in closed | paid
        ]

    async def shopper_pays(self) -> None:
        if payable := self._open():
            link = self.chance.choice(payable)
            taken(self.shop, link)
            self.paid.append(link)
            self.unreported.append(link)

    async def paylink_reports(self) -> None:
        if self.unreported:
            await pay(self.shop, self.unreported.pop(self.chance.randrange(len(self.unreported))))

    async def paylink_reports_again(self) -> None:
        if self.paid:
            await pay(self.shop, self.chance.choice(self.paid))

    async def link_expires(self) -> None:
        for link in self._open()[:1]:
            self.over.add(link.id)
            await end(self.shop, link)

    async def worker(self) -> None:
        await work(self.shop)

    async def worker_dies(self) -> None:
        self.shop.world.payments.after["RefundPayment"] = once(lose_answer)
        self.shop.world.paylink.after["CloseCodLink"] = once(lose_answer)
        await work(self.shop)

    async def answer_is_lost(self) -> None:
        self.shop.world.paylink.after["CreateCodLink"] = once(lose_answer)
        await self.convert()

    async def refund_is_declined(self) -> None:
        declined = once(refuse(Kind.CONFLICT, "payment_disputed"))
        self.shop.world.payments.before["RefundPayment"] = declined
        await work(self.shop)

    async def merchant_retries(self) -> None:
        key = f"{self.order.id}-{self.chance.random()}"
        await self.shop.call("RetryCodOnlineRefund", cod_order_id=self.order.id, key=key)

    async def courier_collects(self, **more: Any) -> None:
        await self._report("collected", **more)

    async def courier_collects_a_part(self) -> None:
        await self.courier_collects(amount_minor=10_00)

    async def courier_brings_it_for_nothing(self) -> None:
        await self.courier_collects(amount_minor=0)

    async def courier_fails(self) -> None:
        await self._report("attempt_failed")

    async def recipient_refuses(self) -> None:
        await self._report("refused")

    async def parcel_comes_back(self) -> None:
        await self._report("returned")

    async def courier_reports_again(self) -> None:
        if self.reported:
            await self.shop.report(self.chance.choice(self.reported))

    async def _report(self, kind: str, **more: Any) -> None:
        self.reported.append(event(self.order, kind, **more))
        await self.shop.report(self.reported[-1])

    async def merchant_cancels(self) -> None:
        await self.shop.call("CancelCodOrder", cod_order_id=self.order.id)

    async def merchant_changes(self) -> None:
        await self._comes_to((await self._now()).amount.amount_minor + 5_00)

    async def merchant_makes_it_cheaper(self) -> None:
        await self._comes_to(self.chance.choice([PRICE - 5_00, 8_00]))

    async def _comes_to(self, amount_minor: int) -> None:
        changed = {"cod_order_id": self.order.id, "amount_minor": amount_minor}
        await self.shop.acknowledge((await self.shop.call("ChangeCodOrder", **changed)).order)

    async def merchant_dispatches(self) -> None:
        await self.shop.dispatch(self.order)

    async def _now(self) -> pb.CodOrder:
        return await self.shop.get(self.order.id)

    async def settle(self) -> Outcome:
        for hooks in (self.shop.world.payments, self.shop.world.paylink):
            hooks.before.clear()
            hooks.after.clear()
        while self.unreported:
            await self.paylink_reports()
        for _ in range(2):
            await work(self.shop)
            with suppress(RemoteRefusal):
                await self.merchant_retries()
        await work(self.shop)
        async with self.shop.world.deps.db.connection() as conn:
            row = await conn.fetchrow("SELECT * FROM orders WHERE id = $1", self.order.id)
            under_way = await conn.fetchval(
                "SELECT count(*) FROM online_refunds WHERE order_id = $1 AND state <> 'succeeded'"
                " AND due_at IS NOT NULL",
                self.order.id,
            )
            open_links = await conn.fetchval(
                "SELECT count(*) FROM order_links WHERE order_id = $1 AND state = 'open'",
                self.order.id,
            )
        assert under_way == 0
        numbers = {link.cod_link_number: link for link in self.paid}
        payments = {
            number: (link.amount.amount_minor, sum(refunds(self.shop, link)))
            for number, link in numbers.items()
        }
        assert row["paid_online_minor"] == sum(paid for paid, _ in payments.values())
        assert row["refunded_online_minor"] == sum(back for _, back in payments.values())
        return Outcome(
            state=row["state"],
            price_minor=row["amount_minor"],
            collected_minor=row["collected_minor"],
            deposit_minor=row["deposit_minor"],
            kept_deposit=row["kept_deposit"],
            kept_link=row["kept_link"],
            payments=payments,
            open_links=open_links,
        )


async def test_the_merchant_gets_the_price_once_in_any_order_of_events(shop):
    ends = []
    for seed in range(RACES):
        at_courier = seed % 3 == 1
        share = DEPOSIT_SHARE if seed % 2 and not at_courier else 0
        await shop.world.settings(deposit={"basis_points": share})
        if at_courier:
            order = await dispatched(shop, 52_00)
        else:
            order = await with_fee(shop)
            await shop.acknowledge(order)
        race = ByCalls(seed, shop, order)
        for step in drawn(seed):
            with suppress(Refusal):  # not possible at this moment, or no answer
                await getattr(race, step)()
        ends.append(await race.settle())
        check(ends[-1])
    assert any(one.kept_deposit is not None and one.collected_minor for one in ends)
    assert sum(1 for one in ends if one.collected_minor and one.payments) > RACES // 10
    books = shop.world.payments.books.values()
    assert all(payment.refunded_minor <= payment.captured_minor for payment in books)
    failed = payments_pb2.Refund.STATE_FAILED
    keys = [one.caller_key for payment in books for one in payment.refunds if one.state != failed]
    assert len(keys) == len(set(keys))
