"""What may happen to an order that is paid online while its courier collects, in any order; and what has to hold in
the end. Who plays a race has a method for each step, and leaves out what cannot be done just then.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

PRICE, FEE = 50_00, 2_00
# What each happens with, and how often it is drawn.
STEPS = {
    "convert": 3,
    "shopper_pays": 3,
    "paylink_tells": 4,
    "paylink_tells_again": 2,
    "link_expires": 1,
    "worker": 3,
    "worker_dies": 2,
    "answer_is_lost": 1,
    "refund_is_declined": 1,
    "merchant_retries": 1,
    "courier_collects": 2,
    "courier_collects_a_part": 1,
    "courier_brings_it_for_nothing": 1,
    "courier_tells_again": 2,
    "courier_fails": 1,
    "recipient_refuses": 1,
    "parcel_comes_back": 1,
    "merchant_cancels": 1,
    "merchant_changes": 1,
    "merchant_dispatches": 2,
}


def drawn(seed: int, length: int = 16) -> Sequence[str]:
    """Steps of one race: each of them begins with a link that may be paid."""
    chance = random.Random(seed)
    return ["convert", *chance.choices(list(STEPS), STEPS.values(), k=length)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an order came to. `payments`: of each, by its link's number, what was paid and what was given back."""

    state: str
    price_minor: int
    collected_minor: int
    kept_link: int | None
    payments: dict[int, tuple[int, int]]
    open_links: int


def check(outcome: Outcome) -> None:
    """Nothing is lost and nothing given back twice: what was paid online stays as far as no cash was taken."""
    for number, (paid, given_back) in outcome.payments.items():
        kept = number == outcome.kept_link
        due = min(paid, outcome.collected_minor) if kept else paid
        assert given_back == due, outcome
    brought = sum(paid - back for paid, back in outcome.payments.values())
    brought += outcome.collected_minor
    if outcome.kept_link is not None:
        assert brought == max(outcome.price_minor, outcome.collected_minor), outcome
    else:
        assert brought == outcome.collected_minor, outcome
    if outcome.state in {"cancelled", "returned"}:
        assert brought == outcome.collected_minor, outcome
    if outcome.state == "converted":
        assert brought == outcome.price_minor, outcome
    assert outcome.open_links == 0 or outcome.collected_minor == 0, outcome
