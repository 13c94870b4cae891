"""The items of an order, priced by the shop's server, and those left after removals. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs.errors import invalid
from libs.money import Money
from services.oneclick.errors import ItemNotRemovable


@dataclass(frozen=True, slots=True)
class Item:
    """A `fixed` item always stays. `unit_amount_minor` in the order's currency."""

    id: str
    name: str
    quantity: int
    unit_amount_minor: int
    fixed: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """`quantity` None: all of them."""

    item_id: str
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Lowering:
    """A lowering that payments has not answered; `key` is the caller's."""

    key: str
    amount: Money
    items: tuple[Item, ...]


def total_minor(items: Sequence[Item]) -> int:
    return sum(item.quantity * item.unit_amount_minor for item in items)


def check(items: Sequence[Item], amount: Money) -> None:
    """Raises InvalidArgument unless they sum to the amount, each with its own id. No items are
    fine.
    """
    seen: set[str] = set()
    for index, item in enumerate(items):
        if item.id in seen:
            raise invalid(f"items.{index}.id", "is already the id of another item")
        if item.unit_amount_minor < 0 and not item.fixed:
            raise invalid(
                f"items.{index}.unit_amount_minor", "can only be negative for a fixed item"
            )
        seen.add(item.id)
    if items and (sum_minor := total_minor(items)) != amount.amount_minor:
        together = Money(sum_minor, amount.currency)
        raise invalid("items", f"must sum to the amount {amount}, not to {together}")


def removed(before: Sequence[Item], left: Sequence[Item]) -> Sequence[Removal]:
    """What is in `before` and not in `left`."""
    kept = {item.id: item.quantity for item in left}
    gone = [Removal(item.id, item.quantity - kept.get(item.id, 0)) for item in before]
    return [removal for removal in gone if removal.quantity]


def without(items: Sequence[Item], removals: Sequence[Removal]) -> tuple[Item, ...]:
    """The remaining items; none if only fixed items would remain. Raises ItemNotRemovable."""
    removable = {item.id: item for item in items if not item.fixed}
    removed: Counter[str] = Counter()
    for removal in removals:
        item = removable.get(removal.item_id)
        if item is None:
            raise ItemNotRemovable
        removed[item.id] += item.quantity if removal.quantity is None else removal.quantity
        if removed[item.id] > item.quantity:
            raise ItemNotRemovable
    left = tuple(
        replace(item, quantity=item.quantity - removed[item.id])
        for item in items
        if item.quantity > removed[item.id]
    )
    if all(item.fixed for item in left):
        return ()
    if total_minor(left) <= 0:
        raise ItemNotRemovable
    return left
