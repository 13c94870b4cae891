"""The dates of a test merchant whose clock was advanced follow it; no others do."""

from datetime import UTC, datetime, timedelta

IBAN = "IT60X0542811101000000123456"
AHEAD = timedelta(days=20)
TRANSFER = {"iban": IBAN, "name": "Bottega", "amount_minor": 990}


def day(ahead=timedelta()):
    return (datetime.now(UTC) + ahead).date().isoformat()


async def advanced(sandbox, name, ahead=AHEAD):
    body = {"ahead_seconds": int(ahead.total_seconds())}
    return await sandbox.call("PUT", f"/control/clocks/{name}", body)


async def paid_out(sandbox, account):
    await sandbox.charge(account=account)
    await sandbox.call("POST", "/control/payouts", {"account": account})
    (line,) = (await sandbox.read("/settlements", account=account)).body["data"]
    return line


async def test_an_account_settles_by_its_own_clock(sandbox):
    await advanced(sandbox, "sandbox-a")
    await advanced(sandbox, "sandbox-a", timedelta())  # a clock never goes back
    days = {day(AHEAD), day(AHEAD + timedelta(minutes=1))}  # the test may run over midnight
    assert (await paid_out(sandbox, "sandbox-a"))["available_on"] in days
    assert (await paid_out(sandbox, "sandbox-b"))["available_on"] in {
        day(),
        day(timedelta(minutes=1)),
    }


async def test_bank_bookings_and_courier_remittances_follow_their_advanced_clocks(sandbox):
    for name in (IBAN, "gls"):
        assert (await advanced(sandbox, name)).status == 200
    booked = (await sandbox.call("POST", "/bank/transfers", TRANSFER)).body["booked"]
    assert booked > (datetime.now(UTC) + AHEAD - timedelta(hours=1)).timestamp()
    statement = (await sandbox.call("GET", f"/bank/accounts/{IBAN}/statement")).body
    assert "9.90" in statement
    made = (await sandbox.call("POST", "/control/couriers/gls/remittances", {})).body
    days = {day(AHEAD), day(AHEAD + timedelta(minutes=1))}
    assert made["name"] in {f"rimesse-{each.replace('-', '')}.csv" for each in days}


async def test_a_negative_clock_offset_is_refused(sandbox):
    answer = await sandbox.call("PUT", "/control/clocks/gls", {"ahead_seconds": -1})
    assert answer.body["field"] == "ahead_seconds"


async def test_the_answers_endpoint_returns_the_requested_status(sandbox):
    for status in (204, 503):
        assert (await sandbox.call("POST", f"/answers/{status}", {})).status == status
