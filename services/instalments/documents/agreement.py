"""The agreement itself: parties, figures, schedule, clauses. Concluded by the first payment."""

from collections.abc import Sequence
from typing import Final

from libs.documents.sheet import Clauses, Facts, Row, Sheet
from services.instalments.documents import rows
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Plan
from services.instalments.documents.sheet import sheet
from services.instalments.rules.regimes import PlanClass

CLAUSES: Final = (
    "object",
    "schedule",
    "mandate",
    "late",
    "withdrawal",
    "early",
    "purchase",
    "assignment",
    "complaints",
    "law",
)


def agreement(plan: Plan) -> Sheet:
    figures = PlanFigures(plan)
    say = figures.words.say
    is_lent = plan.plan_class is PlanClass.CREDIT or plan.cost.amount_minor > 0
    return sheet(
        figures,
        name="agreement",
        blocks=[
            *rows.warning(figures),
            rows.highlights(figures),
            Facts(
                heading=say("agreement.parties"),
                columns=rows.columns(figures),
                rows=_parties(figures),
            ),
            *([_conditions(figures)] if is_lent else []),
            rows.schedule(figures),
            Clauses(heading=say("agreement.clauses"), clauses=_clauses(figures)),
        ],
    )


def _parties(figures: PlanFigures) -> Sequence[Row]:
    plan, say = figures.plan, figures.words.say
    order = say(
        "agreement.order_says",
        reference=plan.order_reference,
        goods=plan.goods,
        price=figures.amount(plan.price),
    )
    return [
        (
            figures.by_class("agreement.creditor"),
            [plan.creditor.name, *rows.contact(figures)],
        ),
        *(
            [(say("agreement.supervisor"), [plan.creditor.supervisor])]
            if plan.creditor.supervisor and plan.plan_class is PlanClass.CREDIT
            else []
        ),
        (say("agreement.shopper"), [plan.shopper, *filter(None, [plan.shopper_address])]),
        (say("agreement.order"), [order]),
        (say("agreement.nature"), [figures.legal()]),
    ]


def _conditions(figures: PlanFigures) -> Facts:
    plan, say = figures.plan, figures.words.say
    return Facts(
        heading=say("agreement.figures"),
        columns=rows.columns(figures),
        rows=[
            (say("agreement.credit"), [figures.amount(plan.credit)]),
            (say("agreement.rate"), [say("secci.rate_says", rate=figures.rate(plan.nominal_rate))]),
            (say("agreement.taeg"), [figures.rate(plan.taeg), say("agreement.taeg_basis")]),
            (
                say("agreement.costs"),
                [figures.costs("agreement.costs_says", none="agreement.costs_none")],
            ),
            (say("agreement.total"), [figures.amount(plan.total)]),
        ],
    )


def _clauses(figures: PlanFigures) -> Sequence[tuple[str, str]]:
    plan = figures.plan
    values = figures.withdrawal() | {
        "creditor": plan.creditor.name,
        "late": figures.late(),
        "redress": figures.redress(),
    }
    withheld = () if plan.withdraw_until else ("withdrawal",)
    return [
        (
            figures.words.say(f"clauses.{name}.heading"),
            figures.by_class(f"clauses.{name}", **values),
        )
        for name in CLAUSES
        if name not in withheld
    ]
