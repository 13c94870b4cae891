"""Movements between accounts when items are matched, or a person explains them. Pure.

At the bank, received money is unallocated until it is explained. At a PSP, a line has already settled
its amount, so only a difference is booked.
"""

from collections.abc import Sequence
from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.facts import Moved
from services.reporting.rules.items import OpenItem, Side, Stage

_OPEN: Final = {
    (Stage.BANK, Side.OURS): Account.BANK_IN_TRANSIT,
    (Stage.BANK, Side.THEIRS): Account.UNALLOCATED,
    (Stage.PSP, Side.OURS): Account.PSP_RECEIVABLE,
    (Stage.PSP, Side.THEIRS): Account.PSP_RECEIVABLE,
}


def matched(stage: Stage, party: str, ours_minor: int, theirs_minor: int) -> Sequence[Moved]:
    """Clears a pair and writes off the difference."""
    if stage is Stage.PSP:
        return of_differences(
            [Moved(Account.PSP_RECEIVABLE.value, party, theirs_minor - ours_minor)]
        )
    return of_differences(
        [
            Moved(Account.UNALLOCATED.value, "", theirs_minor),
            Moved(Account.BANK_IN_TRANSIT.value, party, -ours_minor),
        ]
    )


def taken(item: OpenItem) -> Moved:
    """Removes the item from the account on which it was waiting."""
    account = _OPEN[item.stage, item.side]
    party = "" if account is Account.UNALLOCATED else item.party
    sign = -1 if item.side is Side.OURS else 1
    return Moved(account.value, party, sign * item.amount_minor)


def together(items: Sequence[OpenItem], others: Sequence[Moved] = ()) -> Sequence[Moved]:
    """Clears items that belong together, books parts on other accounts, and writes off the rest."""
    return of_differences([*map(taken, items), *others])


def of_differences(moves: Sequence[Moved]) -> Sequence[Moved]:
    """Sums the moves by account, drops zeros, and books the rest as a reconciliation difference."""
    summed: dict[tuple[str, str], int] = {}
    for move in moves:
        place = move.account, move.party
        summed[place] = summed.get(place, 0) + move.amount_minor
    found = [Moved(*place, amount) for place, amount in summed.items() if amount]
    rest = sum(move.amount_minor for move in found)
    if rest:
        found.append(Moved(Account.RECONCILIATION_DIFFERENCES.value, "", -rest))
    return found
