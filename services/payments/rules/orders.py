"""One order, one payment: which payments of an order exclude each other, and what is done then. Pure.

What a payment pays of its order is its part, told by the method service that asks: the whole, a
deposit and its balance, an instalment, one use of something that many people pay.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.payments.rules.states import State

WHOLE: Final = ""
DEPOSIT: Final = "deposit"
USE: Final = "use:"  # and what names the use: each is as an order of its own, told by its key
# They gave the order no money, or gave all of it back. A payment whose end is not known counts.
NOT_COUNTED: Final = (State.DECLINED, State.CANCELLED, State.REFUNDED)


class DuplicatePolicy(Enum):
    """What the merchant wants of a second payment of an order (DuplicateOrders in payments.proto)."""

    REFUSE = "refuse"
    FLAG = "flag"  # it is made, and names the first one
    ALLOW = "allow"  # for shops whose references repeat


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """What a merchant decided."""

    duplicate_orders: DuplicatePolicy = DuplicatePolicy.REFUSE


def exclude(one: str, other: str) -> bool:
    """Whether only one of two parts of an order may be paid: the whole stands for all parts."""
    if one.startswith(USE) or other.startswith(USE):
        return False
    return one == other or WHOLE in {one, other}
