"""The simulated PSP's settlement feed is pulled automatically, through payments, into the same lines as from a file."""

import pytest

from tests.e2e.conftest import until_back
from tests.kit.connections import connected

API = "/v1/reconciliation"


@pytest.fixture
def pull_now(stack, merchant):
    """Makes the pull due now, as if an hour had passed."""

    async def due() -> None:
        async with connected(stack.database_url("reporting")) as conn:
            await conn.execute(
                "UPDATE feeds SET due_at = now() WHERE merchant_id = $1", merchant.merchant_id
            )

    return due


async def test_feed_lines_match_and_are_not_imported_again_from_a_file(shop, booked, pull_now):
    payment = (await shop.one_click(await shop.customer("tok_visa"), 6_431)).expect(201)
    (row,) = await booked(payment)
    account = row["account"]
    async with shop.http.post(
        f"{shop.sandbox_url}/control/payouts", json={"account": account}
    ) as answer:
        assert answer.status == 200, await answer.text()
    await pull_now()
    party = payment["psp_account"]

    async def arrived():
        asked = f"?order_reference={payment['order_reference']}"
        return (await shop.get(f"{API}/settlement-lines{asked}"))["data"]

    (line,) = await until_back(arrived)
    assert (line["party"], line["kind"], line["gross_minor"]) == (party, "charge", 6_431)
    imported = await shop.get(f"{API}/imports/{line['import_id']}")
    assert (imported["format"], imported["created_by"]) == ("sandbox.feed", "reporting")

    headers = {"Authorization": f"Bearer sandbox_sk_{account}"}
    url = f"{shop.sandbox_url}/psp/{account}/settlements/report?dialect=stripe"
    async with shop.http.get(url, headers=headers) as answer:
        data = await answer.read()
    file = (await shop.upload(f"{API}/imports?source=psp&psp_account={party}", data)).expect(200)
    assert (file["lines"], file["known_lines"] > 0) == (0, True)
    assert await arrived() == [line]

    async def matched():
        (await shop.call("POST", f"{API}/runs", {})).expect(200)
        return (await shop.get(f"{API}/matches?theirs_id={line['id']}"))["data"]

    (match,) = await until_back(matched)
    assert (match["payment_id"], match["rule"]) == (payment["id"], "reference")
