"""Queries of the ledger: balances, statements, lines of entries. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.reporting.rules.chart import KINDS, ORDER, Account, AccountKind, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    account: str
    kind: AccountKind
    party: str | None
    currency: str
    debit_minor: int
    credit_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    currency: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    data: Sequence[AccountBalance]
    totals: Sequence[CurrencyTotal]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    id: str
    kind: str
    booked_on: date
    happened_on: date
    amount_minor: int
    balance_minor: int
    payment_id: str | None
    order_reference: str | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    account: str
    party: str | None
    debit_minor: int
    credit_minor: int


def balance_of(
    account: str, party: str, currency: str, debit_minor: int, credit_minor: int
) -> AccountBalance:
    return AccountBalance(
        account=account,
        kind=KINDS[Account(account)],
        party=party or None,
        currency=currency,
        debit_minor=debit_minor,
        credit_minor=credit_minor,
        balance_minor=debit_minor - credit_minor,
    )


def trial_balance(balances: Iterable[AccountBalance]) -> TrialBalance:
    """Sorted by currency, then in the order of the chart."""
    data = sorted(
        balances, key=lambda one: (one.currency, ORDER[Account(one.account)], one.party or "")
    )
    totals = [
        CurrencyTotal(
            currency,
            sum(one.debit_minor for one in data if one.currency == currency),
            sum(one.credit_minor for one in data if one.currency == currency),
        )
        for currency in dict.fromkeys(one.currency for one in data)
    ]
    return TrialBalance(data, totals)


def lines_of(moves: Iterable[tuple[Place, Place, int]]) -> Sequence[JournalLine]:
    """One line per account and party of an entry, debits first. `moves`: debit, credit, amount."""
    sums: dict[Place, int] = {}
    for debit, credit, amount_minor in moves:
        sums[debit] = sums.get(debit, 0) + amount_minor
        sums[credit] = sums.get(credit, 0) - amount_minor
    return [*_side(sums, 1), *_side(sums, -1)]


def _side(sums: Mapping[Place, int], sign: int) -> Sequence[JournalLine]:
    found = [(place, amount * sign) for place, amount in sums.items() if amount * sign > 0]
    found.sort(key=lambda item: (ORDER[item[0].account], item[0].party))
    return [
        JournalLine(
            account=place.account.value,
            party=place.party or None,
            debit_minor=amount if sign > 0 else 0,
            credit_minor=0 if sign > 0 else amount,
        )
        for place, amount in found
    ]
