"""Reports on the real stack: one as a file over REST, one by e-mail on the merchant's next day."""

import csv
import io

from tests.e2e.conftest import address, open_shop, until_back


async def downloaded(shop, path):
    headers = {"Authorization": f"Bearer {shop.secret_key}"}
    async with shop.http.get(shop.url + path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["Content-Disposition"], await answer.text()


async def test_the_daily_sales_report_agrees_with_the_ledger(stack):
    async with open_shop(stack, "Reports") as (shop, _):  # nothing else is booked there
        payment = (await shop.one_click(await shop.customer("tok_visa"), 4990)).expect(201)

        async def is_booked():
            return (await shop.get(f"/v1/reports/journal?payment_id={payment['id']}"))["data"]

        await until_back(is_booked)
        asked = {"report": "daily_sales", "format": "csv", "booked_from": "2026-01-01"}
        run = (await shop.call("POST", "/v1/reports/runs", asked)).expect(201)
        path = f"/v1/reports/runs/{run['id']}"

        async def is_done():
            return (await shop.get(path))["state"] == "done"

        await until_back(is_done)
        name, text = await downloaded(shop, f"{path}/file")
        balance = await shop.get("/v1/reports/trial-balance?currency=EUR")
    assert "daily_sales_2026-01-01" in name
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["method"], row["gross"], row["currency"]) == ("one_click", "49.90", "EUR")
    income = {row["account"]: row["balance_minor"] for row in balance["data"]}
    assert income["sales"] == -4990


async def test_a_scheduled_report_is_mailed_the_next_day(shop):
    to = address()
    asked = {"report": "trial_balance", "format": "xlsx", "every": "day", "hour": 6, "emails": [to]}
    schedule = (await shop.call("POST", "/v1/reports/schedules", asked)).expect(201)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 86_400})).expect(200)
    (mail,) = await shop.inbox(to)
    assert "trial_balance" in mail["subject"]
    assert "trial_balance_" in mail["text"]  # the name of the attachment
    assert ".xlsx" in mail["text"]
    events = await shop.get("/v1/events?type=report.finished")
    runs = [event["data"]["run"] for event in events["data"]]
    assert schedule["id"] in {run.get("schedule_id") for run in runs}
    stop = f"/v1/reports/schedules/{schedule['id']}/stop"
    assert (await shop.call("POST", stop, {})).expect(200)["state"] == "stopped"
