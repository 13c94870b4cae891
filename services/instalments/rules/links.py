"""Payment links of missed parts: which parts have one, and for which amount. Pure.

A link is for the amount due on its part, including the late fee: if that changes, the link is closed
and another one created. Until it is closed it can be paid, and paying its amount pays the
part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs.display import language_of
from libs.money import Money
from libs.payments import links as asked
from libs.payments.links import LinkState
from services.instalments.rules.collecting import paid, watched
from services.instalments.rules.plans import COLLECTED, OPEN, Instalment, Plan, Shown, completed
from services.instalments.rules.states import LINK_INITIAL, InstalmentState

# A written-off part can still be paid.
_OWED: Final = (*OPEN, InstalmentState.WRITTEN_OFF)
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "it": "Rata {number} di {count}, ordine {reference}",
    "en": "Instalment {number} of {count}, order {reference}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLink:
    """`checks`: how often paylink was called, or was about to be."""

    merchant_id: str
    id: str
    plan_id: str
    number: int
    state: LinkState = LINK_INITIAL
    amount: Money
    description: str
    payment_link_id: str | None = None
    checks: int = 0
    created_at: datetime


def released(link: PartLink) -> PartLink:
    """The link, which must no longer be paid."""
    return replace(link, state=asked.released(link))


def outdated(shown: Shown, links: Sequence[PartLink]) -> Sequence[PartLink]:
    """Those of `links` with an outdated amount. While a part is being charged its link stays:
    payments accepts only one of the two.
    """
    by_number = {part.number: part for part in shown.parts}
    return [link for link in links if not _is_due(shown.plan, by_number[link.number], link.amount)]


def without(shown: Shown, links: Sequence[PartLink]) -> Sequence[Instalment]:
    """Missed parts without one of `links` for the current amount."""
    have = {link.number for link in links}
    return [
        part
        for part in shown.parts
        if part.state is InstalmentState.MISSED
        and part.number not in have
        and _is_due(shown.plan, part, due(shown.plan, part))
    ]


def due(plan: Plan, part: Instalment) -> Money:
    return Money(part.amount_minor, plan.amount.currency)


def _is_due(plan: Plan, part: Instalment, amount: Money) -> bool:
    owed = plan.state in COLLECTED and part.state in OPEN and part.missed_at is not None
    return owed and amount == due(plan, part) and amount.amount_minor > 0


def described(plan: Plan, part: Instalment, count: int) -> str:
    template = DESCRIPTIONS[language_of(plan.locale)]
    return template.format(number=part.number, count=count, reference=plan.order_reference)


@dataclass(frozen=True, slots=True)
class PaidByLink:
    """What paylink reports. `payment_id`: None if a person assigned a bank transfer to the link."""

    payment_link_id: str
    plan_id: str
    number: int
    amount_minor: int
    payment_id: str | None


def is_surplus(part: Instalment, paid_link: PaidByLink) -> bool:
    """Whether more was paid than is owed: the part is settled, or a refund reduced it."""
    if part.state in _OWED:
        return paid_link.amount_minor > part.amount_minor
    return part.payment_id is None or part.payment_id != paid_link.payment_id


def settled(
    plan: Plan, parts: Sequence[Instalment], paid_link: PaidByLink, now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """The part is paid by the amount of its link; a late fee charged since is waived. Unchanged if
    the part is no longer owed.
    """
    part = parts[paid_link.number - 1]
    if part.state not in _OWED or plan.activated_at is None:
        return plan, parts
    waived = min(max(part.amount_minor - paid_link.amount_minor, 0), part.late_fee_minor)
    lowered = replace(part, late_fee_minor=part.late_fee_minor - waived)
    after = list(parts)
    after[paid_link.number - 1] = paid(
        lowered, payment_id=paid_link.payment_id, rebate_minor=0, now=now
    )
    return watched(completed(plan, after, now), after), after
