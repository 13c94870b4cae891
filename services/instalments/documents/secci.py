"""The Standard European Consumer Credit Information: Directive (EU) 2023/2225, Annex I.

The key information comes first, in the annex's order, and its part I is on the first page.
"""

from collections.abc import Sequence

from libs.documents.sheet import Facts, Row, Sheet
from services.instalments.documents import rows
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Plan
from services.instalments.documents.sheet import sheet


def secci(plan: Plan) -> Sheet:
    figures = PlanFigures(plan)
    say = figures.words.say
    parts = (
        ("key", _key(figures)),
        ("more_key", _more_key(figures)),
        ("product", _product(figures)),
        ("costs", _costs(figures)),
        ("legal", _legal(figures)),
        ("distance", _distance(figures)),
    )
    facts = [
        Facts(heading=say(f"secci.{part}"), columns=rows.columns(figures), rows=stands)
        for part, stands in parts
    ]
    return sheet(
        figures,
        name="secci",
        blocks=[*rows.warning(figures), *facts[:2], rows.schedule(figures), *facts[2:]],
    )


def _key(figures: PlanFigures) -> Sequence[Row]:
    plan, say = figures.plan, figures.words.say
    at_once = figures.amount(plan.paid_at_once)
    return [
        (say("secci.creditor"), [plan.creditor.name]),
        (
            say("secci.credit"),
            [
                figures.amount(plan.credit),
                say("secci.credit_note"),
                *([say("secci.at_once", amount=at_once)] if plan.paid_at_once.amount_minor else []),
            ],
        ),
        (
            say("secci.duration"),
            [
                say(
                    "secci.duration_says",
                    first=figures.day(plan.issued_on),
                    last=figures.day(plan.parts[-1].due_on),
                    days=str(plan.days),
                )
            ],
        ),
        (say("secci.rate"), [say("secci.rate_says", rate=figures.rate(plan.nominal_rate))]),
        (say("secci.taeg"), [figures.rate(plan.taeg), say("secci.taeg_note")]),
        (say("secci.total"), [figures.amount(plan.total), say("secci.total_note")]),
        (
            say("secci.goods"),
            [say("secci.goods_says", goods=plan.goods, price=figures.amount(plan.price))],
        ),
        (say("late.heading"), [figures.late()]),
    ]


def _more_key(figures: PlanFigures) -> Sequence[Row]:
    plan, say = figures.plan, figures.words.say
    return [
        (say("secci.payments"), [say("secci.payments_says", payments=figures.payments())]),
        (say("secci.missing"), [say("secci.missing_says")]),
        (say("secci.withdrawal"), [say("secci.withdrawal_says", **figures.withdrawal())]),
        (say("secci.early"), [say("secci.early_says")]),
        (say("secci.contact"), [plan.creditor.name, *rows.contact(figures)]),
    ]


def _product(figures: PlanFigures) -> Sequence[Row]:
    plan, say = figures.plan, figures.words.say
    return [
        (say("secci.type"), [say("secci.type_says", legal=figures.legal())]),
        (say("secci.drawdown"), [say("secci.drawdown_says", reference=plan.order_reference)]),
        (say("secci.sureties"), [say("secci.sureties_says")]),
    ]


def _costs(figures: PlanFigures) -> Sequence[Row]:
    say = figures.words.say
    return [
        (say("secci.representative"), [figures.example()]),
        (say("secci.ancillary"), [say("secci.ancillary_says")]),
        (say("secci.related"), [figures.costs("secci.related_says", none="secci.related_none")]),
    ]


def _legal(figures: PlanFigures) -> Sequence[Row]:
    say = figures.words.say
    return [
        (say("secci.database"), [say("secci.database_says")]),
        (say("secci.automated"), [say("secci.automated_says")]),
        (say("secci.draft"), [say("secci.draft_says")]),
        (
            say("secci.bound"),
            [say("secci.bound_says", until=figures.day(figures.plan.valid_until))],
        ),
    ]


def _distance(figures: PlanFigures) -> Sequence[Row]:
    creditor, say = figures.plan.creditor, figures.words.say
    known = (("registered", creditor.registered), ("supervisor", creditor.supervisor))
    return [
        *((say(f"secci.{name}"), [value]) for name, value in known if value),
        (
            say("secci.exercise"),
            [say("secci.exercise_says", **figures.withdrawal())],
        ),
        (say("secci.law"), [say("secci.law_says")]),
        (say("secci.languages"), [say("secci.languages_says")]),
        (say("secci.redress"), [figures.redress()]),
    ]
