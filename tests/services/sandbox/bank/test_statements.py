"""Statements and settlement reports by HTTP say what the sandbox's books say, but for mistakes that were asked for."""

import io

import pytest

from libs.statements import reading
from libs.statements.model import Entry

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
    """A charge and a refund of it."""
    charge = (await sandbox.charge(reference="A-1")).body
    await sandbox.write(f"/charges/{charge['id']}/refunds", {"amount_minor": 1000})
    (payout,) = (await sandbox.call("POST", "/control/payouts", {})).body["data"]
    return payout


@pytest.mark.parametrize("form", ["format=camt.053", "version=001.02", "format=mt940"])
async def test_a_statement_has_transfers_and_the_payouts_asked_for(sandbox, form: str):
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


async def test_days_before_are_in_the_opening_balance(sandbox):
    await sandbox.call("POST", "/bank/transfers", TRANSFER)
    data = await fetched(sandbox, f"/bank/accounts/{IBAN}/statement?from=2098-01-01&to=2098-01-31")
    (statement,) = reading.proven(lambda: io.BytesIO(data)).statements
    assert statement.opening
    assert statement.opening.amount_minor == 12900
    assert statement.totals == ()


@pytest.mark.parametrize("dialect", ["stripe", "paypal"])
async def test_a_settlement_report_has_the_lines_that_were_paid_out(sandbox, dialect: str):
    payout = await paid_out(sandbox)
    charge, refund = entries(await fetched(sandbox, f"{REPORT}?dialect={dialect}"))
    assert charge.amount_minor + refund.amount_minor == payout["net_minor"]
    assert (charge.gross_minor, refund.gross_minor) == (5990, -1000)
    assert charge.references.order == "A-1"
    assert charge.references.payment == refund.references.payment != ""
    if dialect == "stripe":
        assert charge.references.batch == payout["id"]


async def test_mistakes_are_in_the_file_and_not_in_the_books(sandbox):
    for amount_minor in (100, 200, 300, 400):
        await sandbox.call("POST", "/bank/transfers", TRANSFER | {"amount_minor": amount_minor})
    wrong = f"{STATEMENT}&missing=1&duplicate=1&amount=1&unknown=1"
    assert [each.amount_minor for each in entries(await fetched(sandbox, wrong))] == [
        200,
        200,
        400,
        400,
        1234,
    ]
    right = entries(await fetched(sandbox, STATEMENT))
    assert [each.amount_minor for each in right] == [100, 200, 300, 400]


@pytest.mark.parametrize("dialect", ["stripe", "paypal"])
async def test_a_report_with_mistakes_is_still_a_report(sandbox, dialect: str):
    await paid_out(sandbox)
    wrong = f"{REPORT}?dialect={dialect}&amount=1&unknown=2"
    found = entries(await fetched(sandbox, wrong))
    assert [each.gross_minor for each in found] == [6090, -1000, 1234, 1234]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("format=pdf", "format"),
        ("version=001.04", "version"),
        ("payouts_of=A!", "payouts_of"),
        ("missing=101", "missing"),
    ],
)
async def test_a_wrong_question_is_refused_by_field(sandbox, query: str, field: str):
    answer = await sandbox.call("GET", f"/bank/accounts/{IBAN}/statement?{query}")
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_an_account_that_is_none_has_no_statement(sandbox):
    assert (await sandbox.call("GET", "/bank/accounts/IT00X/statement")).status == 422
