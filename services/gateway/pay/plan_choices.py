"""What a customer can do with a plan, as shown on its page: amounts before consent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from incasso.instalments.v1 import pages_pb2, plans_pb2
from libs import display
from services.gateway.pay.plan_forms import ALL
from services.gateway.pay.plan_view import money
from services.gateway.pay.texts import WORDS


@dataclass(frozen=True, slots=True)
class Option:
    """A part that can be paid now. `value` names it and its amount; `before` is empty if there is
    no rebate.
    """

    value: str
    due: str
    amount: str
    before: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sum. `kind` is a CSS class."""

    label: str
    amount: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The whole balance, as one payment today."""

    value: str
    amount: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Owed:
    """The amounts of a withdrawal. `amount` is empty if nothing is owed, `back` if nothing is
    refunded.
    """

    lines: Sequence[Line]
    amount: str
    repay_by: str
    back: str


def options(page: pages_pb2.PlanPage, language: str) -> Sequence[Option]:
    days = {part.number: part.due_on for part in page.plan.instalments}
    currency = page.plan.amount.currency
    return [
        Option(
            value=f"{part.number}:{part.amount_minor}",
            due=display.day(date.fromisoformat(days[part.number]), language),
            amount=money(part.amount_minor, currency, language),
            before=money(part.amount_minor + part.rebate_minor, currency, language)
            if part.rebate_minor
            else "",
        )
        for part in page.payable
    ]


def settlement(page: pages_pb2.PlanPage, language: str) -> Settlement | None:
    """Also None if only one part is left, which is paid as a part."""
    found = page.settlement
    if not page.HasField("settlement") or len(page.payable) <= 1:
        return None
    amount = money(found.amount.amount_minor, found.amount.currency, language)
    return Settlement(
        value=f"{ALL}:{found.amount.amount_minor}",
        amount=amount,
        lines=_sum(_lines_of(found), found.amount.currency, language),
    )


_Counted = Sequence[tuple[str, int]]  # key of the text, minor units


def _lines_of(found: plans_pb2.InstalmentSettlement) -> _Counted:
    return (
        ("plan_settle_price", found.principal_minor),
        ("plan_settle_interest", found.interest_minor),
        ("plan_settle_fees", found.fees_minor),
        ("plan_settle_late", found.late_fees_minor),
        ("plan_settle_interest_off", -found.interest_rebate_minor),
        ("plan_settle_fees_off", -found.fees_rebate_minor),
    )


def _sum(lines: _Counted, currency: str, language: str) -> Sequence[Line]:
    """The lines, without those of zero."""
    words = WORDS[language]
    return [
        Line(words[word], money(minor, currency, language), "off" if minor < 0 else "")
        for word, minor in lines
        if minor
    ]


def owed(answer: pages_pb2.WithdrawPlanPageResponse, language: str) -> Owed:
    due, currency = answer.withdrawal, answer.page.plan.amount.currency
    lines = (
        ("plan_owed_capital", due.capital_minor),
        ("plan_owed_interest", due.interest_minor),
        ("plan_owed_paid", -due.paid_back_minor),
    )
    return Owed(
        lines=_sum(lines, currency, language),
        amount=money(due.owed_minor, currency, language) if due.owed_minor else "",
        repay_by=display.day(date.fromisoformat(due.repay_by), language),
        back=money(due.give_back_minor, currency, language) if due.give_back_minor else "",
    )


def other_cards(page: pages_pb2.PlanPage) -> Sequence[pages_pb2.PlanCard]:
    """Cards other than the one being charged."""
    return [card for card in page.cards if card.card.instrument_id != page.plan.instrument_id]


def withdraw_until(page: pages_pb2.PlanPage, language: str) -> str:
    if not page.HasField("withdraw_until"):
        return ""
    return display.day(date.fromisoformat(page.withdraw_until), language)
