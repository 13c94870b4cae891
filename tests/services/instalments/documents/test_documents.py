"""The contents of each document, by class, law and language; golden texts are beside this file."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest

from libs.money import Money
from services.instalments.documents.agreement import agreement
from services.instalments.documents.before_consent import before_consent
from services.instalments.documents.figures import Figures, PlanFigures
from services.instalments.documents.information import information
from services.instalments.documents.letters import receipt, reminder
from services.instalments.documents.model import Notice, Plan, Proposed
from services.instalments.documents.secci import secci
from services.instalments.documents.wording import wording_of
from services.instalments.rules import withdrawal
from services.instalments.rules.regimes import PlanClass
from services.instalments.rules.terms import Frequency, Unit
from tests.services.instalments.documents.drawn_up import (
    TODAY,
    credit,
    deferral,
    lines,
    plan_of,
)
from tests.services.instalments.given import MONTHLY, terms_of

WARNING = "Attenzione! Prendere in prestito denaro costa denaro"
# Texts for pages and messages, which no document contains.
USED_ELSEWHERE = {"consent.credit", "consent.both", "consent.card"}


def notice_of(plan: Plan, **due: object) -> Notice:
    """A notice of withdrawal on day 13, after the payment on signing; `due` replaces amounts due."""
    noticed_on = date(2026, 12, 9)
    owed = withdrawal.withdraw(
        plan.schedule, plan.regime, paid={1: TODAY}, noticed_on=noticed_on, repaid_on=noticed_on
    )
    return Notice(
        plan=plan,
        signed_on=TODAY,
        name="Giulia Ferràri",
        received_at=datetime(2026, 12, 9, 10, 3, tzinfo=UTC),
        sent_to="giulia@example.com",
        due=replace(owed, **due),
    )


def out_of_scope(**changes: object) -> Plan:
    """A plan above the law's ceiling, with interest."""
    terms = terms_of(payments=12, every=MONTHLY, interest_basis_points=500)
    return plan_of(terms, Money(150_000_00, "EUR"), **changes)


def every_document(locale: str) -> list[str]:
    """Documents of every class, with and without optional parts."""
    lent, free, beyond = (make(locale=locale) for make in (credit, deferral, out_of_scope))
    one = plan_of(terms_of(payments=1), Money(150_00, "EUR"), locale=locale)
    rhythms = [
        plan_of(terms_of(payments=5, every=Frequency(unit, n)), Money(150_00, "EUR"), locale=locale)
        for unit in Unit
        for n in (1, 3)
    ]
    interest_free = plan_of(
        terms_of(payments=4, every=MONTHLY), Money(150_00, "EUR"), locale=locale
    )
    lacking = [
        replace(free, withdraw_until=TODAY),
        replace(lent, creditor=replace(lent.creditor, redress="")),
        replace(lent, page="incasso.example/plan/1", shopper_address="Via Roma 1, Faenza"),
    ]
    sheets = [
        *(
            sheet
            for plan in (lent, free, beyond, one, interest_free, *rhythms, *lacking)
            for sheet in before_consent(plan)
        ),
        reminder(lent, signed_on=TODAY, written_on=date(2026, 11, 28)),
        receipt(notice_of(lent)),
        receipt(notice_of(lent, capital_minor=0, interest_minor=0, paid_back_minor=0)),
        receipt(notice_of(lent, capital_minor=0)),
    ]
    return [lines(sheet) for sheet in sheets]


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("secci", lambda locale: secci(credit(locale=locale))),
        ("agreement_credit", lambda locale: agreement(credit(locale=locale))),
        ("information", lambda locale: information(deferral(locale=locale))),
        ("agreement_deferral", lambda locale: agreement(deferral(locale=locale))),
    ],
)
def test_documents_equal_their_golden_files(name: str, sheet, locale: str):
    golden = Path(__file__).parent / "golden" / f"{name}_{locale}.txt"
    assert lines(sheet(locale)) == golden.read_text()


@pytest.mark.parametrize("locale", ["it", "en"])
def test_every_text_is_used_by_a_document(locale: str):
    content = "\n".join(every_document(locale))
    unused = [
        key
        for key, text in wording_of(locale).texts.items()
        if not all(fixed in content for fixed, *_ in Formatter().parse(text))
    ]
    layout = {"page.number", "page.region", "page.about", "page.says"}
    assert set(unused) - layout == USED_ELSEWHERE


def test_credit_carries_the_warning_and_a_deferral_none():
    lent, free = credit(), deferral()
    assert all(WARNING in lines(sheet(lent)) for sheet in (secci, agreement))
    assert not any(WARNING in lines(sheet(free)) for sheet in (information, agreement))


@pytest.mark.parametrize(
    ("on", "warned"), [(date(2026, 11, 19), False), (date(2026, 11, 20), True)]
)
def test_credit_of_the_day_before_the_law_applies_carries_no_warning(on: date, *, warned: bool):
    plan = credit(on=on)
    assert plan.plan_class is PlanClass.CREDIT
    assert (WARNING in lines(secci(plan))) is warned


def test_a_deferral_names_its_article_and_says_that_it_is_no_credit():
    content = lines(information(deferral()))
    assert "non è un credito ai consumatori (direttiva (UE) 2023/2225 art. 2(2)(h))" in content
    assert "TAEG" not in content


def test_the_standard_information_has_the_rows_of_the_annex_in_its_order():
    rows = [
        about
        for block in secci(credit(locale="en")).blocks
        if block.block == "facts"
        for about, _ in block.rows
    ]
    assert rows[:13] == [
        "Creditor",
        "Total amount of credit",
        "Duration of the credit agreement",
        "Borrowing rate",
        "Annual percentage rate of charge (APR)",
        "Total amount you will have to pay",
        "The credit is a deferred payment for goods or a service",
        "Costs in the case of late payments",
        "Instalments and, where appropriate, the order in which they are allocated",
        "Warning on the consequences of missing or late payments",
        "Right of withdrawal",
        "Early repayment",
        "How to contact the creditor",
    ]


def test_what_is_paid_on_signing_is_no_credit():
    plan = credit()
    first = plan.parts[0].principal_minor
    assert (plan.paid_at_once.amount_minor, plan.credit.amount_minor) == (first, 60_000 - first)


def test_figures_and_dates_are_those_of_the_readers_language():
    assert "11 dicembre 2026 | 53,34 €" in lines(information(deferral())).replace("\xa0", " ")
    assert "11 December 2026 | €53.34" in lines(information(deferral(locale="en")))


@pytest.mark.parametrize(
    ("rate", "shown"), [("9.994999", "9.99%"), ("9.995", "10.00%"), ("0.005", "0.01%")]
)
def test_rates_are_rounded_half_up(rate: str, shown: str):
    sheet = agreement(credit(locale="en", taeg=Decimal(rate)))
    assert f"APR: {shown}" in lines(sheet)


def test_a_days_interest_has_more_places_than_the_currency():
    """498.12 at 9 % is 44.8308 a year."""
    assert "€0.1228 a day" in lines(secci(credit(locale="en")))


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "JP¥16,001"), ("KWD", "KWD16.001")])
def test_amounts_have_the_places_of_their_currency(currency: str, amount: str):
    plan = plan_of(terms_of(currency=currency), Money(16_001, currency), locale="en")
    assert f"Price: {amount}" in lines(information(plan))


def test_what_the_law_wants_beside_a_price_needs_neither_shopper_nor_order():
    lent, free = (
        Figures(
            Proposed(locale="en", schedule=p.schedule, taeg=p.taeg, classification=p.classification)
        )
        for p in (credit(), deferral())
    )
    assert lent.warning() == "Caution! Borrowing money costs money"
    assert lent.example() == (
        "Representative example: total amount of credit €498.12; 6 instalments (1 of €106.88, "
        "4 of €101.88, 1 of €101.87) every month, from 26 November 2026 to 26 April 2027; fixed "
        "borrowing rate 9.00%; APR 13.92%; total cost of the credit €16.27; total amount payable "
        "€616.27."
    )
    assert free.warning() == ""
    assert free.legal().startswith("Deferred payment granted by the seller, without interest")


@pytest.mark.parametrize(
    ("plan", "begin"),
    [
        (credit(), "Ho ricevuto in tempo utile le Informazioni europee di base"),
        (deferral(), "Ho ricevuto le informazioni sul pagamento a rate"),
        (out_of_scope(), "Ho ricevuto le informazioni sul pagamento a rate"),
    ],
)
def test_a_consent_is_one_sentence_of_the_plans_class_with_its_proof(plan: Plan, begin: str):
    shown = PlanFigures(plan).consent()
    assert shown.text.startswith(begin)
    assert "Autorizzo Ceramiche Bianchi S.r.l." in shown.text
    assert shown.version == "2026-11-26"
    assert len(shown.sha256) == 64


def test_without_a_late_fee_lateness_costs_nothing():
    assert "Nessuna penale e nessun interesse di mora." in lines(information(deferral()))


def test_a_receipt_says_what_is_charged_still():
    left = lines(receipt(notice_of(credit(locale="en"))))
    charged = "what has not been paid by then is charged to your card on that day."
    assert charged in left
    paid = notice_of(credit(locale="en"), capital_minor=0, interest_minor=0, paid_back_minor=0)
    assert charged not in lines(receipt(paid))


def test_a_receipt_states_content_time_and_where_it_was_sent():
    content = lines(receipt(notice_of(credit(locale="en"))))
    assert "Content: “I withdraw from the contract named above.”" in content
    assert "Notice received on: 9 December 2026, 11:03 CET" in content
    assert "Receipt sent to: giulia@example.com" in content
    assert (
        "you owe €494.72: €498.12 of capital and €1.60 of interest accrued, less €5.00" in content
    )


def test_a_part_of_which_a_refund_left_nothing_is_not_shown():
    plan = deferral()
    first, second, third = plan.schedule.parts
    left = (
        replace(first, principal_minor=first.principal_minor + second.principal_minor),
        replace(second, principal_minor=0),
        third,
    )
    plan = replace(plan, schedule=replace(plan.schedule, parts=left))
    assert [part.number for part in plan.parts] == [1, 3]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("shopper", {"shopper": ""}),
        ("shopper", {"shopper": "x" * 201}),
        ("goods", {"goods": "x" * 201}),
        ("withdraw_until", {"withdraw_until": None}),
        ("classification", {"classification": deferral().classification}),
        ("schedule", {"schedule": replace(credit().schedule, parts=())}),
        ("schedule", {"schedule": replace(credit().schedule, amount=Money(1, "EUR"))}),
        ("creditor", {"creditor": replace(credit().creditor, address="x" * 501)}),
    ],
)
def test_what_no_document_can_state_is_refused_by_name(field: str, change: dict):
    with pytest.raises(ValueError, match=field):
        credit(**change)
