"""The shop's bookkeeper: imports reports and statements each week, explains exceptions, closes the
month.
"""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Final

from stack.day_end import API, WRONG_ACCOUNT, bank_import, psp_report
from stack.demo_data.front import Front
from stack.demo_merchant import SANDBOX_ACCOUNTS

# Mistakes in the PSP's report and in the bank's statement, by week.
MISTAKES: Final[tuple[tuple[Mapping[str, int], str], ...]] = (
    ({}, ""),
    ({"amount": 1, "fee": 1}, ""),
    ({"duplicate": 1, "unknown_charge": 1}, "&unknown_debit=1"),
    ({"late": 1, "unknown_refund": 1, "adjustment": 1}, "&unknown_credit=1"),
    ({"unknown_dispute": 1, "amount": 1, "fee": 2}, "&unknown_debit=1"),
)
EXPLAINED_WEEKS: Final = 3
RESOLVED: Final = "exception_resolved"
EXPLANATION: Final = "Verificato con il PSP: sarà corretto con il prossimo accredito."


async def week(front: Front, number: int, began: date) -> None:
    """One week's imports and run. `number` counts from 0; `began`: the first day of all."""
    mistakes, of_bank = MISTAKES[number % len(MISTAKES)]
    for account in SANDBOX_ACCOUNTS:
        wrong = mistakes if account == WRONG_ACCOUNT else {}
        await psp_report(front, account, wrong, suffix=front.suffix)
    mark = f"&mark={front.mark[:4].upper()}{number}" if of_bank else ""
    await bank_import(front, front.iban, began, of_bank + mark, suffix=front.suffix)
    await front.write(f"{API}/runs")
    if number < EXPLAINED_WEEKS:
        await explain(front)


async def explain(front: Front) -> None:
    """Dismisses every other open exception as harmless."""
    found = (await front.get(f"{API}/exceptions?state=open&limit=100"))["data"]
    for each in found[::2]:
        body = {"resolved_as": "dismissed", "resolution": EXPLANATION}
        answer = await front.completed("POST", f"{API}/exceptions/{each['id']}/resolve", body)
        if answer.body.get("code") != RESOLVED:  # together with another one, or by a late entry
            answer.expect(HTTPStatus.OK)


async def close(front: Front, month: str) -> None:
    await front.write("/v1/reports/periods/close", {"month": month})


async def schedule(front: Front) -> None:
    for report, every in (("daily_sales", "day"), ("settlements", "week")):
        about = {"report": report, "format": "csv", "every": every, "hour": 6}
        await front.write("/v1/reports/schedules", {**about, "emails": ["conti@emporio.example"]})
