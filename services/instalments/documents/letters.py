"""What a shopper gets on a durable medium after signing: reminder of the right to withdraw, receipt."""

from datetime import date

from libs import display
from services.instalments.documents import rows
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Plan, Withdrawal
from services.instalments.documents.sheet import Facts, Paragraphs, Sheet, sheet


def reminder(plan: Plan, *, signed_on: date, written_on: date) -> Sheet:
    """Due 1 to 7 days after signing when the information came less than a day before it."""
    figures = PlanFigures(plan)
    say = figures.words.say
    values = figures.withdrawal() | {
        "signed": figures.day(signed_on),
        "creditor": plan.creditor.name,
        "shopper": plan.shopper,
        "reference": plan.order_reference,
    }
    said = ("greeting", "right", "until", "how", "after", "closing")
    return sheet(
        figures,
        name="reminder",
        issued_on=written_on,
        signed=values["signed"],
        blocks=[
            Paragraphs(texts=[say(f"reminder.{key}", **values) for key in said]),
            Paragraphs(texts=rows.contact(figures)),
        ],
    )


def receipt(withdrawal: Withdrawal) -> Sheet:
    """Of a notice of withdrawal: its content, and the moment at which it came."""
    plan = withdrawal.plan
    figures = PlanFigures(plan)
    say = figures.words.say
    contract = say(
        "receipt.contract_says",
        kind=figures.by_class("agreement.title"),
        signed=figures.day(withdrawal.signed_on),
        reference=plan.order_reference,
    )
    return sheet(
        figures,
        name="receipt",
        issued_on=withdrawal.received_at.date(),
        blocks=[
            Facts(
                heading=say("receipt.heading"),
                columns=rows.columns(figures),
                rows=[
                    (say("receipt.name"), [withdrawal.name]),
                    (say("receipt.contract"), [contract]),
                    (
                        say("receipt.received"),
                        [display.moment(withdrawal.received_at, plan.locale)],
                    ),
                    (say("receipt.channel"), [withdrawal.sent_to]),
                    (say("receipt.content"), [say("receipt.content_says")]),
                ],
            ),
            Paragraphs(
                heading=say("receipt.next"),
                texts=[say("receipt.stopped"), _to_repay(figures, withdrawal)],
            ),
        ],
    )


def _to_repay(figures: PlanFigures, withdrawal: Withdrawal) -> str:
    if withdrawal.give_back.amount_minor:
        return figures.words.say("receipt.give_back", amount=figures.amount(withdrawal.give_back))
    if withdrawal.repay.amount_minor == 0:
        return figures.words.say("receipt.nothing")
    return figures.words.say(
        "receipt.repay",
        repay=figures.amount(withdrawal.repay),
        interest=figures.amount(withdrawal.interest),
        until=figures.day(withdrawal.repay_until),
    )
