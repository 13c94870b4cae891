"""A refund that a method service requests from payments: its state there. Pure.

Its row is committed before payments is called, and its id is the key. A PSP may correct itself: a
refund that succeeded may fail days later, and the other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, cast

from libs.errors import StoredRefusal
from libs.money import Money


class RepaymentState(Enum):
    STARTED = "started"  # payments was asked, or is about to be
    UNDER_WAY = "under_way"  # the PSP has not answered
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RepaymentEvent(Enum):
    WAIT = "wait"
    SUCCEED = "succeed"
    FAIL = "fail"


INITIAL: Final = RepaymentState.STARTED
FINAL: Final[frozenset[RepaymentState]] = frozenset()  # a PSP may correct itself
OPEN: Final = (RepaymentState.STARTED, RepaymentState.UNDER_WAY)
TRANSITIONS: Final[Mapping[tuple[RepaymentState, RepaymentEvent], RepaymentState]] = {
    (RepaymentState.STARTED, RepaymentEvent.WAIT): RepaymentState.UNDER_WAY,
    **{
        (state, RepaymentEvent.SUCCEED): RepaymentState.SUCCEEDED
        for state in (*OPEN, RepaymentState.FAILED)
    },
    **{
        (state, RepaymentEvent.FAIL): RepaymentState.FAILED
        for state in (*OPEN, RepaymentState.SUCCEEDED)
    },
}


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What payments reports about a refund, and the earliest time at which it knew. `reference`:
    its own id.
    """

    event: RepaymentEvent
    at: datetime
    reference: str | None = None
    refusal: StoredRefusal | None = None


@dataclass(frozen=True, slots=True)
class ReportedRefund:
    """A refund of one of our payments, as returned by payments. `key` is the one under which
    it was requested.
    """

    key: str
    amount_minor: int
    created_at: datetime
    report: RefundReport


class Repayment(Protocol):
    """A dataclass with these fields; `id` is the key of payments.RefundPayment."""

    @property
    def id(self) -> str: ...
    @property
    def payment_id(self) -> str | None: ...
    @property
    def amount(self) -> Money: ...
    @property
    def state(self) -> RepaymentState: ...
    @property
    def reference(self) -> str | None: ...
    @property
    def told_at(self) -> datetime | None: ...


R = TypeVar("R", bound=Repayment)


def is_under_way(repayment: Repayment) -> bool:
    return repayment.state in OPEN


def after_report(repayment: R, report: RefundReport) -> R | None:
    """The repayment after a report from payments; None if the report is old or known."""
    to = TRANSITIONS.get((repayment.state, report.event))
    if to is None or (repayment.told_at is not None and report.at < repayment.told_at):
        return None
    waits = report.event is RepaymentEvent.WAIT
    after = replace(
        cast(Any, repayment),
        state=to,
        reference=report.reference or repayment.reference,
        refusal=report.refusal,
        told_at=repayment.told_at if waits else report.at,
    )
    return cast(R, after)
