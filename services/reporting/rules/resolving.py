"""How a person may resolve an exception. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.errors import invalid
from services.reporting.errors import AmountsDiffer, ExceptionResolved, NotResolvableSo
from services.reporting.rules.chart import Account
from services.reporting.rules.exceptions import (
    OF_OPEN_ITEMS,
    ExceptionState,
    ReconciliationException,
    ResolvedAs,
)
from services.reporting.rules.facts import Moved
from services.reporting.rules.items import OpenItem

_BY_PERSON = (
    ResolvedAs.MATCHED,
    ResolvedAs.SPLIT,
    ResolvedAs.WRITTEN_OFF,
    ResolvedAs.DISMISSED,
)


@dataclass(frozen=True, slots=True)
class Part:
    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's resolution. `item_ids` and `parts`: the amounts that the item consists of."""

    resolved_as: ResolvedAs
    resolution: str
    item_ids: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


def check(cmd: Resolution) -> None:
    """Raises InvalidArgument."""
    if cmd.resolved_as not in _BY_PERSON:
        raise invalid("resolved_as", "must be matched, split, written_off or dismissed")
    takes_items = cmd.resolved_as in {ResolvedAs.MATCHED, ResolvedAs.SPLIT}
    if cmd.item_ids and not takes_items:
        raise invalid("item_ids", "are only for matched and split")
    if cmd.resolved_as is ResolvedAs.MATCHED and not cmd.item_ids:
        raise invalid("item_ids", "name the items that it is matched with")
    if len(set(cmd.item_ids)) < len(cmd.item_ids):
        raise invalid("item_ids", "name each item once")
    if cmd.parts and cmd.resolved_as is not ResolvedAs.SPLIT:
        raise invalid("parts", "are only for split")
    if cmd.resolved_as is ResolvedAs.SPLIT and not cmd.parts:
        raise invalid("parts", "say how much of the item belongs to which account")
    for part in cmd.parts:
        if part.account not in _ACCOUNTS:
            raise invalid("parts.account", f"must be one of: {', '.join(sorted(_ACCOUNTS))}")


_ACCOUNTS = frozenset(account.value for account in Account)


def is_known(found: ReconciliationException, cmd: Resolution) -> bool:
    """Whether it was already resolved in this way. Raises ExceptionResolved, NotResolvableSo."""
    if found.state is ExceptionState.RESOLVED:
        same = (found.resolved_as, found.resolution) == (cmd.resolved_as, cmd.resolution)
        if not same:
            raise ExceptionResolved
        return True
    if found.type not in OF_OPEN_ITEMS and cmd.resolved_as is not ResolvedAs.DISMISSED:
        raise NotResolvableSo
    return False


def moves(item: OpenItem, others: Sequence[OpenItem], cmd: Resolution) -> Sequence[Moved]:
    """The movements of the parts. Raises AmountsDiffer unless items and parts add up to the item."""
    parts_minor = sum(part.amount_minor for part in cmd.parts)
    found_minor = sum(each.amount_minor for each in others) + parts_minor
    if found_minor != item.amount_minor:
        raise AmountsDiffer(
            f"The item is {item.amount_minor}, but items and parts sum to {found_minor}."
        )
    return [Moved(part.account, "", -part.amount_minor) for part in cmd.parts]


def check_others(item: OpenItem, others: Sequence[OpenItem]) -> None:
    """Raises InvalidArgument."""
    for each in others:
        if (each.stage, each.currency) != (item.stage, item.currency) or each.side is item.side:
            raise invalid("item_ids", f"{each.id} is on the same side, or in another currency")
