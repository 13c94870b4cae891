"""Which parcel a line of a remittance pays for, and whether it pays what is owed. Pure.

Lines match by tracking number, else by the sender's reference. An ambiguous match is suggested to a
person and never booked; a booked line is split so that the cut, the amount passed on and the shortage
sum to the amount owed. The order of lines makes no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from services.cod.rules.columns import Meaning
from services.cod.rules.remittance_files import RemittanceLine


class Standing(Enum):
    """Whether a courier should have money for a parcel."""

    OWED = "owed"  # collected, or possibly collected without a report
    BACK = "back"  # refused or returned
    VOID = "void"  # the order was cancelled, or paid in another way


class Result(Enum):
    MATCHED = "matched"
    SHORT = "short"  # less was passed on than agreed
    CUT_WRONG = "cut_wrong"  # the only difference is a cut other than agreed
    CAME_BACK = "came_back"  # reported as sent back, as already known
    OVER = "over"  # more was passed on than is owed
    RETURNED = "returned"  # reported as sent back, which was not known
    RETURNED_WITH_MONEY = "returned_with_money"
    NOT_OWED = "not_owed"  # money for an order that was cancelled or paid in another way
    TAKEN_BACK = "taken_back"  # the amount passed on is negative
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"  # passed on before
    SUGGESTED = "suggested"  # it fits more than one parcel, or its parcel more than one line


BOOKED: Final = frozenset({Result.MATCHED, Result.SHORT, Result.CUT_WRONG})
AGREED: Final = frozenset({Result.MATCHED, Result.CAME_BACK})  # a person looks at all others
BACK_AT_SENDER: Final = frozenset({Meaning.REFUSED, Meaning.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A parcel, and what its courier owes for it.

    `open_minor`: the amount collected, or to be collected, less what was booked before; `cut_minor`: what
    the courier may still keep of it. `booked`: amounts and dates of lines booked from earlier files.
    """

    order_id: str
    order_reference: str
    tracking_number: str
    standing: Standing
    open_minor: int
    cut_minor: int
    booked: frozenset[tuple[int, date | None]] = frozenset()

    @property
    def is_owed(self) -> bool:
        """True only for those parcels of an order that carry its amount."""
        return self.standing is Standing.OWED and (self.open_minor > 0 or bool(self.booked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A line, the parcels that it fits, and how it is split: the three amounts sum to the parcel's open
    amount, and are 0 if nothing is booked. `shortage_minor` is negative for a surplus within the
    tolerance.
    """

    line: RemittanceLine
    result: Result
    claims: tuple[Claim, ...] = ()
    cut_minor: int = 0
    remitted_minor: int = 0
    shortage_minor: int = 0


def match(
    lines: Sequence[RemittanceLine], claims: Iterable[Claim], *, tolerance_minor: int
) -> Sequence[Match]:
    """A result for each line, in their order. `tolerance_minor`: a difference that is ignored."""
    found = _fitting(lines, claims)
    fits: dict[tuple[str, str], int] = defaultdict(int)
    for candidates in found:
        for claim in candidates:
            fits[_key(claim)] += 1
    matches = []
    for line, candidates in zip(lines, found, strict=True):
        is_only = len(candidates) == 1 and fits[_key(candidates[0])] == 1
        if not candidates:
            matches.append(Match(line=line, result=Result.UNKNOWN))
        elif all(was_booked(claim, line) for claim in candidates):
            matches.append(Match(line=line, result=Result.DUPLICATE, claims=candidates))
        elif not is_only:
            matches.append(Match(line=line, result=Result.SUGGESTED, claims=candidates))
        else:
            matches.append(_judged(line, candidates[0], tolerance_minor))
    return matches


def fitting(line: RemittanceLine, claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The parcels that a line may pay for, without regard to others."""
    (found,) = _fitting([line], claims)
    return found


def accepted(line: RemittanceLine, claim: Claim, *, tolerance_minor: int) -> Match:
    """A line matched to the parcel that a person has chosen among those that it fits."""
    if was_booked(claim, line):
        return Match(line=line, result=Result.DUPLICATE, claims=(claim,))
    return _judged(line, claim, tolerance_minor)


def _key(claim: Claim) -> tuple[str, str]:
    return claim.order_id, claim.tracking_number


def _fitting(
    lines: Sequence[RemittanceLine], claims: Iterable[Claim]
) -> Sequence[tuple[Claim, ...]]:
    by_number: dict[str, list[Claim]] = defaultdict(list)
    by_reference: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_number[folded(claim.tracking_number)].append(claim)
        by_reference[folded(claim.order_reference)].append(claim)
    return [_candidates(line, by_number, by_reference) for line in lines]


def _candidates(
    line: RemittanceLine,
    by_number: Mapping[str, Sequence[Claim]],
    by_reference: Mapping[str, Sequence[Claim]],
) -> tuple[Claim, ...]:
    """If the number names one parcel and the reference another order, both fit."""
    numbered = by_number.get(folded(line.tracking_number), ()) if line.tracking_number else ()
    referred = by_reference.get(folded(line.sender_reference), ()) if line.sender_reference else ()
    if not numbered:
        return tuple(claim for claim in referred if claim.is_owed) or tuple(referred)
    if referred and not _share_an_order(numbered, referred):
        return (*numbered, *referred)
    return tuple(numbered)


def _share_an_order(some: Sequence[Claim], others: Sequence[Claim]) -> bool:
    return any(one.order_id == other.order_id for one in some for other in others)


def folded(code: str) -> str:
    """A number or reference for comparison: without blanks, regardless of case."""
    return "".join(code.split()).casefold()


def spellings(code: str) -> frozenset[str]:
    """The spellings to look up, since codes are stored as first reported."""
    compact = "".join(code.split())
    return frozenset({code, compact, compact.upper()}) - {""}


def was_booked(claim: Claim, line: RemittanceLine) -> bool:
    if not claim.booked:
        return False
    return claim.open_minor == 0 or (line.remitted_minor, line.on) in claim.booked


def _judged(line: RemittanceLine, claim: Claim, tolerance_minor: int) -> Match:
    if (result := _not_booked(line, claim)) is not None:
        return Match(line=line, result=result, claims=(claim,))
    kept = _kept(line, claim)
    shortage = claim.open_minor - kept - line.remitted_minor
    if shortage < -tolerance_minor:
        return Match(line=line, result=Result.OVER, claims=(claim,))
    return Match(
        line=line,
        result=_result(line, claim, shortage, tolerance_minor),
        claims=(claim,),
        cut_minor=kept,
        remitted_minor=line.remitted_minor,
        shortage_minor=shortage,
    )


def _not_booked(line: RemittanceLine, claim: Claim) -> Result | None:
    """Why a line is not booked, regardless of the amount owed."""
    is_back = line.meaning in BACK_AT_SENDER
    if line.remitted_minor < 0:
        return Result.TAKEN_BACK
    if claim.standing is Standing.VOID:
        return Result.NOT_OWED if line.remitted_minor else Result.CAME_BACK
    if line.remitted_minor and (is_back or claim.standing is Standing.BACK):
        return Result.RETURNED_WITH_MONEY
    if claim.standing is Standing.BACK:
        return Result.CAME_BACK
    return Result.RETURNED if is_back else None


def _kept(line: RemittanceLine, claim: Claim) -> int:
    """The cut accepted: as the courier states it, but at most as agreed. The rest is a shortage."""
    if line.cut_minor is not None:
        return min(max(line.cut_minor, 0), claim.cut_minor)
    passes_on_all = line.collected_minor is not None  # and bills its cut separately
    return 0 if passes_on_all else claim.cut_minor


def _result(
    line: RemittanceLine, claim: Claim, shortage_minor: int, tolerance_minor: int
) -> Result:
    """A shortage no larger than the courier's excess cut counts as a wrong cut."""
    excess = 0 if line.cut_minor is None else line.cut_minor - claim.cut_minor
    if shortage_minor <= tolerance_minor:
        return Result.CUT_WRONG if excess < -tolerance_minor else Result.MATCHED
    return Result.CUT_WRONG if shortage_minor - excess <= tolerance_minor else Result.SHORT
