"""The information on a plan that is not consumer credit: one page, and no warning."""

from collections.abc import Sequence

from libs.documents.sheet import Facts, Row, Sheet
from services.instalments.documents import rows
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Plan
from services.instalments.documents.sheet import sheet


def information(plan: Plan) -> Sheet:
    figures = PlanFigures(plan)
    return sheet(
        figures,
        name="information",
        blocks=[
            rows.highlights(figures),
            rows.schedule(figures),
            Facts(
                heading=figures.words.say("information.summary"),
                columns=rows.columns(figures),
                rows=_summary(figures),
            ),
        ],
    )


def _summary(figures: PlanFigures) -> Sequence[Row]:
    plan, say = figures.plan, figures.words.say
    price, withdrawal = figures.amount(plan.price), figures.withdrawal()
    may_withdraw = (
        say("information.withdrawal"),
        [say("information.withdrawal_says", **withdrawal)],
    )
    return [
        (say("information.seller"), [plan.creditor.name, *rows.contact(figures)]),
        (
            say("information.goods"),
            [say("information.goods_says", goods=plan.goods, price=price)],
        ),
        (
            say("information.payments"),
            [say("information.payments_says", payments=figures.payments())],
        ),
        (
            say("information.cost"),
            [figures.costs("information.cost_says", none="information.cost_none")],
        ),
        (say("late.heading"), [figures.late()]),
        (say("information.early"), [say("information.early_says")]),
        (say("information.returns"), [say("information.returns_says")]),
        *([may_withdraw] if plan.withdraw_until else []),
        (
            say("information.kind"),
            [figures.by_class("information.kind_says", legal=figures.legal())],
        ),
        (say("information.complaints"), [figures.redress()]),
    ]
