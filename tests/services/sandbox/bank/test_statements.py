"""Statements and settlement reports by HTTP agree with the sandbox's books, except for requested mistakes."""

import io

import pytest

from libs.statements import reading
from libs.statements.model import Entry
from services.sandbox.wrong_payouts import INVENTED, OF_CHARGES

IBAN = "IT60X0542811101000000123456"
TRANSFER = {"iban": IBAN, "name": "Bottega Demo", "amount_minor": 12900, "text": "A-1"}
ALWAYS = "from=2020-01-01&to=2099-12-31"
STATEMENT = f"/bank/accounts/{IBAN}/statement?{ALWAYS}"
REPORT = "/psp/sandbox-a/settlements/report"
KEY = {"Authorization": "Bearer sandbox_sk_sandbox-a"}


async def fetched(sandbox, path: str) -> bytes:
    async with sandbox.session.get(sandbox.url + path, headers=KEY) as answer:
        assert answer.status == 200
        return await answer.read()


def entries(data: bytes) -> list[Entry]:
    contents = reading.proven(lambda: io.BytesIO(data))
    return [
        entry
        for block in reading.blocks(lambda: io.BytesIO(data), contents)
        for entry in block.entries
    ]


async def paid_out(sandbox) -> dict:
    """The payout of a charge and a refund of it."""
    charge = (await sandbox.charge(reference="A-1")).body
    await sandbox.write(f"/charges/{charge['id']}/refunds", {"amount_minor": 1000})
    (payout,) = (await sandbox.call("POST", "/control/payouts", {})).body["data"]
    return payout


@pytest.mark.parametrize("form", ["format=camt.053", "version=001.02", "format=mt940"])
async def test_a_statement_contains_transfers_and_the_requested_payouts(sandbox, form: str):
    made = (await sandbox.call("POST", "/bank/transfers", TRANSFER)).body
    payout = await paid_out(sandbox)
    data = await fetched(sandbox, f"{STATEMENT}&{form}&payouts_of=sandbox-a,sandbox-b")
    transfer, arrived = entries(data)
    assert (transfer.amount_minor, transfer.references.bank) == (12900, made["bank_reference"])
    assert (transfer.text, transfer.counterparty.name) == ("A-1", "Giulia Bianchi")
    assert (arrived.amount_minor, arrived.references.end_to_end) == (
        payout["net_minor"],
        payout["id"],
    )


async def test_earlier_days_are_in_the_opening_balance(sandbox):
    await sandbox.call("POST", "/bank/transfers", TRANSFER)
    data = await fetched(sandbox, f"/bank/accounts/{IBAN}/statement?from=2098-01-01&to=2098-01-31")
    (statement,) = reading.proven(lambda: io.BytesIO(data)).statements
    assert statement.opening
    assert statement.opening.amount_minor == 12900
    assert statement.totals == ()


@pytest.mark.parametrize("dialect", ["stripe", "paypal"])
async def test_a_settlement_report_has_the_lines_that_were_paid_out(sandbox, dialect: str):
    payout = await paid_out(sandbox)
    charge, refund, *withdrawn = entries(await fetched(sandbox, f"{REPORT}?dialect={dialect}"))
    assert charge.amount_minor + refund.amount_minor == payout["net_minor"]
    assert (charge.gross_minor, refund.gross_minor) == (5990, -1000)
    assert charge.references.order == "A-1"
    assert charge.references.payment == refund.references.payment != ""
    if dialect == "stripe":
        assert charge.references.batch == payout["id"]
    else:
        assert [(each.amount_minor, each.references.bank) for each in withdrawn] == [
            (-payout["net_minor"], payout["id"])
        ]


async def test_mistakes_are_in_the_file_and_not_in_the_books(sandbox):
    for amount_minor in (100, 200, 300, 400):
        await sandbox.call("POST", "/bank/transfers", TRANSFER | {"amount_minor": amount_minor})
    wrong = f"{STATEMENT}&missing=1&duplicate=1&amount=1&unknown_credit=1&unknown_debit=1"
    assert [each.amount_minor for each in entries(await fetched(sandbox, wrong))] == [
        200,
        200,
        400,
        400,
        1234,
        -1234,
    ]
    right = entries(await fetched(sandbox, STATEMENT))
    assert [each.amount_minor for each in right] == [100, 200, 300, 400]


MISTAKES = (*OF_CHARGES, *INVENTED)


@pytest.mark.parametrize("dialect", ["stripe", "paypal"])
async def test_payout_mistakes_are_in_the_settlement_report_and_in_the_bank_credit(
    sandbox, dialect: str
):
    for number in range(1, 9):
        await sandbox.charge(amount_minor=number * 1000, reference=f"A-{number}")
    order = {"account": "sandbox-a", "mistakes": dict.fromkeys(MISTAKES, 1)}
    made = (await sandbox.call("POST", "/control/payouts", order)).body
    found = entries(await fetched(sandbox, f"{REPORT}?dialect={dialect}"))
    found = [each for each in found if each.kind != "T0400"]
    assert [(each.gross_minor, each.currency) for each in found] == [
        (2000, "EUR"), (3100, "EUR"), (4000, "USD"), (5000, "EUR"), (6000, "EUR"), (7000, "EUR"),
        (8000, "EUR"), (2000, "EUR"), (1234, "EUR"), (-765, "EUR"), (-987, "EUR"), (-432, "EUR"),
    ]  # fmt: skip  # reads as rows
    assert len({each.id for each in found}) == len(found)
    by_gross = {each.gross_minor: each for each in found}
    assert by_gross[5000].fee_minor == -(70 + 25 + 50)
    assert (by_gross[6000].booked_on - by_gross[5000].booked_on).days == 20
    assert (by_gross[7000].references.payment, by_gross[7000].references.order) == ("", "")
    (arrived,) = entries(await fetched(sandbox, f"{STATEMENT}&payouts_of=sandbox-a"))
    euro = [each.amount_minor for each in found if each.currency == "EUR"]
    assert arrived.amount_minor == sum(euro)
    assert {each["currency"]: each["net_minor"] for each in made["data"]} == {
        "EUR": sum(euro),
        "USD": by_gross[4000].amount_minor,
    }


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"account": "sandbox-a", "mistakes": {"missing": 1}}, "mistakes"),
        ({"mistakes": {"amount": 1}}, "mistakes"),
        ({"account": "sandbox-a", "mistakes": {"wrong": 1}}, "wrong"),
        ({"account": "sandbox-a", "mistakes": {"amount": 101}}, "amount"),
        ({"account": "sandbox-a", "mistakes": 1}, "mistakes"),
    ],
)
async def test_invalid_payout_mistakes_are_refused_by_field(sandbox, order: dict, field: str):
    answer = await sandbox.call("POST", "/control/payouts", order)
    assert (answer.status, answer.body["field"]) == (422, field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("format=pdf", "format"),
        ("version=001.04", "version"),
        ("payouts_of=A!", "payouts_of"),
        ("missing=101", "missing"),
        ("mark=x", "mark"),
    ],
)
async def test_an_invalid_statement_query_is_refused_by_field(sandbox, query: str, field: str):
    answer = await sandbox.call("GET", f"/bank/accounts/{IBAN}/statement?{query}")
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_a_statement_of_an_invalid_iban_is_refused(sandbox):
    assert (await sandbox.call("GET", "/bank/accounts/IT00X/statement")).status == 422
