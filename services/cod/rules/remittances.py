"""Remittances: a courier's file that was read, compared and booked. Pure.

remittance_files.py reads lines, matching.py finds the parcel that a line pays for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

from services.cod.rules import cuts
from services.cod.rules.columns import Meaning
from services.cod.rules.couriers import Courier
from services.cod.rules.matching import AGREED, BOOKED, Claim, Match, Result, Standing
from services.cod.rules.orders import Order
from services.cod.rules.parcels import Parcel
from services.cod.rules.remittance_files import RemittanceLine
from services.cod.rules.states import CHANGEABLE, OrderEvent, OrderState, ParcelState

MOST_SUGGESTIONS: Final = 20


class RemittanceState(Enum):
    PREVIEWED = "previewed"
    COMMITTED = "committed"


class RemittanceEvent(Enum):
    COMMIT = "commit"


REMITTANCE_INITIAL: Final = RemittanceState.PREVIEWED
REMITTANCE_FINAL: Final = frozenset({RemittanceState.COMMITTED})
REMITTANCE_TRANSITIONS: Final[Mapping[tuple[RemittanceState, RemittanceEvent], RemittanceState]] = {
    (RemittanceState.PREVIEWED, RemittanceEvent.COMMIT): RemittanceState.COMMITTED,
}


class Closing(Enum):
    """Why a line is not booked, or why its missing amount is no longer expected."""

    NOT_OURS = "not_ours"
    GIVEN_BACK = "given_back"
    WRITTEN_OFF = "written_off"
    SETTLED = "settled"  # settled in another way


@dataclass(frozen=True, slots=True, kw_only=True)
class Remittance:
    """`digest`: of the file's bytes. `results`: number of lines by result."""

    merchant_id: str
    id: str
    state: RemittanceState = REMITTANCE_INITIAL
    courier_id: str
    name: str | None
    digest: str
    currency: str
    tolerance_minor: int
    lines: int
    remitted_minor: int
    results: Mapping[str, int]
    exceptions: int
    created_at: datetime
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the file with its result. `parcel`: tracking number of the parcel it matches."""

    merchant_id: str
    id: str
    remittance_id: str
    courier_id: str
    line: int
    tracking_number: str
    sender_reference: str
    collected_minor: int | None
    cut_minor: int | None
    remitted_minor: int
    paid_on: date | None
    meaning: Meaning | None
    result: Result = Result.UNKNOWN
    is_exception: bool = True
    cod_order_id: str | None = None
    parcel: str | None = None
    suggestions: tuple[str, ...] = ()
    booked: bool = False
    kept_minor: int = 0
    shortage_minor: int = 0
    result_before: Result | None = None  # set once a person has resolved it
    closed_as: Closing | None = None
    cleared_minor: int = 0
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None

    def read(self) -> RemittanceLine:
        """The line as in the file."""
        return RemittanceLine(
            line=self.line,
            tracking_number=self.tracking_number,
            sender_reference=self.sender_reference,
            collected_minor=self.collected_minor,
            cut_minor=self.cut_minor,
            remitted_minor=self.remitted_minor,
            on=self.paid_on,
            meaning=self.meaning,
        )


@dataclass(frozen=True, slots=True)
class Booked:
    """What earlier lines have booked for a parcel; `paid`: their amounts and days. `cleared_minor`:
    no longer expected, as a person decided.
    """

    kept_minor: int
    remitted_minor: int
    paid: frozenset[tuple[int, date | None]]
    cleared_minor: int = 0


NOTHING: Final = Booked(0, 0, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """What determines the courier's debt for a parcel and its order."""

    order_id: str
    order_reference: str
    order_state: OrderState
    order_to_collect_minor: int
    order_cut_minor: int
    tracking_number: str
    state: ParcelState
    to_collect_minor: int
    collected_minor: int


def claims_of(order: Order, courier: Courier, booked: Mapping[str, Booked]) -> Sequence[Claim]:
    """What the courier owes for each parcel of an order. `booked`: by tracking number."""
    return [claim_of(_owing(order, parcel), courier, booked) for parcel in order.parcels]


def _owing(order: Order, parcel: Parcel) -> Owing:
    return Owing(
        order_id=order.id,
        order_reference=order.order_reference,
        order_state=order.state,
        order_to_collect_minor=order.to_collect_minor,
        order_cut_minor=order.cut_minor,
        tracking_number=parcel.tracking_number,
        state=parcel.state,
        to_collect_minor=parcel.to_collect_minor,
        collected_minor=parcel.collected_minor,
    )


def claim_of(owing: Owing, courier: Courier, booked: Mapping[str, Booked]) -> Claim:
    before = booked.get(owing.tracking_number, NOTHING)
    collected = owing.state is ParcelState.COLLECTED
    owed = owing.collected_minor if collected else owing.to_collect_minor
    whole = owed == owing.order_to_collect_minor
    agreed = owing.order_cut_minor if whole else cuts.cut_of(courier.cut, owed)
    return Claim(
        order_id=owing.order_id,
        order_reference=owing.order_reference,
        tracking_number=owing.tracking_number,
        standing=_standing(owing),
        open_minor=owed - before.kept_minor - before.remitted_minor - before.cleared_minor,
        cut_minor=max(agreed - before.kept_minor, 0),
        booked=before.paid,
    )


def _standing(owing: Owing) -> Standing:
    if owing.order_state is OrderState.CANCELLED or owing.order_state in CHANGEABLE:
        return Standing.VOID
    back = owing.state in {ParcelState.REFUSED, ParcelState.RETURNED}
    return Standing.BACK if back else Standing.OWED


_RESULT_FIELDS: Final = (
    "result", "is_exception", "cod_order_id", "parcel", "suggestions", "booked", "kept_minor",
    "shortage_minor",
)  # fmt: skip  # a list of names
_result_of = attrgetter(*_RESULT_FIELDS)


def with_match(line: Line, found: Match, *, commit: bool) -> Line:
    """A line with its result; it is booked only when its file is committed. The same object if
    nothing changed: most previewed lines are booked as they are.
    """
    suggested = found.result is Result.SUGGESTED
    only = found.claims[0] if len(found.claims) == 1 and not suggested else None
    values: tuple[Any, ...] = (
        found.result,
        found.result not in AGREED,
        only.order_id if only else None,
        only.tracking_number if only else None,
        _suggestions(found) if suggested else (),
        commit and found.result in BOOKED,
        found.cut_minor,
        found.shortage_minor,
    )
    if values == _result_of(line):
        return line
    return replace(line, **dict(zip(_RESULT_FIELDS, values, strict=True)))


def _suggestions(found: Match) -> tuple[str, ...]:
    return tuple(sorted({claim.order_id for claim in found.claims})[:MOST_SUGGESTIONS])


def changed_lines(before: Sequence[Line], after: Sequence[Line]) -> Sequence[Line]:
    return [now for was, now in zip(before, after, strict=True) if now is not was]


def by_order(lines: Sequence[Line]) -> Sequence[tuple[str, Sequence[Line]]]:
    """Booked lines of each order, by its id."""
    booked = [(line.cod_order_id, line) for line in lines if line.booked and line.cod_order_id]
    booked.sort(key=itemgetter(0))
    return [
        (order_id, [line for _, line in each]) for order_id, each in groupby(booked, itemgetter(0))
    ]


def counted(remittance: Remittance, lines: Sequence[Line]) -> Remittance:
    return replace(
        remittance,
        results=dict(Counter(line.result.value for line in lines)),
        exceptions=sum(line.is_exception for line in lines),
    )


def committed(remittance: Remittance, lines: Sequence[Line], now: datetime) -> Remittance:
    state = REMITTANCE_TRANSITIONS[remittance.state, RemittanceEvent.COMMIT]
    return replace(counted(remittance, lines), state=state, committed_at=now)


def settled_by(
    claims: Sequence[Claim], lines: Sequence[Line], *, tolerance_minor: int
) -> OrderEvent | None:
    """The effect of booked lines on an order with these claims: None while other parcels of it are
    still owed.
    """
    shortages = {line.parcel: line.shortage_minor for line in lines if line.booked}
    left = 0
    for claim in claims:
        if claim.tracking_number in shortages:
            left += shortages[claim.tracking_number]
        elif claim.is_owed and not claim.booked:
            return None
        elif claim.is_owed:
            left += claim.open_minor
    return OrderEvent.FALL_SHORT if left > tolerance_minor else OrderEvent.REMIT


def without_shortage(line: Line) -> Line:
    """A booked line as if nothing were missing."""
    return replace(line, shortage_minor=0)


def short_before(claims: Sequence[Claim], parcels: Sequence[str | None]) -> int:
    """Shortage that earlier remittances left for these parcels."""
    again = [claim for claim in claims if claim.booked and claim.tracking_number in parcels]
    return sum(claim.open_minor for claim in again)


def after(order: Order, event: OrderEvent, state: OrderState, now: datetime) -> Order:
    """`state`: the event's target state."""
    ended = now if event is OrderEvent.REMIT else order.ended_at
    return replace(order, state=state, ended_at=ended)
