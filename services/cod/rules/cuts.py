"""The courier's cut of the collected amount, and how the amount is divided. Pure."""

from dataclasses import dataclass

from libs.rounding import share


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A percentage and a fixed part, with minimum and maximum, in minor units. None: no limit."""

    basis_points: int = 0
    fixed_minor: int = 0
    minimum_minor: int = 0
    maximum_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """How the collected amount is divided. `shortage_minor`: neither agreed cut nor passed on;
    negative if too much was passed on. The three sum to the collected amount.
    """

    cut_minor: int
    remitted_minor: int
    shortage_minor: int


def cut_of(cut: Cut, collected_minor: int) -> int:
    """The cut that the courier may keep: never more than it collected."""
    whole = share(collected_minor, cut.basis_points) + cut.fixed_minor
    at_least = max(whole, cut.minimum_minor)
    at_most = at_least if cut.maximum_minor is None else min(at_least, cut.maximum_minor)
    return min(at_most, collected_minor)


def shares_of(cut: Cut, *, collected_minor: int, remitted_minor: int) -> Shares:
    """The shares by the courier's terms, whatever its file calls the difference."""
    kept = cut_of(cut, collected_minor)
    return Shares(kept, remitted_minor, collected_minor - kept - remitted_minor)
