"""What may happen to an order that is paid online while its courier collects, in any order, with or without a deposit;
and the invariants at the end. A player of a race has a method for each step, and skips steps that are not possible at
that moment.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

PRICE, FEE = 50_00, 2_00
DEPOSIT_SHARE = 2000  # basis points of price and fee, for orders with a deposit
# Each step, and its weight when steps are drawn.
STEPS = {
    "convert": 3,
    "shopper_wants_to_pay_the_deposit": 2,
    "shopper_pays": 3,
    "paylink_reports": 4,
    "paylink_reports_again": 2,
    "link_expires": 1,
    "worker": 3,
    "worker_dies": 2,
    "answer_is_lost": 1,
    "refund_is_declined": 1,
    "merchant_retries": 1,
    "courier_collects": 2,
    "courier_collects_a_part": 1,
    "courier_brings_it_for_nothing": 1,
    "courier_reports_again": 2,
    "courier_fails": 1,
    "recipient_refuses": 1,
    "parcel_comes_back": 1,
    "merchant_cancels": 1,
    "merchant_changes": 1,
    "merchant_makes_it_cheaper": 1,
    "merchant_dispatches": 2,
}


def drawn(seed: int, length: int = 16) -> Sequence[str]:
    """Steps of one race: each has a link to pay from the start, every third begins by paying the deposit, if there is one."""
    chance = random.Random(seed)
    paid_before = () if seed % 3 else ("shopper_pays", "paylink_reports")
    return [*paid_before, "convert", *chance.choices(list(STEPS), STEPS.values(), k=length)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An order at the end. `payments`: the amounts paid and refunded, by the link's number. `deposit_minor`: the deposit
    due or paid; `kept_deposit`: the number of the link that paid it.
    """

    state: str
    price_minor: int
    collected_minor: int
    deposit_minor: int
    kept_deposit: int | None
    kept_link: int | None
    payments: dict[int, tuple[int, int]]
    open_links: int


def check(outcome: Outcome) -> None:
    """Nothing is lost and nothing refunded twice: an online payment is kept as far as no cash was collected, and a deposit
    as long as its order is.
    """
    gone = outcome.state in {"cancelled", "returned"}
    deposit = outcome.deposit_minor if outcome.kept_deposit is not None and not gone else 0
    for number, (paid, refunded) in outcome.payments.items():
        due = paid
        if number == outcome.kept_link:
            due = min(paid, outcome.collected_minor)
        elif number == outcome.kept_deposit:
            due = paid - deposit
        assert refunded == due, outcome
    brought = sum(paid - back for paid, back in outcome.payments.values())
    brought += outcome.collected_minor
    if outcome.kept_link is not None:
        assert brought == max(outcome.price_minor, outcome.collected_minor + deposit), outcome
    else:
        assert brought == outcome.collected_minor + deposit, outcome
    if gone:
        assert brought == outcome.collected_minor, outcome
    if outcome.state == "converted":
        assert outcome.kept_link is not None, outcome
    assert outcome.open_links == 0 or outcome.collected_minor == 0, outcome
    assert outcome.open_links <= 1, outcome
    paid_before = outcome.kept_deposit is not None or outcome.kept_link is not None
    may_go = gone or paid_before or not outcome.deposit_minor
    assert may_go or outcome.state in {"proposed", "confirmed"}, outcome
