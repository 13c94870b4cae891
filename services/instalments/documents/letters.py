"""Letters on a durable medium after signing: the reminder of the right to withdraw, and the
receipt.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from libs import display
from libs.documents.sheet import Facts, Paragraphs, Sheet
from services.instalments.documents import rows
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Notice, Plan
from services.instalments.documents.sheet import sheet
from services.instalments.rules.withdrawal import Withdrawal

_RIGHT: Final = ("right", "until", "how", "after")


def reminder(plan: Plan, *, signed_on: date, written_on: date) -> Sheet:
    """Required 1 to 7 days after signing if the information arrived less than a day before it."""
    figures = PlanFigures(plan)
    keys = ("greeting", *_RIGHT, "closing")
    return sheet(
        figures,
        name="reminder",
        issued_on=written_on,
        signed=figures.day(signed_on),
        blocks=[
            Paragraphs(texts=_reminding(figures, signed_on, keys)),
            Paragraphs(texts=rows.contact(figures)),
        ],
    )


def reminding(plan: Plan, *, signed_on: date) -> Sequence[str]:
    """The reminder's sentences, for an e-mail with its own greeting."""
    return _reminding(PlanFigures(plan), signed_on, _RIGHT)


def _reminding(figures: PlanFigures, signed_on: date, keys: Sequence[str]) -> Sequence[str]:
    plan, say = figures.plan, figures.words.say
    values = figures.withdrawal() | {
        "signed": figures.day(signed_on),
        "creditor": plan.creditor.name,
        "shopper": plan.shopper,
        "reference": plan.order_reference,
    }
    return [say(f"reminder.{key}", **values) for key in keys]


def receipt(notice: Notice) -> Sheet:
    """The receipt for a notice of withdrawal: its content, and when it was received."""
    plan = notice.plan
    figures = PlanFigures(plan)
    say = figures.words.say
    contract = say(
        "receipt.contract_says",
        kind=figures.by_class("agreement.title"),
        signed=figures.day(notice.signed_on),
        reference=plan.order_reference,
    )
    return sheet(
        figures,
        name="receipt",
        issued_on=notice.received_at.date(),
        blocks=[
            Facts(
                heading=say("receipt.heading"),
                columns=rows.columns(figures),
                rows=[
                    (say("receipt.name"), [notice.name]),
                    (say("receipt.contract"), [contract]),
                    (
                        say("receipt.received"),
                        [display.moment(notice.received_at, plan.locale)],
                    ),
                    (say("receipt.channel"), [notice.sent_to]),
                    (say("receipt.content"), [say("receipt.content_says")]),
                ],
            ),
            Paragraphs(
                heading=say("receipt.next"),
                texts=[say("receipt.stopped"), _to_repay(figures, notice.due)],
            ),
        ],
    )


def _to_repay(figures: PlanFigures, due: Withdrawal) -> str:
    if due.give_back_minor:
        return figures.words.say("receipt.give_back", amount=figures.minor(due.give_back_minor))
    if due.owed_minor == 0:
        return figures.words.say("receipt.nothing")
    return figures.words.say(
        "receipt.repay",
        on=figures.day(due.repaid_on),
        owed=figures.minor(due.owed_minor),
        capital=figures.minor(due.capital_minor),
        interest=figures.minor(due.interest_minor),
        paid=figures.minor(due.paid_back_minor),
        until=figures.day(due.repay_by),
    )
