"""A day's files of the simulated bank and PSP: each line is imported once, however the files overlap."""

import pytest

from tests.e2e.conftest import until_back

IMPORTS = "/v1/reconciliation/imports"


@pytest.fixture
async def paid_out(shop, booked):
    """Makes a charge and the payout that includes it. Returns PSP account and payout."""
    payment = (await shop.one_click(await shop.customer("tok_visa"), 4990)).expect(201)
    (row,) = await booked(payment)
    url = f"{shop.sandbox_url}/control/payouts"
    async with shop.http.post(url, json={"account": row["account"]}) as answer:
        assert answer.status in {200, 201}, await answer.text()
    return payment, row["account"]


async def report(shop, account, dialect):
    url = f"{shop.sandbox_url}/psp/{account}/settlements/report"
    headers = {"Authorization": f"Bearer sandbox_sk_{account}"}
    async with shop.http.get(url, params={"dialect": dialect}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def statement(shop, iban, account, form):
    url = f"{shop.sandbox_url}/bank/accounts/{iban}/statement"
    asked = {"format": form, "payouts_of": account}
    async with shop.http.get(url, params=asked) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


@pytest.mark.parametrize("dialect", ["stripe", "paypal"])
async def test_a_psp_report_is_imported_once(shop, paid_out, dialect):
    payment, account = paid_out
    data = await report(shop, account, dialect)
    url = f"{IMPORTS}?psp_account={account}&source=psp&name={dialect}.csv"
    imported = (await shop.upload(url, data)).expect(200)
    assert imported["format"].startswith(dialect)
    assert (await shop.upload(url, data)).expect(200) == imported
    asked = f"?import_id={imported['id']}&order_reference={payment['order_reference']}"
    (line,) = (await shop.get(f"/v1/reconciliation/settlement-lines{asked}"))["data"]
    assert (line["party"], line["kind"], line["gross_minor"]) == (account, "charge", 4990)
    assert line["fee_minor"] < 0
    assert line["net_minor"] == 4990 + line["fee_minor"]


@pytest.mark.parametrize("form", ["camt.053", "mt940"])
async def test_a_bank_statement_is_imported_once(shop, paid_out, form):
    _, account = paid_out
    iban = "IT60X0542811101000000123456"
    imported = (await shop.upload(IMPORTS, await statement(shop, iban, account, form))).expect(200)
    assert (imported["source"], imported["format"]) == ("bank", form)
    again = (await shop.upload(IMPORTS, await statement(shop, iban, account, form))).expect(200)
    assert again["lines"] == 0 or again == imported
    lines = (await shop.get("/v1/reconciliation/bank-lines?limit=100"))["data"]
    assert len({line["id"] for line in lines}) == len(lines)
    assert {line["account"] for line in lines} == {iban}


async def test_a_refused_file_is_reported_with_its_line_and_reason(shop):
    answer = await shop.upload(IMPORTS, b"<html>Your session has ended</html>")
    assert answer.status == 422
    assert answer.body["code"] == "statement_refused"
    assert (answer.body["refused_line"], "web page" in answer.body["refused_reason"]) == ("1", True)
    (newest,) = (await shop.get(f"{IMPORTS}?state=refused&limit=1"))["data"]
    assert newest["refused_reason"] == answer.body["refused_reason"]


async def test_a_statement_credit_pays_the_link_it_references(shop, payer):
    account = {"holder": "Bottega S.r.l.", "iban": "IT60X0542811101000000123456"}
    (await shop.call("PUT", "/v1/merchant/bank-account", account)).expect(200)
    link = (await shop.link(8_800)).expect(201)
    order = {
        "iban": account["iban"],
        "name": account["holder"],
        "amount_minor": 8_800,
        "currency": "EUR",
        "reference": link["creditor_reference"],
    }
    async with shop.http.post(f"{shop.sandbox_url}/bank/transfers", json=order) as answer:
        assert answer.status == 201, await answer.text()
        reference = (await answer.json())["bank_reference"]
    for form in ("camt.053", "mt940"):
        file = await statement(shop, account["iban"], "nobody", form)
        (await shop.upload(IMPORTS, file)).expect(200)

    async def outcomes():
        asked = f"?bank_reference={reference}"
        lines = (await shop.get(f"/v1/reconciliation/bank-lines{asked}"))["data"]
        return [line["link_transfer"].get("outcome") for line in lines]

    await until_back(lambda: outcomes_are_known(outcomes))
    assert set(await outcomes()) == {"matched"}
    listed = await shop.get(f"/v1/bank-transfers?payment_link_id={link['id']}")
    assert [transfer["bank_reference"] for transfer in listed["data"]] == [reference]
    assert (await payer.open(link["url"])).view == "paid"


async def outcomes_are_known(outcomes):
    found = await outcomes()
    return bool(found) and None not in found
