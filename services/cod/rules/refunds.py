"""Refunds by bank transfer of cash collected at the door: tasks with states. Pure.

A change to the refunded total needs the lock of the order first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from libs.money import Money
from services.cod.errors import RefundAccountMissing, RefundClosed, RefundCurrency, RefundTooMuch
from services.cod.rules import sepa
from services.cod.rules.orders import Order
from services.cod.rules.refund_accounts import MaskedAccount


class RefundState(Enum):
    REQUESTED = "requested"  # waiting for an account
    READY = "ready"  # ready for the bank
    EXPORTED = "exported"  # in a file for the bank
    PAID = "paid"
    FAILED = "failed"  # rejected or returned by the bank
    CANCELLED = "cancelled"


class RefundEvent(Enum):
    GIVE_ACCOUNT = "give_account"
    FORGET_ACCOUNT = "forget_account"
    EXPORT = "export"
    PAY = "pay"
    FAIL = "fail"
    RETRY = "retry"
    CANCEL = "cancel"


REFUND_INITIAL: Final = RefundState.REQUESTED
REFUND_FINAL: Final = frozenset({RefundState.CANCELLED})
# Not at the bank, or rejected by it: it may go elsewhere, or be cancelled.
OPEN: Final = (RefundState.REQUESTED, RefundState.READY, RefundState.FAILED)
REFUND_TRANSITIONS: Final[Mapping[tuple[RefundState, RefundEvent], RefundState]] = {
    **{(state, RefundEvent.GIVE_ACCOUNT): RefundState.READY for state in OPEN},
    **{(state, RefundEvent.CANCEL): RefundState.CANCELLED for state in OPEN},
    (RefundState.READY, RefundEvent.FORGET_ACCOUNT): RefundState.REQUESTED,
    (RefundState.FAILED, RefundEvent.FORGET_ACCOUNT): RefundState.REQUESTED,
    (RefundState.READY, RefundEvent.EXPORT): RefundState.EXPORTED,
    (RefundState.EXPORTED, RefundEvent.PAY): RefundState.PAID,
    (RefundState.FAILED, RefundEvent.PAY): RefundState.PAID,  # was marked as failed too early
    (RefundState.EXPORTED, RefundEvent.FAIL): RefundState.FAILED,
    (
        RefundState.PAID,
        RefundEvent.FAIL,
    ): RefundState.FAILED,  # a bank may return a transfer that it had made
    (RefundState.FAILED, RefundEvent.RETRY): RefundState.READY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`account_sealed`: holder and IBAN, None if not set or deleted. `exports`: number of files it
    has been in; `export_id`: the latest one.
    """

    merchant_id: str
    id: str
    state: RefundState = REFUND_INITIAL
    cod_order_id: str
    order_reference: str
    amount: Money
    account_sealed: str | None = None
    account: MaskedAccount | None = None
    account_given_by: str | None = None
    failure: str | None = None
    exports: int = 0
    export_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    created_at: datetime
    ended_at: datetime | None = None


def amount_of(order: Order, asked_minor: int | None) -> Money:
    """The requested amount, or everything that is left. Raises RefundCurrency, RefundTooMuch."""
    currency = order.amount.currency
    if currency != sepa.CURRENCY:
        raise RefundCurrency(facts={"currency": currency})
    left = order.collected_minor - order.refunded_minor
    if left <= 0 or (asked_minor or 0) > left:
        raise RefundTooMuch(
            facts={
                "collected_minor": str(order.collected_minor),
                "refunded_minor": str(order.refunded_minor),
                "left_minor": str(left),
            }
        )
    return Money(left if asked_minor is None else asked_minor, currency)


def owing(order: Order, more_minor: int) -> Order:
    """The order with this much more to be refunded; less if negative."""
    return replace(order, refunded_minor=order.refunded_minor + more_minor)


def given_account(refund: Refund, *, sealed: str, shown: MaskedAccount, by: str) -> Refund:
    """Raises RefundClosed."""
    return replace(
        refund,
        state=moved(refund, RefundEvent.GIVE_ACCOUNT),
        account_sealed=sealed,
        account=shown,
        account_given_by=by,
    )


def cancelled(refund: Refund, now: datetime) -> Refund:
    """Cancelling again changes nothing. Raises RefundClosed."""
    if refund.state is RefundState.CANCELLED:
        return refund
    return replace(refund, state=moved(refund, RefundEvent.CANCEL), ended_at=now)


def exported(refund: Refund, export_id: str) -> Refund:
    """The refund, now in a file. Raises RefundClosed."""
    state, exports = moved(refund, RefundEvent.EXPORT), refund.exports + 1
    return replace(refund, state=state, export_id=export_id, exports=exports, failure=None)


def paid(refund: Refund, export_id: str, now: datetime) -> Refund:
    """Paid by the transfer in this file; repeating it changes nothing. Raises RefundClosed."""
    if refund.export_id != export_id:  # it failed there, and is in another file
        raise _closed(refund)
    if refund.state is RefundState.PAID:
        return refund
    state = moved(refund, RefundEvent.PAY)
    return replace(refund, state=state, failure=None, ended_at=now)


def failed(refund: Refund, export_id: str, reason: str) -> Refund:
    """The transfer in this file failed. Unchanged if it has failed there before, or has moved on
    since.
    """
    state = REFUND_TRANSITIONS.get((refund.state, RefundEvent.FAIL))
    if state is None or refund.export_id != export_id:
        return refund
    return replace(refund, state=state, failure=reason, ended_at=None)


def without_account(refund: Refund) -> Refund:
    """A failed refund whose account cannot be paid: another one is requested."""
    state = moved(refund, RefundEvent.FORGET_ACCOUNT)
    return replace(refund, state=state, account_sealed=None, account=None, account_given_by=None)


def retried(refund: Refund) -> Refund:
    """Ready again, to the same account. Repeating it changes nothing. Raises RefundClosed,
    RefundAccountMissing.
    """
    if refund.state is RefundState.READY:
        return refund
    state = moved(refund, RefundEvent.RETRY)
    if refund.account_sealed is None:
        raise RefundAccountMissing
    return replace(refund, state=state)


def forgotten(refund: Refund) -> Refund:
    """Without personal data, after its customer was erased. Without an account it cannot go to the
    bank.
    """
    state = REFUND_TRANSITIONS.get((refund.state, RefundEvent.FORGET_ACCOUNT), refund.state)
    return replace(
        refund,
        state=state,
        account_sealed=None,
        account=None,
        failure=None,
        metadata={},
    )


def moved(refund: Refund, event: RefundEvent) -> RefundState:
    """Raises RefundClosed."""
    to = REFUND_TRANSITIONS.get((refund.state, event))
    if to is None:
        raise _closed(refund)
    return to


def _closed(refund: Refund) -> RefundClosed:
    return RefundClosed(facts={"state": refund.state.value})
