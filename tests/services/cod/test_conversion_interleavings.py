"""Several hundred orders that are paid online, collected, returned, converted again and cancelled at the same moment, on
PostgreSQL: whichever statement comes first, the merchant gets each order's price once.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from libs import context, ids
from libs.clock import world_now
from libs.db import Database
from libs.errors import Refusal
from libs.idempotency import Key
from libs.payments.repayments import RefundReport, RepaymentEvent
from services.cod import worker
from services.cod.deps import Deps
from services.cod.flows import converting, dispatching, orders
from services.cod.paylink_client import QrCode
from services.cod.rules.courier_events import NewCourierEvent
from services.cod.rules.online_refunds import OnlineRefund
from services.cod.rules.order_links import OrderLink, PaidLink
from services.cod.rules.orders import Order
from services.cod.rules.states import ParcelEvent
from tests.kit.interleaving import Flow, Interleaver
from tests.services.cod.orders import Shop
from tests.services.cod.races import FEE, PRICE, Outcome, check

RACES: Final = 1000
_ORDERS: Final = """
INSERT INTO orders (merchant_id, id, state, order_reference, amount_minor, currency, fee_minor, fee_net_minor,
    fee_vat_minor, deposit_minor, to_collect_minor, collected_minor, cut_minor, courier_id, mode, address_country,
    locale, lines, categories, failed_methods, needs_confirmation, acknowledged_minor, attempts, changes, metadata,
    trace_id, created_at, dispatched_at, links)
SELECT $1, 'cod_' || n, CASE WHEN n % 4 = 0 THEN 'confirmed' ELSE 'dispatched' END, 'O-' || n, $3, 'EUR', $4, $4, 0, 0,
    $3::bigint + $4::bigint, 0, 300, $2, 'cash', 'IT', 'it', '[]', '{}', '{}', false, $3::bigint + $4::bigint, 0, 0, '{}',
    '', now(), CASE WHEN n % 4 = 0 THEN NULL ELSE now() END, 1
FROM generate_series(1, $5::int) AS n"""
_PARCELS: Final = """
INSERT INTO parcels (merchant_id, courier_id, tracking_number, order_id, position, state, to_collect_minor,
    collected_minor)
SELECT $1, $2, 'P' || n, 'cod_' || n, 0, 'acknowledged', $3, 0 FROM generate_series(1, $4::int) AS n"""
_LINKS: Final = """
INSERT INTO order_links (merchant_id, id, order_id, number, purpose, state, amount_minor, currency, order_part,
    payment_link_id, paid_minor, created_at, checks)
SELECT $1, 'cod_' || n || '.1', 'cod_' || n, 1, 'conversion', 'open', $2, 'EUR', '', 'lnk_cod_' || n || '.1', 0, now(), 0
FROM generate_series(1, $3::int) AS n"""
_ENDS: Final = """
SELECT id, state, amount_minor, collected_minor, deposit_minor, kept_deposit, kept_link, paid_online_minor, refunded_online_minor,
    (SELECT count(*) FROM order_links AS link
     WHERE (link.merchant_id, link.order_id) = (orders.merchant_id, orders.id) AND link.state = 'open') AS open_links
FROM orders WHERE merchant_id = $1 ORDER BY id"""


@dataclass
class PayLink:
    """Paylink's links: each is paid once or closed."""

    states: dict[str, str] = field(default_factory=dict)
    paid: dict[tuple[str, int], int] = field(default_factory=dict)  # by order and number

    async def make(self, order: Order, link: OrderLink) -> str:
        self.states.setdefault(f"lnk_{link.id}", "open")
        return f"lnk_{link.id}"

    async def close(self, payment_link_id: str, *, paid_otherwise: bool) -> None:
        if self.states.setdefault(payment_link_id, "open") == "paid":
            return  # it accepts no more money, and its event is on the way
        self.states[payment_link_id] = "closed"

    async def qr_code(self, payment_link_id: str) -> QrCode:
        return QrCode(url=f"https://pay.example/{payment_link_id}", svg="", png_data_url="")

    def pay(self, order_id: str, number: int, amount_minor: int) -> bool:
        """Whether the shopper has paid it."""
        link = f"lnk_{order_id}.{number}"
        if self.states.setdefault(link, "open") == "open":
            self.states[link] = "paid"
            self.paid[order_id, number] = amount_minor
        return self.states[link] == "paid"


@dataclass
class Refunds:
    """Refunds at payments: one per key."""

    made: dict[str, OnlineRefund] = field(default_factory=dict)

    async def refund(self, refund: OnlineRefund, at: datetime) -> RefundReport:
        self.made.setdefault(refund.id, refund)
        return RefundReport(RepaymentEvent.SUCCEED, at, f"ref_{refund.id}")

    async def find_refund(self, refund: OnlineRefund, at: datetime) -> RefundReport | None:
        return await self.refund(refund, at) if refund.id in self.made else None

    def of(self, order_id: str, number: int) -> int:
        mine = [one for one in self.made.values() if (one.order_id, one.link) == (order_id, number)]
        return sum(one.amount.amount_minor for one in mine)


class Racing:
    """Concurrent flows for one order."""

    def __init__(self, deps: Deps, links: PayLink, courier_id: str, number: int) -> None:
        self.deps = deps
        self.links = links
        self.courier_id = courier_id
        self.number = number
        self.order_id = f"cod_{number}"

    async def paid(self, db: Database) -> None:
        """Handles paylink's event in the inbox's transaction."""
        if not self.links.pay(self.order_id, 1, PRICE):
            return
        async with db.transaction() as tx:
            paid_link = PaidLink(
                self.order_id, 1, f"lnk_{self.order_id}.1", PRICE, f"pay_{self.number}"
            )
            await converting.follow_paid(self._with(db), tx, paid_link)

    async def expired(self, db: Database) -> None:
        link_id = f"lnk_{self.order_id}.1"
        if self.links.states.setdefault(link_id, "open") != "paid":
            self.links.states[link_id] = "closed"
            async with db.transaction() as tx:
                await converting.follow_ended(self._with(db), tx, self.order_id, 1, link_id)

    async def converted(self, db: Database) -> None:
        key = Key(context.merchant_id(), "ConvertCodOrder", ids.new("key"), b"")
        await converting.convert_order(self._with(db), self.order_id, key)

    async def collected(self, db: Database) -> None:
        await self._report(db, ParcelEvent.COLLECTED)

    async def collected_in_part(self, db: Database) -> None:
        await self._report(db, ParcelEvent.COLLECTED, amount_minor=10_00)

    async def returned(self, db: Database) -> None:
        await self._report(db, ParcelEvent.RETURNED)

    async def cancelled(self, db: Database) -> None:
        await orders.cancel_order(self._with(db), self.order_id)

    async def dispatched(self, db: Database) -> None:
        await dispatching.dispatch_order(self._with(db), self.order_id)

    async def _report(
        self, db: Database, kind: ParcelEvent, amount_minor: int | None = None
    ) -> None:
        event = NewCourierEvent(
            event_id=ids.new("ev"),
            tracking_number=f"P{self.number}",
            kind=kind,
            occurred_at=world_now(),
            amount_minor=amount_minor,
            mode=None,
        )
        await dispatching.record_courier_events(self._with(db), self.courier_id, [event])

    def _with(self, db: Database) -> Deps:
        return replace(self.deps, db=db)

    def drawn(self, chance: random.Random) -> list[Flow]:
        """Most races are between payments; the same event may arrive twice."""
        others = [self.paid, self.expired, self.converted, self.returned, self.cancelled]
        others += [self.dispatched, self.collected_in_part, self.collected]
        return [
            self.paid,
            chance.choice([self.collected, *others]),
            *chance.choices(others, k=chance.randrange(3)),
        ]


async def test_the_merchant_gets_each_orders_price_once_in_any_interleaving(shop: Shop):
    links, refunds = PayLink(), Refunds()
    deps = replace(shop.world.deps, links=links, payments=refunds)
    await _made(deps.db, shop)
    stepper = Interleaver(deps.db)
    for number in range(1, RACES + 1):
        chance = random.Random(number)
        shop.world.act()
        flows = Racing(deps, links, shop.courier_id, number).drawn(chance)
        for end in await stepper.race(chance, flows):
            if isinstance(end, BaseException) and not isinstance(end, Refusal):
                raise end
    await _settled(deps)
    ends = await _ends(deps.db, shop, links, refunds)
    for one in ends:
        check(one)
    both = [one for one in ends if one.collected_minor and one.payments]
    assert len(both) > RACES // 10
    assert {one.state for one in ends} >= {"converted", "collected", "cancelled", "returned"}
    published = await shop.published()
    assert published.count("order.converted") <= len(ends)


async def _made(db: Database, shop: Shop) -> None:
    """Inserts all orders at once, each with a parcel and an open link."""
    merchant_id = shop.world.merchant_id
    async with db.transaction() as tx:
        await tx.execute(_ORDERS, merchant_id, shop.courier_id, PRICE, FEE, RACES)
        await tx.execute(_PARCELS, merchant_id, shop.courier_id, PRICE + FEE, RACES)
        await tx.execute(_LINKS, merchant_id, PRICE, RACES)


async def _settled(deps: Deps) -> None:
    """Lets the workers close ended links and refund what is owed, until nothing is due."""
    for _ in range(2):
        async with deps.db.connection() as conn:
            await conn.execute("UPDATE order_links SET due_at = now() WHERE due_at IS NOT NULL")
        for due in (worker.link_worker(deps), worker.refund_worker(deps)):
            while await due.run_once():
                pass


async def _ends(db: Database, shop: Shop, links: PayLink, refunds: Refunds) -> list[Outcome]:
    async with db.connection() as conn:
        rows = await conn.fetch(_ENDS, shop.world.merchant_id)
    return [_end(row, links, refunds) for row in rows]


def _end(row: Mapping[str, Any], links: PayLink, refunds: Refunds) -> Outcome:
    numbers = [number for order_id, number in links.paid if order_id == row["id"]]
    payments = {
        number: (links.paid[row["id"], number], refunds.of(row["id"], number)) for number in numbers
    }
    assert row["paid_online_minor"] == sum(paid for paid, _ in payments.values())
    assert row["refunded_online_minor"] == sum(back for _, back in payments.values())
    return Outcome(
        state=row["state"],
        price_minor=row["amount_minor"],
        deposit_minor=row["deposit_minor"],
        kept_deposit=row["kept_deposit"],
        collected_minor=row["collected_minor"],
        kept_link=row["kept_link"],
        payments=payments,
        open_links=row["open_links"],
    )
