import json

import pytest


@pytest.mark.parametrize(
    "path", ["/", "/charges", "/inbox", "/bank", "/faults", "/webhooks", "/traces"]
)
async def test_every_page_works_empty_and_filled(sandbox, receiver, path):
    assert (await sandbox.call("GET", path)).status == 200
    await sandbox.charge(reference="<b>A-1</b>")
    await receiver.wait_for(1)
    await sandbox.faults({"operation": "charge", "kind": "latency", "probability": 0.1})
    page = await sandbox.call("GET", path)
    assert page.status == 200
    assert "<b>A-1</b>" not in page.body
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_a_charge_has_a_page(sandbox):
    charge = (await sandbox.charge(token="tok_3ds")).body
    page = await sandbox.call("GET", f"/charges/{charge['id']}")
    assert "€59.90" in page.body
    assert "open the bank" in page.body
    assert (await sandbox.call("GET", "/charges/ch_unknown")).status == 404


async def test_the_books_can_be_read_whole_in_pages_and_as_ndjson(sandbox):
    keys = [f"att_{number}" for number in range(5)]
    for key in keys:
        await sandbox.charge(key=key)
    assert [row["key"] for row in await sandbox.books()] == keys
    first = (await sandbox.call("GET", "/books/charges?limit=3")).body
    rest = (await sandbox.call("GET", f"/books/charges?limit=3&cursor={first['next_cursor']}")).body
    assert [row["key"] for row in first["data"] + rest["data"]] == keys
    assert rest["next_cursor"] is None
    lines = (await sandbox.call("GET", "/books/charges?format=ndjson")).body.splitlines()
    assert [json.loads(line)["key"] for line in lines] == keys


async def test_the_totals_add_up_per_account_and_currency(sandbox):
    await sandbox.charge()
    await sandbox.charge(token="tok_declined")
    await sandbox.charge(currency="JPY", account="sandbox-b", capture=False)
    rows = (await sandbox.call("GET", "/books/totals")).body["data"]
    assert [(row["account"], row["currency"], row["charges"]) for row in rows] == [
        ("sandbox-a", "EUR", 2), ("sandbox-b", "JPY", 1),
    ]  # fmt: skip
    assert (rows[0]["captured_minor"], rows[0]["declined"]) == (5990, 1)
    assert rows[1]["authorised_minor"] == 5990


async def test_the_operations_of_a_charge_can_be_audited(sandbox):
    charge_id = (await sandbox.charge(key="att_1")).body["id"]
    await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 1}, key="ref_1")
    path = f"/books/operations?account=sandbox-a&charge_id={charge_id}"
    rows = (await sandbox.call("GET", path)).body["data"]
    assert [(row["kind"], row["key"]) for row in rows] == [("charge", "att_1"), ("refund", "ref_1")]


async def test_health_metrics_and_assets_are_served(sandbox):
    await sandbox.charge()
    assert (await sandbox.call("GET", "/healthz/live")).body == {"status": "ok"}
    assert (await sandbox.call("GET", "/healthz/ready")).body == {"status": "ok"}
    assert "sandbox_charges_total" in (await sandbox.call("GET", "/metrics")).body
    assert (await sandbox.call("GET", "/assets/sandbox.css")).status == 200
    assert (await sandbox.call("GET", "/assets/..%2fconfig.py")).status == 404
