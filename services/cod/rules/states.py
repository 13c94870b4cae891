"""States of orders and of their parcels. A parcel's events also move its order:
courier_events.py.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from libs.payments import links, repayments


class OrderState(Enum):
    PROPOSED = "proposed"  # to be confirmed by its recipient
    CONFIRMED = "confirmed"  # ready to be dispatched
    DISPATCHED = "dispatched"  # the courier has it
    OUT_FOR_DELIVERY = "out_for_delivery"
    COLLECTED = "collected"  # the courier has the money
    REFUSED = "refused"  # stored by the courier: it may be delivered again, or returned
    RETURNED = "returned"
    REMITTED = "remitted"  # the courier has passed the money on
    SHORT = "short"  # with a shortage
    OVERDUE = "overdue"  # not passed on in time
    CANCELLED = "cancelled"
    CONVERTED = "converted"  # paid online: nothing is collected any more


class OrderEvent(Enum):
    CONFIRM = "confirm"
    REOPEN = "reopen"
    DISPATCH = "dispatch"
    GO_OUT = "go_out"
    FAIL = "fail"
    COLLECT = "collect"
    REFUSE = "refuse"
    RETURN = "return"
    REMIT = "remit"
    FALL_SHORT = "fall_short"
    FALL_DUE = "fall_due"
    CANCEL = "cancel"
    PAY_ONLINE = "pay_online"


ORDER_INITIAL: Final = OrderState.PROPOSED
ORDER_FINAL: Final = frozenset({OrderState.RETURNED, OrderState.REMITTED, OrderState.CANCELLED})
CHANGEABLE: Final = (OrderState.PROPOSED, OrderState.CONFIRMED)  # not with a courier yet
UNDER_WAY: Final = (OrderState.DISPATCHED, OrderState.OUT_FOR_DELIVERY, OrderState.REFUSED)
GONE: Final = (OrderState.CANCELLED, OrderState.RETURNED)  # their reference may be used again
CONVERTIBLE: Final = (*CHANGEABLE, *UNDER_WAY)
_UNREMITTED: Final = (OrderState.COLLECTED, OrderState.OVERDUE, OrderState.SHORT)
ORDER_TRANSITIONS: Final[Mapping[tuple[OrderState, OrderEvent], OrderState]] = {
    (OrderState.PROPOSED, OrderEvent.CONFIRM): OrderState.CONFIRMED,
    # It costs more than the confirmed amount.
    (OrderState.CONFIRMED, OrderEvent.REOPEN): OrderState.PROPOSED,
    (OrderState.CONFIRMED, OrderEvent.DISPATCH): OrderState.DISPATCHED,
    **{(state, OrderEvent.CANCEL): OrderState.CANCELLED for state in CHANGEABLE},
    **{(state, OrderEvent.GO_OUT): OrderState.OUT_FOR_DELIVERY for state in UNDER_WAY},
    **{(state, OrderEvent.FAIL): OrderState.DISPATCHED for state in UNDER_WAY},
    **{(state, OrderEvent.COLLECT): OrderState.COLLECTED for state in UNDER_WAY},
    **{(state, OrderEvent.REFUSE): OrderState.REFUSED for state in UNDER_WAY},
    **{(state, OrderEvent.RETURN): OrderState.RETURNED for state in UNDER_WAY},
    **{(state, OrderEvent.REMIT): OrderState.REMITTED for state in _UNREMITTED},
    (OrderState.COLLECTED, OrderEvent.FALL_SHORT): OrderState.SHORT,
    (OrderState.OVERDUE, OrderEvent.FALL_SHORT): OrderState.SHORT,
    (OrderState.COLLECTED, OrderEvent.FALL_DUE): OrderState.OVERDUE,
    # Delivered without money: it was already paid online, and paylink's event comes later.
    **{
        (state, OrderEvent.PAY_ONLINE): OrderState.CONVERTED
        for state in (*CONVERTIBLE, OrderState.COLLECTED)
    },
    # The courier has collected anyway: the cash is there, and stands.
    (OrderState.CONVERTED, OrderEvent.COLLECT): OrderState.COLLECTED,
}


class ParcelState(Enum):
    ACKNOWLEDGED = "acknowledged"  # known to the courier, or with it
    OUT_FOR_DELIVERY = "out_for_delivery"
    COLLECTED = "collected"
    REFUSED = "refused"
    RETURNED = "returned"


class ParcelEvent(Enum):
    """Events that couriers report about parcels."""

    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    COLLECTED = "collected"
    REFUSED = "refused"
    RETURNED = "returned"


PARCEL_INITIAL: Final = ParcelState.ACKNOWLEDGED
PARCEL_FINAL: Final = frozenset({ParcelState.COLLECTED, ParcelState.RETURNED})
_OPEN: Final = (ParcelState.ACKNOWLEDGED, ParcelState.OUT_FOR_DELIVERY, ParcelState.REFUSED)
PARCEL_TRANSITIONS: Final[Mapping[tuple[ParcelState, ParcelEvent], ParcelState]] = {
    **{(state, ParcelEvent.OUT_FOR_DELIVERY): ParcelState.OUT_FOR_DELIVERY for state in _OPEN},
    **{(state, ParcelEvent.ATTEMPT_FAILED): ParcelState.ACKNOWLEDGED for state in _OPEN},
    **{(state, ParcelEvent.COLLECTED): ParcelState.COLLECTED for state in _OPEN},
    **{(state, ParcelEvent.REFUSED): ParcelState.REFUSED for state in _OPEN},
    **{(state, ParcelEvent.RETURNED): ParcelState.RETURNED for state in _OPEN},
}

LINK_INITIAL: Final = links.INITIAL
LINK_FINAL: Final = links.FINAL
LINK_TRANSITIONS: Final = links.TRANSITIONS  # of orders' payment links
ONLINE_REFUND_INITIAL: Final = repayments.INITIAL
ONLINE_REFUND_FINAL: Final = repayments.FINAL
ONLINE_REFUND_TRANSITIONS: Final = repayments.TRANSITIONS  # of refunds of online payments
