"""Errors of PSP, bank and courier, planted at the sandbox and found by importing its reports."""

from collections import Counter
from contextlib import AsyncExitStack

import pytest

from services.reporting.rules.exceptions import ExceptionType
from services.sandbox.wrong_payouts import INVENTED, OF_CHARGES
from stack.cod_journeys import cash_on_delivery
from stack.shop import Shop
from tests.e2e.conftest import open_shop, until_back

API = "/v1/reconciliation"
IBAN = "FR1420041010050500013M02606"  # an account that receives nothing else
OLDER_SECONDS = 12 * 86_400
# One charge for each mistake; two of equal amount lose their references, so that either could match.
SUFFERED = {kind: 2 if kind == "unnamed" else 1 for kind in OF_CHARGES}
NAMES = {
    "missing": "missing_at_psp", "amount": "amount_differs", "currency": "currency_differs",
    "fee": "fee_differs", "duplicate": "duplicate", "late": "late",
}  # fmt: skip  # names
EXPECTED = Counter(dict.fromkeys((each.value for each in ExceptionType), 1))
EXPECTED["ambiguous"] = 2
# One payout missing from the bank's statement, one in a currency that the account does not have, and
# the courier's transfer to another account.
EXPECTED["missing_at_bank"] = 3


@pytest.fixture
async def open_day(stack):
    """`await open_day(name)`: a merchant without history."""
    async with AsyncExitStack() as opened:

        async def one(name: str) -> Shop:
            shop, _ = await opened.enter_async_context(open_shop(stack, name))
            return shop

        yield one


@pytest.mark.parametrize(("dialect", "form"), [("stripe", "camt.053"), ("paypal", "mt940")])
async def test_each_planted_error_raises_its_exception_type(open_day, dialect: str, form: str):
    shop = await open_day(f"{dialect}-errors")
    accounts = {name: f"{name}-{dialect}-errors" for name in ("sandbox-a", "sandbox-b")}
    orders = await charges(shop)
    await cash_on_delivery(shop)
    terms = {"party": "sandbox-a", "tolerance_minor": 0}
    terms |= {"fee_basis_points": 140, "fee_fixed_minor": 25}
    (await shop.call("PUT", f"{API}/sources", terms)).expect(200)

    mistakes = SUFFERED | dict.fromkeys(INVENTED, 1)
    await call_sandbox(
        shop,
        "POST",
        "/control/payouts",
        json={"account": accounts["sandbox-a"], "mistakes": mistakes},
    )
    await call_sandbox(shop, "POST", "/control/payouts", json={"account": accounts["sandbox-b"]})
    for name, account in accounts.items():
        key = {"Authorization": f"Bearer sandbox_sk_{account}"}
        url = f"/psp/{account}/settlements/report?dialect={dialect}"
        file = await call_sandbox(shop, "GET", url, headers=key)
        (await shop.upload(f"{API}/imports?source=psp&psp_account={name}", file)).expect(200)
    payouts = ",".join(reversed(accounts.values()))  # the statement lacks the first of them
    query = f"format={form}&payouts_of={payouts}&missing=1&unknown_credit=1&unknown_debit=1"
    statement = await call_sandbox(shop, "GET", f"/bank/accounts/{IBAN}/statement?{query}")
    (await shop.upload(f"{API}/imports?source=bank", statement)).expect(200)
    older = {"seconds": OLDER_SECONDS}
    (await shop.call("POST", "/v1/test-clock/advance", older)).expect(200)

    async def found():
        (await shop.call("POST", f"{API}/runs", {})).expect(200)
        exceptions = [each async for each in shop.pages(f"{API}/exceptions?state=open")]
        return exceptions if Counter(each["type"] for each in exceptions) == EXPECTED else []

    exceptions = await until_back(found)
    by_type = {each["type"]: each for each in exceptions}
    for kind, name in NAMES.items():
        assert by_type[name]["order_reference"] == orders[kind], name


async def charges(shop: Shop) -> dict[str, str]:
    """Charges for each mistake and returns their orders; makes one more at the second account, without a mistake."""
    customer = await shop.customer("tok_visa")
    orders = {}
    for number, (kind, count) in enumerate(SUFFERED.items(), 1):
        for _ in range(count):
            made = await shop.one_click(customer, 1_000 * number)
            orders[kind] = made.expect(201)["order_reference"]
    other = await shop.customer("tok_visa", "sandbox-b")
    (await shop.one_click(other, 9_900)).expect(201)
    return orders


async def call_sandbox(shop: Shop, method: str, path: str, **more) -> bytes:
    async with shop.http.request(method, shop.sandbox_url + path, **more) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.read()
