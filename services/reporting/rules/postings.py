"""How each fact is booked: the amount that it adds to each account; positive for debits. Pure.

The table is in docs/adr/0040. Payments report what a PSP holds; the method reports what it is for.
For an instalment plan, both meet on `instalments_clearing`.
"""

from collections.abc import Mapping
from typing import assert_never

from services.reporting.rules.chart import Account, Place
from services.reporting.rules.facts import (
    CashCollected,
    CashRefunded,
    CashRemitted,
    Cleared,
    Disputed,
    DisputeMoved,
    DisputeState,
    Fact,
    LineBanked,
    LineSettled,
    Move,
    MoveKind,
    PlanBooks,
    PlanMoved,
    PspCharge,
    PspRefund,
    TransferMoved,
)


def amounts(fact: Fact) -> Mapping[Place, int]:
    """The amounts by account; they sum to zero. All are zero if nothing moved."""
    match fact:
        case PspCharge():
            return _charged(fact)
        case PspRefund():
            return _refunded(fact)
        case DisputeMoved():
            return _less(_disputed(fact.psp_account, fact.after), _before(fact))
        case PlanMoved():
            return _less(_of_plan(fact.after), _of_plan(fact.before))
        case CashCollected() | CashRemitted() | CashRefunded():
            return _of_cash(fact)
        case TransferMoved():
            return _transfer_moved(fact)
        case LineSettled() | LineBanked() | Cleared():
            return _own(fact)
        case _:
            assert_never(fact)


def _of_cash(fact: CashCollected | CashRemitted | CashRefunded) -> Mapping[Place, int]:
    match fact:
        case CashCollected():
            return _collected(fact)
        case CashRemitted():
            return _remitted(fact)
        case CashRefunded():
            return _cash_refunded(fact)
        case _:
            assert_never(fact)


def _own(fact: LineSettled | LineBanked | Cleared) -> Mapping[Place, int]:
    match fact:
        case LineSettled():
            return _settled(fact)
        case LineBanked():
            return {
                Place(Account.BANK, fact.account): fact.amount_minor,
                Place(Account.UNALLOCATED): -fact.amount_minor,
            }
        case Cleared():
            return _cleared(fact)
        case _:
            assert_never(fact)


def _charged(fact: PspCharge) -> Mapping[Place, int]:
    what_for = Account.INSTALMENTS_CLEARING if fact.of_plan else Account.SALES
    return {
        Place(Account.PSP_RECEIVABLE, fact.psp_account): fact.amount_minor,
        Place(what_for): -fact.amount_minor,
    }


def _refunded(fact: PspRefund) -> Mapping[Place, int]:
    """A returned refund is reversed."""
    what_for = Account.INSTALMENTS_CLEARING if fact.of_plan else Account.SALES_REFUNDS
    amount_minor = -fact.amount_minor if fact.undone else fact.amount_minor
    return {
        Place(what_for): amount_minor,
        Place(Account.PSP_RECEIVABLE, fact.psp_account): -amount_minor,
    }


def _before(fact: DisputeMoved) -> Mapping[Place, int]:
    return {} if fact.before is None else _disputed(fact.psp_account, fact.before)


def _disputed(psp_account: str, dispute: Disputed) -> Mapping[Place, int]:
    """All amounts that a dispute in this state has moved."""
    match dispute.state:
        case DisputeState.OPEN:
            held = Account.DISPUTES_HELD
        case DisputeState.LOST:
            held = Account.DISPUTE_LOSSES
        case DisputeState.WON:
            return {}
        case _:
            assert_never(dispute.state)
    return {
        Place(held): dispute.amount_minor,
        Place(Account.PSP_RECEIVABLE, psp_account): -dispute.amount_minor,
    }


def _of_plan(books: PlanBooks) -> Mapping[Place, int]:
    """All amounts that a plan in this state has moved. A refund made by a lost dispute reverses the
    loss already booked for it.
    """
    return {
        Place(Account.CUSTOMER_RECEIVABLE): books.owed_minor,
        Place(Account.INSTALMENTS_CLEARING): books.paid_minor,
        Place(Account.REFUNDS_DUE): -books.to_give_back_minor,
        Place(Account.SALES): -books.sold_minor,
        Place(Account.INSTALMENT_INTEREST): -books.interest_minor,
        Place(Account.INSTALMENT_FEES): -books.fees_minor,
        Place(Account.LATE_FEES): -books.late_fees_minor,
        Place(Account.SALES_REFUNDS): books.refunded_minor,
        Place(Account.DISPUTE_LOSSES): -books.charged_back_minor,
        Place(Account.BAD_DEBT): books.written_off_minor,
    }


def _collected(fact: CashCollected) -> Mapping[Place, int]:
    return {
        Place(Account.COURIER_RECEIVABLE, fact.courier_id): fact.amount_minor,
        Place(Account.SALES): fact.fee_minor - fact.amount_minor,
        Place(Account.COD_FEES): -fact.fee_minor,
    }


def _remitted(fact: CashRemitted) -> Mapping[Place, int]:
    """Books only the change of the shortage: the previous one is already booked."""
    short_minor = fact.short_minor - fact.short_before_minor
    settled_minor = fact.remitted_minor + fact.kept_minor + short_minor
    return {
        Place(Account.BANK_IN_TRANSIT, fact.courier_id): fact.remitted_minor,
        Place(Account.COURIER_FEES, fact.courier_id): fact.kept_minor,
        Place(Account.SHORTAGE, fact.courier_id): short_minor,
        Place(Account.COURIER_RECEIVABLE, fact.courier_id): -settled_minor,
    }


def _cash_refunded(fact: CashRefunded) -> Mapping[Place, int]:
    """A bank transfer reported by the merchant: `bank` moves only when a statement shows it."""
    amount_minor = -fact.amount_minor if fact.undone else fact.amount_minor
    return {
        Place(Account.BANK_IN_TRANSIT): -amount_minor,
        Place(Account.SALES_REFUNDS): amount_minor,
    }


def _transfer_moved(fact: TransferMoved) -> Mapping[Place, int]:
    """In transit until a statement shows it, like all bank movements reported by other services."""
    moved = {
        Place(Account.BANK_IN_TRANSIT): fact.arrived_minor,
        Place(Account.UNALLOCATED): -fact.arrived_minor,
    }
    for move in fact.moves:
        amount_minor = -move.amount_minor if move.kind is MoveKind.TAKEN_BACK else move.amount_minor
        to = Place(_where(move))
        moved[Place(Account.UNALLOCATED)] += amount_minor
        moved[to] = moved.get(to, 0) - amount_minor
    return moved


def _settled(fact: LineSettled) -> Mapping[Place, int]:
    net_minor = fact.gross_minor + fact.fee_minor
    in_transit = Place(Account.BANK_IN_TRANSIT, fact.psp_account)
    fees = Place(Account.PSP_FEES, fact.psp_account)
    if fact.is_fee:
        return {in_transit: net_minor, fees: -net_minor}
    receivable = Place(Account.PSP_RECEIVABLE, fact.psp_account)
    return {in_transit: net_minor, fees: -fact.fee_minor, receivable: -fact.gross_minor}


def _cleared(fact: Cleared) -> Mapping[Place, int]:
    moved: dict[Place, int] = {}
    for move in fact.moves:
        place = Place(Account(move.account), move.party)
        moved[place] = moved.get(place, 0) + move.amount_minor
    return moved


def _where(move: Move) -> Account:
    if move.kind is MoveKind.GIVEN_BACK:
        return Account.BANK_IN_TRANSIT
    return Account.INSTALMENTS_CLEARING if move.of_plan else Account.SALES


def _less(after: Mapping[Place, int], before: Mapping[Place, int]) -> Mapping[Place, int]:
    places = dict.fromkeys((*after, *before))
    return {place: after.get(place, 0) - before.get(place, 0) for place in places}
