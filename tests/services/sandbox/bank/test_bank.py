import pytest

IBAN = "IT60X0542811101000000123456"
EPC = f"BCD\n002\n1\nSCT\n\nBottega Demo\n{IBAN}\nEUR129.00\n\nRF18539007547034"
TYPED = {"iban": IBAN, "name": "Bottega Demo", "amount_minor": 12900}


async def pay(sandbox, **body):
    return await sandbox.call("POST", "/bank/transfers", body)


async def test_paying_a_scanned_code_credits_the_account(sandbox):
    answer = await pay(sandbox, epc=EPC, debtor_name="Luca Verdi")
    assert answer.status == 201
    assert answer.body["bank_reference"].startswith("TRN")
    assert answer.body["reference"] == "RF18539007547034"
    found = (await sandbox.call("GET", f"/bank/accounts/{IBAN}/credits")).body["data"]
    assert found == [answer.body]
    assert (found[0]["amount_minor"], found[0]["debtor_name"]) == (12900, "Luca Verdi")


async def test_a_typed_iban_may_contain_spaces(sandbox):
    answer = await pay(sandbox, **TYPED | {"iban": "it60 X054 2811 1010 0000 0123 456"}, text="A-1")
    assert (answer.status, answer.body["iban"], answer.body["text"]) == (201, IBAN, "A-1")


async def test_credits_can_be_read_from_a_cursor_after_a_restart(launch):
    path = f"/bank/accounts/{IBAN}/credits"
    async with launch() as sandbox:
        await pay(sandbox, **TYPED)
        await pay(sandbox, **TYPED | {"iban": "DE89370400440532013000"})
        first = (await sandbox.call("GET", path)).body
        assert (len(first["data"]), first["has_more"]) == (1, False)
    async with launch() as sandbox:
        await pay(sandbox, **TYPED | {"amount_minor": 1})
        rest = (await sandbox.call("GET", f"{path}?since={first['next_cursor']}")).body
        assert [row["amount_minor"] for row in rest["data"]] == [1]
        again = (await sandbox.call("GET", f"{path}?since={rest['next_cursor']}")).body
        assert (again["data"], again["next_cursor"]) == ([], rest["next_cursor"])


async def test_the_payer_must_supply_an_open_amount(sandbox):
    answer = await pay(sandbox, epc=EPC.replace("EUR129.00", ""), amount_minor=500)
    assert answer.body["amount_minor"] == 500
    assert (await pay(sandbox, epc=EPC.replace("EUR129.00", ""))).body["field"] == "amount_minor"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (TYPED | {"iban": "IT60X0542811101000000123457"}, "iban"),
        (TYPED | {"reference": "RF19539007547034"}, "reference"),
        (TYPED | {"reference": "RF18539007547034", "text": "x"}, "text"),
        (TYPED | {"amount_minor": 0}, "amount_minor"),
        (TYPED | {"currency": "USD"}, "currency"),
        (TYPED | {"name": "x" * 71}, "name"),
        (TYPED | {"colour": "red"}, "colour"),
        ({"epc": "hello"}, "payload"),
        ({"epc": EPC, "iban": IBAN}, "iban"),
        ({"epc": EPC, "amount_minor": 1}, "amount_minor"),
    ],
)
async def test_an_invalid_transfer_is_refused_by_field(sandbox, body, field):
    answer = await pay(sandbox, **body)
    assert (answer.status, answer.body["field"]) == (422, field)
    assert (await sandbox.call("GET", f"/bank/accounts/{IBAN}/credits")).body["data"] == []


async def test_listing_the_credits_of_an_invalid_iban_is_refused(sandbox):
    assert (await sandbox.call("GET", "/bank/accounts/IT00X/credits")).status == 422


async def submit(sandbox, **form):
    async with sandbox.session.post(
        f"{sandbox.url}/bank?locale=it", data=form, allow_redirects=False
    ) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def test_the_form_makes_a_transfer_and_shows_it(sandbox):
    status, location, _ = await submit(sandbox, epc=EPC.replace("\n", "\r\n"), debtor_name="Luca")
    assert status == 303
    page = (await sandbox.call("GET", location)).body
    assert "Bonifico eseguito" in page
    assert "129,00\u00a0€" in page
    typed = {"iban": IBAN, "name": "Bottega", "amount": "12,5", "reference": "", "text": "<b>"}
    assert (await submit(sandbox, **typed))[0] == 303
    page = (await sandbox.call("GET", "/bank")).body
    assert "€12.50" in page
    assert "<b><" not in page


async def test_a_refused_form_keeps_what_was_typed(sandbox):
    status, _, page = await submit(sandbox, iban="IT00", name='"Bottega"', amount="12")
    assert status == 422
    assert 'role="alert"' in page
    assert "&#34;Bottega&#34;" in page
    status, _, page = await submit(sandbox, iban=IBAN, name="Bottega", amount="twelve")
    assert (status, "Scrivi un importo" in page) == (422, True)
