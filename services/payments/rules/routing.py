"""Which PSP accounts may take a payment, in the order in which they are tried.

The first matching rule names the accounts; if none matches, every account is a candidate in order
of creation. Only accounts with a token for the instrument can charge it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from libs.errors import invalid
from libs.money import Money, exponent


@dataclass(frozen=True, slots=True)
class Target:
    """An account by name. Rank 0 is tried first; weights decide among equal ranks."""

    psp_account: str
    rank: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """Empty conditions match every payment. Amounts are inclusive, in minor units."""

    targets: tuple[Target, ...]
    currencies: tuple[str, ...] = ()
    amount_from_minor: int | None = None
    amount_to_minor: int | None = None
    methods: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """A merchant's rules, in order."""

    rules: tuple[Rule, ...] = ()


def check(routing: Routing) -> None:
    """Raises InvalidArgument for amount limits that make no sense."""
    for index, rule in enumerate(routing.rules):
        low, high = rule.amount_from_minor, rule.amount_to_minor
        if low is not None and high is not None and low > high:
            field = f"routing.rules.{index}.amount_to_minor"
            raise invalid(field, "must not be below amount_from_minor")
        # A number is an amount only together with a currency: 5000 is 50.00 EUR and 5000 JPY.
        bounded = low is not None or high is not None
        if bounded and len({exponent(currency) for currency in rule.currencies}) != 1:
            raise invalid(
                f"routing.rules.{index}.currencies",
                "must list the currencies of the amounts, all with equally many decimals",
            )


@dataclass(frozen=True, slots=True)
class Question:
    """The properties that the rules check."""

    amount: Money
    method: str
    brand: str
    country: str


def candidates(
    rules: Sequence[Rule],
    question: Question,
    *,
    accounts: Sequence[str],
    tokens: Collection[str],
    open_breakers: Collection[str],
    chance: Callable[[], float],
) -> list[str]:
    """Names of accounts in the order in which to try them; empty if none can charge.

    `accounts` in order of creation; `tokens` are the accounts that know the instrument; accounts
    with an open breaker go last. `chance` returns numbers in [0, 1).
    """
    rule = next((rule for rule in rules if fits(rule, question)), None)
    ordered = accounts if rule is None else _by_rank(rule.targets, chance)
    able = [name for name in ordered if name in tokens and name in accounts]
    return sorted(dict.fromkeys(able), key=lambda name: name in open_breakers)


def fits(rule: Rule, question: Question) -> bool:
    amount = question.amount.amount_minor
    return (
        _allows(rule.currencies, question.amount.currency)
        and (rule.amount_from_minor is None or amount >= rule.amount_from_minor)
        and (rule.amount_to_minor is None or amount <= rule.amount_to_minor)
        and _allows(rule.methods, question.method)
        and _allows(rule.brands, question.brand)
        and _allows(rule.countries, question.country)
    )


def _allows(values: tuple[str, ...], value: str) -> bool:
    return not values or value in values


def _by_rank(targets: Sequence[Target], chance: Callable[[], float]) -> list[str]:
    ordered = sorted(targets, key=lambda target: target.rank)
    return [
        name
        for _, equals in groupby(ordered, key=lambda target: target.rank)
        for name in _shuffled(list(equals), chance)
    ]


def _shuffled(targets: list[Target], chance: Callable[[], float]) -> list[str]:
    """Draws without replacement: a target's share of first places is its share of the weights."""
    drawn = []
    while targets:
        ticket = chance() * sum(target.weight for target in targets)
        for target in targets:
            ticket -= target.weight
            if ticket < 0:
                break
        drawn.append(target.psp_account)
        targets.remove(target)
    return drawn
