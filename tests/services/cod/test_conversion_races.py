"""A thousand orders that are paid online, collected, cancelled and given back in any order: by the rules alone."""

import random
from dataclasses import replace
from typing import Any

import pytest

from libs.errors import Refusal
from libs.payments.links import OPEN, LinkEvent, LinkState, moved
from libs.payments.repayments import RepaymentEvent, RepaymentState, Told, is_under_way, told
from services.cod.rules import converting, courier_events, online_refunds, orders
from services.cod.rules.converting import OrderLink
from services.cod.rules.courier_events import CourierEvent
from services.cod.rules.online_refunds import OnlineRefund
from services.cod.rules.orders import Order
from services.cod.rules.parcels import AcknowledgedParcel, taken_up
from services.cod.rules.states import CONVERTIBLE, ParcelEvent
from tests.services.cod.given import NOW, an_order
from tests.services.cod.races import FEE, PRICE, Outcome, check, drawn

RACES = 1_000


class ByRules:
    """Paylink, payments and the courier are lists; each step is what one transaction does, or one call."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        parts = self.chance.choice([[PRICE + FEE], [PRICE, FEE], [PRICE + FEE, 0]])
        order = an_order(to_collect_minor=PRICE + FEE, fee_minor=FEE)
        said = [AcknowledgedParcel("A", str(place), part) for place, part in enumerate(parts)]
        taken = taken_up(said, merchant_id="mer_1", courier_id="cou_1", order_id=order.id)
        self.order: Order = replace(order, parcels=taken, acknowledged_minor=PRICE + FEE)
        self.links: list[OrderLink] = []
        self.refunds: list[OnlineRefund] = []
        self.at_paylink: dict[int, str] = {}
        self.paid: dict[int, int] = {}
        self.given_back: dict[str, tuple[int, int]] = {}  # at payments, by key: link and amount
        self.untold: list[int] = []
        self.waiting: list[CourierEvent] = []
        self.told: list[CourierEvent] = []

    def _changed(self, after: Order) -> None:
        """As order_links.follow: with whatever changes the order."""
        self.order = after
        open_links = [link for link in self.links if link.state in OPEN]
        for link in converting.outdated(after, open_links):
            self._link(converting.left(link))
        self._owe()

    def _owe(self, *, again: bool = False) -> None:
        paid = [link for link in self.links if link.state is LinkState.PAID]
        self.refunds += online_refunds.owed(self.order, paid, self.refunds, NOW, again=again)

    def _link(self, after: OrderLink) -> None:
        self.links[after.number - 1] = after

    def convert(self) -> None:
        if any(link.state in OPEN for link in self.links):
            return
        converting.check_convertible(self.order)
        self.order, link = converting.wanted(self.order, NOW)
        self.links.append(replace(link, state=LinkState.OPEN, payment_link_id=f"lnk_{link.number}"))
        self.at_paylink[link.number] = "open"

    def shopper_pays(self) -> None:
        for number, state in self.at_paylink.items():
            if state == "open":
                self.at_paylink[number] = "paid"
                self.paid[number] = self.links[number - 1].amount.amount_minor
                self.untold.append(number)
                return

    def paylink_tells(self) -> None:
        if self.untold:
            self._paid(self.untold.pop(self.chance.randrange(len(self.untold))))

    def paylink_tells_again(self) -> None:
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
        self._changed(converting.paid(before, self.links[number - 1], NOW))
        waiting, self.waiting = self.waiting, []
        for event in waiting:
            self._courier(event)

    def link_expires(self) -> None:
        for number, state in self.at_paylink.items():
            if state == "open":
                self.at_paylink[number] = "over"
                link = self.links[number - 1]
                self._link(replace(link, state=moved(link, LinkEvent.CLOSE) or link.state))

    def worker(self, *, answered: bool = True) -> None:
        for link in [link for link in self.links if link.state is LinkState.CLOSING]:
            if self.at_paylink[link.number] == "open":
                self.at_paylink[link.number] = "over"
            if answered:
                self._link(replace(link, state=LinkState.CLOSED))
        for at, refund in enumerate(self.refunds):
            if is_under_way(refund):
                self.given_back.setdefault(refund.id, (refund.link, refund.amount.amount_minor))
                if answered:
                    self._told(at, RepaymentEvent.SUCCEED)

    def _told(self, at: int, event: RepaymentEvent) -> None:
        after = told(self.refunds[at], Told(event, NOW))
        assert after is not None
        given = self.order.refunded_online_minor
        given = online_refunds.given_back(given, self.refunds[at], after)
        self.refunds[at], self.order = after, replace(self.order, refunded_online_minor=given)

    def worker_dies(self) -> None:
        self.worker(answered=False)

    answer_is_lost = worker_dies

    def refund_is_declined(self) -> None:
        for at, refund in enumerate(self.refunds):
            if is_under_way(refund) and refund.id not in self.given_back:
                self._told(at, RepaymentEvent.FAIL)

    def merchant_retries(self) -> None:
        self._owe(again=True)

    def courier_collects(self, **more: Any) -> None:
        self._tells(ParcelEvent.COLLECTED, **more)

    def courier_collects_a_part(self) -> None:
        self.courier_collects(amount_minor=10_00)

    def courier_brings_it_for_nothing(self) -> None:
        self.courier_collects(amount_minor=0)

    def courier_fails(self) -> None:
        self._tells(ParcelEvent.ATTEMPT_FAILED)

    def recipient_refuses(self) -> None:
        self._tells(ParcelEvent.REFUSED)

    def parcel_comes_back(self) -> None:
        self._tells(ParcelEvent.RETURNED)

    def courier_tells_again(self) -> None:
        if self.told:
            self._courier(replace(self.chance.choice(self.told), id="cev_again"))

    def _tells(self, kind: ParcelEvent, **more: Any) -> None:
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
        self.told.append(event)
        self._courier(event)

    def _courier(self, event: CourierEvent) -> None:
        applied = courier_events.apply(self.order, event)
        if applied.event.outcome is courier_events.Outcome.WAITING:
            self.waiting.append(event)
        self._changed(applied.order)

    def merchant_cancels(self) -> None:
        self._changed(orders.cancelled(self.order, NOW))

    def merchant_changes(self) -> None:
        """The price rises, with what the courier is to collect."""
        orders.check_changeable(self.order)
        more = replace(self.order.amount, amount_minor=self.order.amount.amount_minor + 5_00)
        to_collect = self.order.to_collect_minor + 5_00
        first, *rest = self.order.parcels
        parcels = (replace(first, to_collect_minor=first.to_collect_minor + 5_00), *rest)
        self._changed(
            replace(
                self.order,
                amount=more,
                to_collect_minor=to_collect,
                acknowledged_minor=to_collect,
                parcels=parcels,
            )
        )

    def merchant_dispatches(self) -> None:
        self._changed(orders.dispatched(self.order, NOW))
        waiting, self.waiting = self.waiting, []
        for event in waiting:
            self._courier(event)

    def settle(self) -> Outcome:
        """All is told and answered, and the merchant asks again for what was refused."""
        while self.untold:
            self.paylink_tells()
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
        for number, amount_minor in self.given_back.values():
            back[number] += amount_minor
        open_links = [link for link in self.links if link.state in OPEN]
        assert not open_links or self.order.state in CONVERTIBLE
        return Outcome(
            state=self.order.state.value,
            price_minor=self.order.amount.amount_minor,
            collected_minor=self.order.collected_minor,
            kept_link=self.order.kept_link,
            payments={number: (self.paid[number], back[number]) for number in self.paid},
            open_links=len(open_links),
        )


def run(seed: int) -> Outcome:
    race = ByRules(seed)
    for step in drawn(seed):
        try:
            getattr(race, step)()
        except Refusal:
            continue  # it cannot be done just now
    return race.settle()


@pytest.mark.parametrize("first", range(0, RACES, 250))
def test_whatever_comes_first_an_order_brings_its_price_once(first: int):
    for seed in range(first, first + 250):
        check(run(seed))


def test_the_races_reach_what_matters():
    """Both paid and collected, given back in part and as a whole, and orders that end otherwise."""
    ends = [run(seed) for seed in range(RACES)]
    both = [end for end in ends if end.collected_minor and end.payments]
    backs = [(paid, back) for end in both for paid, back in end.payments.values()]
    assert len(both) > RACES // 10
    assert any(0 < back < paid for paid, back in backs)
    assert any(back == paid for paid, back in backs)
    states = {end.state for end in ends if end.payments}
    assert states >= {"converted", "collected", "cancelled", "returned"}
    assert any(len(end.payments) > 1 for end in ends)
