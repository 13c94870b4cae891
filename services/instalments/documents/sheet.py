"""The sheet of a plan's document: its blocks, title, shopper, creditor and version."""

from collections.abc import Sequence
from datetime import date

from libs.documents.sheet import Block, Sheet
from libs.text import isolated
from services.instalments.documents.figures import PlanFigures


def sheet(
    figures: PlanFigures,
    *,
    name: str,
    blocks: Sequence[Block],
    issued_on: date | None = None,
    **values: str,
) -> Sheet:
    """`name` is the document's section in the wording; `values` are those of its description."""
    plan, words = figures.plan, figures.words
    day = issued_on or plan.issued_on
    order = words.say("page.order", reference=plan.order_reference)
    return Sheet(
        language=words.language,
        region=words.texts["page.region"],
        title=figures.by_class(f"{name}.title"),
        description=figures.by_class(f"{name}.description", **values),
        prepared=words.say("page.prepared", shopper=plan.shopper, date=figures.day(day)),
        author=plan.creditor.name,
        colour=plan.creditor.colour,
        issued_on=day,
        running=f"{isolated(plan.creditor.name)} · {order}",
        version=words.say("page.version", version=words.version, regime=plan.regime.version),
        page=words.texts["page.number"],
        blocks=blocks,
    )
