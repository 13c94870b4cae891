"""Parts shared by several documents of a plan: the schedule, the creditor's contact."""

from collections.abc import Sequence

from libs.documents.sheet import Banner, Highlights, Schedule
from services.instalments.documents.figures import PlanFigures
from services.instalments.rules.regimes import PlanClass


def columns(figures: PlanFigures) -> tuple[str, str]:
    return figures.words.say("page.about"), figures.words.say("page.says")


def warning(figures: PlanFigures) -> Sequence[Banner]:
    """The warning, if the law requires one."""
    return [Banner(text=text)] if (text := figures.warning()) else []


def highlights(figures: PlanFigures) -> Highlights:
    """The key figures; for credit, those by which offers are compared."""
    plan, say = figures.plan, figures.words.say
    count = (say("figures.count"), str(len(plan.parts)))
    if plan.plan_class is PlanClass.CREDIT:
        first = (say("figures.credit"), figures.amount(plan.credit))
        last = (say("figures.total"), figures.amount(plan.total))
        return Highlights(
            figures=[first, count, (say("figures.taeg"), figures.rate(plan.taeg)), last]
        )
    price = (say("figures.price"), figures.amount(plan.price))
    return Highlights(figures=[price, count, (say("figures.cost"), figures.amount(plan.cost))])


def contact(figures: PlanFigures) -> Sequence[str]:
    creditor, say = figures.plan.creditor, figures.words.say
    ways = {
        "address": creditor.address,
        "email": creditor.email,
        "phone": creditor.phone,
        "website": creditor.website,
        "page": figures.plan.page,
    }
    return [say(f"contact.{way}", value=value) for way, value in ways.items() if value]


def schedule(figures: PlanFigures) -> Schedule:
    """The schedule, with separate columns for interest and charges if there are any."""
    plan, say = figures.plan, figures.words.say
    shown = ("principal", "interest", "fee") if plan.cost.amount_minor else ()
    sums = {"principal": plan.price, "interest": plan.interest, "fee": plan.fees}
    return Schedule(
        heading=say("schedule.heading"),
        columns=[say(f"schedule.{name}") for name in ("number", "due", *shown, "amount")],
        rows=[
            [
                str(part.number),
                figures.due(part.due_on),
                *(figures.minor(getattr(part, f"{name}_minor")) for name in shown),
                figures.minor(part.total_minor),
            ]
            for part in plan.parts
        ],
        total=[
            say("schedule.total"),
            *(figures.amount(sums[name]) for name in shown),
            figures.amount(plan.total),
        ],
    )
