"""A player of races by the rules alone: see races.py."""

import random
from dataclasses import replace
from typing import Any

from libs.dataclass_copies import patched
from libs.payments.links import OPEN, LinkEvent, LinkState, moved
from libs.payments.repayments import (
    RefundReport,
    RepaymentEvent,
    RepaymentState,
    after_report,
    is_under_way,
)
from services.cod.rules import (
    converting,
    courier_events,
    deposits,
    fees,
    online_refunds,
    order_links,
    orders,
    paying_online,
)
from services.cod.rules.bills import Bill
from services.cod.rules.courier_events import CourierEvent
from services.cod.rules.fees import Deposit
from services.cod.rules.online_refunds import OnlineRefund
from services.cod.rules.order_links import Asked, OrderLink, Purpose
from services.cod.rules.orders import Order, OrderChange
from services.cod.rules.parcels import AcknowledgedParcel, taken_up
from services.cod.rules.states import CONVERTIBLE, ParcelEvent
from tests.services.cod.given import NOW, an_order
from tests.services.cod.races import DEPOSIT_SHARE, FEE, PRICE, Outcome

_NO_OTHER = OrderChange(
    amount_minor=None, lines=(), recipient=None, address=None, courier_id=None, mode=None
)


class ByRules:
    """Paylink, payments and the courier are lists; each step does what one transaction or one call does."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.others = self.chance.choice([(), (4,), (0,)])  # percent, in other parcels
        self.deposit = Deposit(basis_points=self.chance.choice([0, DEPOSIT_SHARE]))
        plain = an_order(to_collect_minor=PRICE + FEE, fee_minor=FEE)
        self.order: Order = self._acknowledged(patched(plain, self._bill(plain, PRICE)))
        self.links: list[OrderLink] = []
        self.refunds: list[OnlineRefund] = []
        self.at_paylink: dict[int, str] = {}
        self.paid: dict[int, int] = {}
        self.refunded: dict[str, tuple[int, int]] = {}  # at payments, by key: link and amount
        self.unreported: list[int] = []
        self.waiting: list[CourierEvent] = []
        self.reported: list[CourierEvent] = []
        self._changed(self.order)

    def _bill(self, order: Order, price_minor: int) -> Bill:
        """The order's bill at this price."""
        total = price_minor + FEE
        asked = deposits.asked_after_change(order, total)
        rule = self.deposit if asked is None else Deposit(fixed_minor=asked)
        deposit_minor = fees.deposit_of(rule, total)
        same = {"fee_minor": FEE, "fee_net_minor": FEE, "fee_vat_minor": 0, "cut_minor": 300}
        return Bill(
            amount=replace(order.amount, amount_minor=price_minor),
            deposit_minor=deposit_minor,
            to_collect_minor=total - deposit_minor,
            courier_id=order.courier_id,
            mode=order.mode,
            **same,
        )

    def _acknowledged(self, order: Order) -> Order:
        """The order, acknowledged by the courier in one parcel or in several."""
        whole = order.to_collect_minor
        amounts = [whole * percent // 100 for percent in self.others]
        amounts = [whole - sum(amounts), *amounts]
        stated = [AcknowledgedParcel("A", str(place), part) for place, part in enumerate(amounts)]
        taken = taken_up(stated, merchant_id="mer_1", courier_id="cou_1", order_id=order.id)
        return replace(order, parcels=taken, acknowledged_minor=whole)

    def _changed(self, after: Order) -> None:
        """Like order_links.follow, which accompanies every change of the order."""
        self.order = after
        for link in paying_online.outdated(after, self._open()):
            self._link(order_links.released(link))
        if paying_online.lacks_deposit(self.order, self._open()):
            self._want(deposits.asked(self.order))
        self._owe()
        assert len(self._open()) <= 1

    def _open(self) -> list[OrderLink]:
        return [link for link in self.links if link.state in OPEN]

    def _want(self, asked: Asked) -> None:
        self.order, link = order_links.requested(self.order, asked, NOW)
        self.links.append(replace(link, state=LinkState.OPEN, payment_link_id=f"lnk_{link.number}"))
        self.at_paylink[link.number] = "open"

    def _owe(self, *, again: bool = False) -> None:
        paid = [link for link in self.links if link.state is LinkState.PAID]
        self.refunds += online_refunds.owed(self.order, paid, self.refunds, NOW, again=again)

    def _link(self, after: OrderLink) -> None:
        self.links[after.number - 1] = after

    def convert(self) -> None:
        if any(link.purpose is Purpose.CONVERSION for link in self._open()):
            return
        converting.check_convertible(self.order)
        for link in self._open():
            self._link(order_links.released(link))
        self._want(converting.asked(self.order))
        self._changed(self.order)

    def shopper_wants_to_pay_the_deposit(self) -> None:
        deposits.check_due(self.order)
        for link in self._open():
            if link.purpose is not Purpose.DEPOSIT:
                self._link(order_links.released(link))
        self._changed(self.order)

    def shopper_pays(self) -> None:
        """Pays any link open at paylink, even one that cod has released."""
        payable = [number for number, state in self.at_paylink.items() if state == "open"]
        if payable:
            number = self.chance.choice(payable)
            self.at_paylink[number] = "paid"
            self.paid[number] = self.links[number - 1].amount.amount_minor
            self.unreported.append(number)

    def paylink_reports(self) -> None:
        if self.unreported:
            self._paid(self.unreported.pop(self.chance.randrange(len(self.unreported))))

    def paylink_reports_again(self) -> None:
        if self.paid:
            self._paid(self.chance.choice(list(self.paid)))

    def _paid(self, number: int) -> None:
        link = self.links[number - 1]
        state = moved(link, LinkEvent.PAY)
        if state is None:
            return
        more = {"payment_id": f"pay_{number}", "paid_minor": self.paid[number]}
        self._link(replace(link, state=state, **more))
        before = self.order
        self._changed(paying_online.paid(before, self.links[number - 1], NOW))
        waiting, self.waiting = self.waiting, []
        for event in waiting:
            self._courier(event)

    def link_expires(self) -> None:
        for number, state in self.at_paylink.items():
            if state == "open":
                self.at_paylink[number] = "over"
                link = self.links[number - 1]
                self._link(replace(link, state=moved(link, LinkEvent.CLOSE) or link.state))
                self._changed(self.order)
                return

    def worker(self, *, answered: bool = True) -> None:
        for link in [link for link in self.links if link.state is LinkState.CLOSING]:
            if self.at_paylink[link.number] == "open":
                self.at_paylink[link.number] = "over"
            if answered:
                self._link(replace(link, state=LinkState.CLOSED))
                self._changed(self.order)
        for at, refund in enumerate(self.refunds):
            if is_under_way(refund):
                self.refunded.setdefault(refund.id, (refund.link, refund.amount.amount_minor))
                if answered:
                    self._refund_reported(at, RepaymentEvent.SUCCEED)

    def _refund_reported(self, at: int, event: RepaymentEvent) -> None:
        after = after_report(self.refunds[at], RefundReport(event, NOW))
        assert after is not None
        self.order = online_refunds.refunded(self.order, self.refunds[at], after)
        self.refunds[at] = after

    def worker_dies(self) -> None:
        self.worker(answered=False)

    answer_is_lost = worker_dies

    def refund_is_declined(self) -> None:
        for at, refund in enumerate(self.refunds):
            if is_under_way(refund) and refund.id not in self.refunded:
                self._refund_reported(at, RepaymentEvent.FAIL)

    def merchant_retries(self) -> None:
        self._owe(again=True)

    def courier_collects(self, **more: Any) -> None:
        self._report(ParcelEvent.COLLECTED, **more)

    def courier_collects_a_part(self) -> None:
        self.courier_collects(amount_minor=10_00)

    def courier_brings_it_for_nothing(self) -> None:
        self.courier_collects(amount_minor=0)

    def courier_fails(self) -> None:
        self._report(ParcelEvent.ATTEMPT_FAILED)

    def recipient_refuses(self) -> None:
        self._report(ParcelEvent.REFUSED)

    def parcel_comes_back(self) -> None:
        self._report(ParcelEvent.RETURNED)

    def courier_reports_again(self) -> None:
        if self.reported:
            self._courier(replace(self.chance.choice(self.reported), id="cev_again"))

    def _report(self, kind: ParcelEvent, **more: Any) -> None:
        number = self.chance.choice(self.order.parcels).tracking_number
        event = CourierEvent(
            merchant_id="mer_1",
            id="cev_1",
            courier_id="cou_1",
            event_id="1",
            tracking_number=number,
            kind=kind,
            occurred_at=NOW,
            received_at=NOW,
            **more,
        )
        self.reported.append(event)
        self._courier(event)

    def _courier(self, event: CourierEvent) -> None:
        applied = courier_events.apply(self.order, event)
        if applied.event.outcome is courier_events.Outcome.WAITING:
            self.waiting.append(event)
        self._changed(applied.order)

    def merchant_cancels(self) -> None:
        self._changed(orders.cancelled(self.order, NOW))

    def merchant_changes(self) -> None:
        """The price rises, and with it the amount to collect."""
        self._comes_to(self.order.amount.amount_minor + 5_00)

    def merchant_makes_it_cheaper(self) -> None:
        """Sometimes by so much that a paid deposit would leave nothing to collect."""
        self._comes_to(self.chance.choice([PRICE - 5_00, 8_00]))

    def _comes_to(self, price_minor: int) -> None:
        changed = orders.changed(self.order, self._bill(self.order, price_minor), _NO_OTHER)
        self._changed(self._acknowledged(changed))

    def merchant_dispatches(self) -> None:
        self._changed(orders.dispatched(self.order, NOW))
        waiting, self.waiting = self.waiting, []
        for event in waiting:
            self._courier(event)

    def settle(self) -> Outcome:
        """All events arrive, all calls are answered, and the merchant retries refused refunds."""
        while self.unreported:
            self.paylink_reports()
        for _ in range(2):
            self.worker()
            self.merchant_retries()
        self.worker()
        assert not [one for one in self.refunds if is_under_way(one)]
        assert not [link for link in self.links if link.state is LinkState.CLOSING]
        done = [one for one in self.refunds if one.state is RepaymentState.SUCCEEDED]
        assert self.order.refunded_online_minor == sum(one.amount.amount_minor for one in done)
        assert sum(self.paid.values()) == self.order.paid_online_minor
        back = dict.fromkeys(self.paid, 0)
        for number, amount_minor in self.refunded.values():
            back[number] += amount_minor
        open_links = [link for link in self.links if link.state in OPEN]
        assert not open_links or self.order.state in CONVERTIBLE
        return Outcome(
            state=self.order.state.value,
            price_minor=self.order.amount.amount_minor,
            collected_minor=self.order.collected_minor,
            deposit_minor=self.order.deposit_minor,
            kept_deposit=self.order.kept_deposit,
            kept_link=self.order.kept_link,
            payments={number: (self.paid[number], back[number]) for number in self.paid},
            open_links=len(open_links),
        )
