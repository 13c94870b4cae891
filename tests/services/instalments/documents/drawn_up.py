"""Plans for tests of documents, and the contents of a document as text."""

import re
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from libs.documents.sheet import Sheet
from libs.money import Money
from services.instalments.documents.model import Creditor, Plan
from services.instalments.rules import regimes, schedule, taeg
from services.instalments.rules.regimes import Offered, PlanClass
from services.instalments.rules.terms import Terms
from tests.services.instalments.given import MONTHLY, terms_of

TODAY = date(2026, 11, 26)
CREDITOR = Creditor(
    name="Ceramiche Bianchi S.r.l.",
    address="Via delle Fornaci 12, 48018 Faenza (RA), Italia",
    email="rate@ceramichebianchi.example",
    phone="+39 0546 123456",
    website="ceramichebianchi.example",
    registered="REA RA-123456",
    supervisor="Organismo Agenti e Mediatori (OAM)",
    redress="Arbitro Bancario Finanziario (ABF)",
    colour="#b3261e",
)


def plan_of(terms: Terms, amount: Money, *, on: date = TODAY, **changes: Any) -> Plan:
    """A plan by the rules for a small Italian seller, except for `changes`."""
    planned = schedule.planned(terms, amount, on)
    offered = Offered(
        amount=amount,
        interest_minor=planned.interest_minor,
        fees_minor=planned.fees_minor,
        signed_on=on,
        last_due_on=planned.last_due_on,
    )
    classification = regimes.classify(regimes.in_force("IT", on), offered)
    is_credit = classification.plan_class is PlanClass.CREDIT
    drawn_up = Plan(
        locale="it",
        creditor=CREDITOR,
        shopper="Giulia Ferràri",
        order_reference="A-1001",
        goods="Servizio di piatti in ceramica",
        schedule=planned,
        taeg=taeg.of(planned),
        classification=classification,
        grace_days=terms.grace_days,
        late_fee_minor=terms.late_fee_minor,
        late_fees_most_minor=terms.late_fees_most_minor,
        valid_until=on + timedelta(days=1),
        withdraw_until=on + timedelta(days=14) if is_credit else None,
    )
    return replace(drawn_up, **changes)


def credit(*, payments: int = 6, amount_minor: int = 60_000, **changes: Any) -> Plan:
    """600.00 in six months at 9 %, 5.00 upfront, with a late fee of 4.00."""
    terms = terms_of(
        payments=payments,
        every=MONTHLY,
        interest_basis_points=900,
        upfront_fee_minor=500,
        late_fee_minor=400,
        late_fees_most_minor=1_200,
    )
    return plan_of(terms, Money(amount_minor, "EUR"), **changes)


def deferral(**changes: Any) -> Plan:
    """160.01 in three payments 15 days apart, free of charge."""
    return plan_of(terms_of(), Money(160_01, "EUR"), **changes)


def lines(sheet: Sheet) -> str:
    """Its contents, block by block and without layout, for comparing and reading."""
    content = [sheet.title, sheet.description, sheet.prepared, sheet.running, sheet.version]
    for block in sheet.blocks:
        content += ["", f"[{block.block}]"]
        match block.block:
            case "banner":
                content.append(block.text)
            case "highlights":
                content += [f"{name}: {figure}" for name, figure in block.figures]
            case "facts":
                content += [
                    block.heading,
                    *(f"{about}: {' / '.join(of)}" for about, of in block.rows),
                ]
            case "schedule":
                rows = (block.columns, *block.rows, block.total)
                content += [block.heading, *(" | ".join(row) for row in rows)]
            case "clauses":
                content += [block.heading, *(f"{name}: {text}" for name, text in block.clauses)]
            case "paragraphs":
                content += [block.heading, *block.texts]
    return "\n".join(content) + "\n"


def read(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf))


def pages(pdf: bytes) -> list[str]:
    """Texts of the pages, with one blank between words and without invisible characters."""
    return [visible(page.extract_text()) for page in read(pdf).pages]


def visible(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("[\u200b\u2066-\u2069]", "", text)).strip()
