"""A person's resolution of a line that could not be booked, or was booked with a shortage. Pure.

A line is resolved once: its money is booked on an order, by the rules of all lines, or it is
closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs.errors import invalid
from services.cod.errors import (
    LineNotException,
    LineNotFitting,
    LineResolved,
    RemittanceNotCommitted,
)
from services.cod.rules import matching, remittances
from services.cod.rules.matching import BOOKED, Claim, folded
from services.cod.rules.remittances import Closing, Line, Remittance, RemittanceState

OF_BOOKED: Final = (Closing.WRITTEN_OFF, Closing.SETTLED)  # for a missing amount
OF_UNBOOKED: Final = (Closing.NOT_OURS, Closing.GIVEN_BACK, Closing.SETTLED)  # for arrived money


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """An order, and its parcel if it has several; or the reason why there is none."""

    cod_order_id: str | None
    tracking_number: str | None
    closed_as: Closing | None
    resolution: str | None


def check(decision: Resolution) -> None:
    """Raises InvalidArgument."""
    if (decision.cod_order_id is None) == (decision.closed_as is None):
        raise invalid("closed_as", "is required without cod_order_id, and must not be set with it")
    if decision.tracking_number is not None and decision.cod_order_id is None:
        raise invalid("tracking_number", "can only be set with a cod_order_id")
    if decision.closed_as is not None and not decision.resolution:
        raise invalid("resolution", "is required with closed_as")


def is_known(remittance: Remittance, line: Line, decision: Resolution) -> bool:
    """Whether it was already resolved in the same way; the first note stays.

    Raises RemittanceNotCommitted, LineNotException, LineResolved.
    """
    if remittance.state is not RemittanceState.COMMITTED:
        raise RemittanceNotCommitted
    if line.resolved_at is None:
        if not line.is_exception:
            raise LineNotException
        return False
    named = decision.tracking_number is None or folded(decision.tracking_number) == folded(
        line.parcel or ""
    )
    on_order = decision.closed_as is not None or (
        decision.cod_order_id == line.cod_order_id and named
    )
    if decision.closed_as is not line.closed_as or not on_order:
        raise LineResolved(facts=_outcome(line))
    return True


def _outcome(line: Line) -> dict[str, str]:
    if line.closed_as is not None:
        return {"closed_as": line.closed_as.value}
    return {"cod_order_id": line.cod_order_id or "", "tracking_number": line.parcel or ""}


def booked(
    line: Line, fitting: Sequence[Claim], decision: Resolution, *, tolerance_minor: int
) -> Line:
    """The line booked on the chosen one of the parcels that it matches now, and only for what is
    owed.

    Raises LineNotFitting, InvalidArgument.
    """
    if line.booked:
        raise LineNotFitting(facts={"result": line.result.value})
    claim = _chosen(line, fitting, decision)
    found = matching.accepted(line.read(), claim, tolerance_minor=tolerance_minor)
    if found.result not in BOOKED:
        raise LineNotFitting(facts={"result": found.result.value})
    return replace(remittances.with_match(line, found, commit=True), suggestions=line.suggestions)


def _chosen(line: Line, fitting: Sequence[Claim], decision: Resolution) -> Claim:
    """If the order has several, one on which it was not booked before."""
    number = decision.tracking_number
    of_order = [
        claim
        for claim in fitting
        if claim.order_id == decision.cod_order_id
        and (number is None or folded(number) == folded(claim.tracking_number))
    ]
    if not of_order:
        raise LineNotFitting(facts={"result": matching.Result.UNKNOWN.value})
    left = [one for one in of_order if not matching.was_booked(one, line.read())] or of_order
    if len(left) > 1:
        raise invalid("tracking_number", "must say which of the order's parcels the line pays for")
    return left[0]


def closed(line: Line, closed_as: Closing, *, open_minor: int) -> Line:
    """`open_minor`: still missing for the parcel that it is booked on. Raises InvalidArgument."""
    allowed = OF_BOOKED if line.booked else OF_UNBOOKED
    if closed_as not in allowed:
        words = " or ".join(each.value for each in allowed)
        booked = "booked" if line.booked else "not booked"
        raise invalid("closed_as", f"must be {words}, since the line is {booked}")
    cleared = max(open_minor, 0) if line.booked else 0
    return replace(line, closed_as=closed_as, cleared_minor=cleared)


def resolved(before: Line, after: Line, decision: Resolution, *, by: str, now: datetime) -> Line:
    """`after`: booked or closed."""
    return replace(
        after,
        is_exception=False,
        result_before=before.result,
        resolution=decision.resolution,
        resolved_by=by,
        resolved_at=now,
    )


def recounted(remittance: Remittance, before: Line, after: Line) -> Remittance:
    """The remittance with its counts after one line has changed."""
    counts = dict(remittance.results)
    counts[before.result.value] -= 1
    counts[after.result.value] = counts.get(after.result.value, 0) + 1
    left = {result: count for result, count in counts.items() if count}
    return replace(remittance, results=left, exceptions=remittance.exceptions - 1)
