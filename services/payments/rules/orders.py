"""One order, one payment: which payments of an order exclude each other, and what happens then.
Pure.

A payment covers a part of its order, named by the calling method service: the whole, a deposit and
its balance, an instalment, or one use of something that many people pay.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.payments.rules.states import State

WHOLE: Final = ""
DEPOSIT: Final = "deposit"
USE: Final = "use:"  # followed by its name: each use is like an order of its own, known by its key
# These took no money for the order, or gave all of it back. A payment with an unknown outcome counts.
NOT_COUNTED: Final = (State.DECLINED, State.CANCELLED, State.REFUNDED)


class DuplicatePolicy(Enum):
    """The merchant's policy for a second payment of an order (DuplicateOrders in
    payments.proto).
    """

    REFUSE = "refuse"
    FLAG = "flag"  # created, naming the first one
    ALLOW = "allow"  # for shops whose references repeat


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """A merchant's policy."""

    duplicate_orders: DuplicatePolicy = DuplicatePolicy.REFUSE


def exclude(one: str, other: str) -> bool:
    """Whether only one of two parts of an order can be paid: the whole includes all parts."""
    if one.startswith(USE) or other.startswith(USE):
        return False
    return one == other or WHOLE in {one, other}
