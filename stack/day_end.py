"""The demo's last act: imports the files of PSPs, courier and bank for the demo's own day.
Everything must match except the planted errors, each of which must be found under its own type.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from stack.demo_merchant import IBAN, SANDBOX_ACCOUNTS
from stack.ledger import owed_by_books, receivables_of
from stack.shop import JourneyFailedError, Shop

API: Final = "/v1/reconciliation"
CAUGHT_UP_SECONDS: Final = 60.0
TRACE_SECONDS: Final = 30.0
STRANGER_MINOR: Final = 47_11
FEE: Final = {"fee_basis_points": 140, "fee_fixed_minor": 25}  # what the sandbox charges
DIALECTS: Final = dict(zip(SANDBOX_ACCOUNTS, ("stripe", "paypal"), strict=True))
WRONG_ACCOUNT: Final = SANDBOX_ACCOUNTS[0]
MISTAKES: Final = {
    "amount": 1, "currency": 1, "duplicate": 1, "fee": 1, "late": 1, "unknown_charge": 1,
    "unknown_refund": 1, "unknown_dispute": 1, "adjustment": 1,
}  # fmt: skip  # counts by kind
# Planted by, in this order: the PSP, the bank, and the courier of a journey.
PLANTED: Final = (
    "amount_differs", "currency_differs", "duplicate", "fee_differs", "late", "unknown_charge",
    "unknown_refund", "unknown_dispute", "unexplained_adjustment",
    "unknown_credit", "unknown_debit",
    "shortage",
)  # fmt: skip  # names
TRACED: Final = "amount_differs"

Row = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """An imported file and its new lines."""

    name: str
    format: str
    lines: Sequence[str]


@dataclass(frozen=True)
class DayEnd:
    """`differences`: in words; empty if everything but the planted errors matches."""

    files: Sequence[Imported]
    matched: Mapping[str, str]  # line id to rule
    exceptions: Sequence[Row]
    differences: Sequence[str]
    trace_url: str = ""


async def begin_day(shop: Shop) -> set[str]:
    """Ids of the exceptions already open, including those of earlier credits to the bank account."""
    await _bank_import(shop)
    (await shop.call("POST", f"{API}/runs", {})).expect(200)
    return {each["id"] async for each in shop.pages(f"{API}/exceptions?state=open")}


async def end_day(shop: Shop, before: set[str]) -> DayEnd:
    """`before`: the result of begin_day."""
    try:
        return await _ended(shop, before)
    except (JourneyFailedError, KeyError) as failure:
        return DayEnd([], {}, [], [f"{type(failure).__name__}: {failure}"])


async def _ended(shop: Shop, before: set[str]) -> DayEnd:
    files = [
        await psp_report(shop, account, MISTAKES if account == WRONG_ACCOUNT else {})
        for account in SANDBOX_ACCOUNTS
    ]
    files.append(await bank_statement(shop))
    last = time.monotonic() + CAUGHT_UP_SECONDS
    while True:
        found = await _reconciled(shop, files, before)
        if not found.differences or time.monotonic() > last:
            break
        await asyncio.sleep(0.5)
    return await _with_trace(shop, found)


async def psp_report(
    shop: Shop, account: str, mistakes: Mapping[str, int], *, suffix: str = ""
) -> Imported:
    """The PSP pays out, with these mistakes, and reports it in its dialect."""
    terms = {"party": account, "tolerance_minor": 0, **FEE}
    (await shop.call("PUT", f"{API}/sources", terms)).expect(200)
    of_sandbox = f"{account}{suffix}"
    order = {"account": of_sandbox, "mistakes": mistakes}
    await _sandbox(shop, "POST", "/control/payouts", json=order)
    dialect = DIALECTS[account]
    url = f"/psp/{of_sandbox}/settlements/report?dialect={dialect}"
    data = await _sandbox(shop, "GET", url, headers=_key(of_sandbox))
    query = f"source=psp&psp_account={account}"
    return await _imported(shop, f"{account}-{dialect}.csv", query, data, "settlement-lines")


async def bank_statement(shop: Shop) -> Imported:
    """Imports a statement with an unknown payer's credit and an unknown debit."""
    transfer = {
        "iban": IBAN,
        "name": "Bottega Demo",
        "amount_minor": STRANGER_MINOR,
        "debtor_name": "Ignoto",
        "text": f"auguri {shop.run_id}",
    }
    await _sandbox(shop, "POST", "/bank/transfers", json=transfer)
    return await _bank_import(shop, f"&unknown_debit=1&mark={shop.run_id[:6].upper()}")


async def _bank_import(shop: Shop, mistakes: str = "") -> Imported:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()  # a demo may run past midnight
    return await bank_import(shop, IBAN, yesterday, mistakes)


async def bank_import(
    shop: Shop, iban: str, first: date, mistakes: str = "", *, suffix: str = ""
) -> Imported:
    """Imports the account's statement from this day on."""
    accounts = ",".join(f"{name}{suffix}" for name in SANDBOX_ACCOUNTS)
    query = f"from={first}&payouts_of={accounts}{mistakes}"
    data = await _sandbox(shop, "GET", f"/bank/accounts/{iban}/statement?{query}")
    return await _imported(shop, "bank.xml", "source=bank", data, "bank-lines")


async def _imported(shop: Shop, name: str, query: str, data: bytes, kind: str) -> Imported:
    answer = await shop.upload(f"{API}/imports?name={name}&{query}", data)
    made = answer.expect(200)
    lines = [
        each["id"]
        async for each in shop.pages(f"{API}/{kind}?import_id={made['id']}")
        if each.get("kind") not in {"payout", "fee"}  # sums of other lines, which are not matched
    ]
    return Imported(name, made["format"], lines)


async def _reconciled(shop: Shop, files: Sequence[Imported], before: set[str]) -> DayEnd:
    (await shop.call("POST", f"{API}/runs", {})).expect(200)
    matches = [each async for each in shop.pages(f"{API}/matches")]
    exceptions = [each async for each in shop.pages(f"{API}/exceptions?state=open")]
    ours = f"D-{shop.run_id}-"
    new = [
        each
        for each in exceptions
        if each["id"] not in before or each.get("order_reference", "").startswith(ours)
    ]
    explained = {each["item_id"] for each in new} | {each.get("theirs_id") for each in new}
    matched = {each["theirs_id"]: each["rule"] for each in matches}
    lines = [line for file in files for line in file.lines]
    differences = [
        *misnamed(new),
        *(f"{line} is neither matched nor listed" for line in lines if line not in {*matched, *explained}),
        *await _unmatched_payments(shop, [*matches, *new]),
        *await _receivables(shop, exceptions),
    ]  # fmt: skip  # reads as rows
    return DayEnd(files, matched, new, differences)


def misnamed(found: Iterable[Row]) -> list[str]:
    """The planted errors that were not found under their type, and what was found instead."""
    names, planted = Counter(each["type"] for each in found), Counter(PLANTED)
    return [
        *(f"{count} planted {name} not found" for name, count in (planted - names).items()),
        *(f"{count} {name} found but not planted" for name, count in (names - planted).items()),
    ]


async def _unmatched_payments(shop: Shop, known: Sequence[Row]) -> list[str]:
    """Payments of this run that took money at a PSP whose report was imported."""
    listed = {each.get("payment_id") for each in known}
    payments = [await shop.get(f"/v1/payments/{each}") for each in shop.payment_ids]
    return [
        f"{each['id']} is in no report"
        for each in payments
        if each["captured_minor"]
        and each["psp_account"] in SANDBOX_ACCOUNTS
        and each["id"] not in listed
    ]


async def _receivables(shop: Shop, exceptions: Sequence[Row]) -> list[str]:
    """Where the ledger, the PSPs' books and the open exceptions disagree on what PSPs owe."""
    owed = dict(
        owed_by_books(list((await shop.books()).values()), {a: a for a in SANDBOX_ACCOUNTS})
    )
    for account in SANDBOX_ACCOUNTS:
        for line in await _settled(shop, account):
            name = f"{account} {line['currency']}"
            owed[name] = owed.get(name, 0) - line["gross_minor"]
    balance = await shop.get("/v1/reports/trial-balance?by_party=true")
    ledger = receivables_of(balance)
    listed = left_open(exceptions)
    found = [
        f"debits of {row['debit_minor']} and credits of {row['credit_minor']} {row['currency']}"
        for row in balance["totals"]
        if row["debit_minor"] != row["credit_minor"]
    ]
    for name, minor in owed.items():
        if ledger.get(name, 0) != minor:
            found.append(
                f"{name} owes {ledger.get(name, 0)} in the ledger but {minor} in its books"
            )
        elif listed.get(name, 0) != minor:
            found.append(f"{name} owes {minor}, of which exceptions explain {listed.get(name, 0)}")
    return found


def left_open(exceptions: Iterable[Row]) -> Mapping[str, int]:
    """Amounts that exceptions leave on the receivables, by PSP account and currency."""
    left: dict[str, int] = defaultdict(int)
    for each in exceptions:
        if each["stage"] == "psp" and each["type"] not in {"late", "fee_differs"}:
            if "theirs_id" in each:
                left[f"{each['party']} {each['currency']}"] -= each["amount_minor"]
            if "expected_minor" in each:
                currency = "EUR" if each["type"] == "currency_differs" else each["currency"]
                left[f"{each['party']} {currency}"] += each["expected_minor"]
    return left


async def _settled(shop: Shop, account: str) -> list[Row]:
    """The sandbox's own settlement lines."""
    found: list[Row] = []
    while True:
        query = f"?since={found[-1]['id'].removeprefix('stl_') if found else 0}&limit=1000"
        url = f"{shop.sandbox_url}/psp/{account}/settlements{query}"
        async with shop.http.get(url, headers=_key(account)) as answer:
            answer.raise_for_status()
            page = await answer.json()
        found += page["data"]
        if not page["has_more"]:
            return found


async def _with_trace(shop: Shop, found: DayEnd) -> DayEnd:
    """Follows an exception to its payment's trace, which must exist."""
    trace_id = next((each["trace_id"] for each in found.exceptions if each["type"] == TRACED), "")
    url = f"{shop.sandbox_url}/traces/{trace_id}"
    deadline = time.monotonic() + TRACE_SECONDS
    while trace_id:
        async with shop.http.get(f"{url}.json") as answer:
            spans = (await answer.json())["spans"] if answer.status == 200 else []  # noqa: PLR2004 - HTTP
        if any(span["service"] == "payments" for span in spans):
            return DayEnd(found.files, found.matched, found.exceptions, found.differences, url)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    missing = f"{TRACED} does not lead to the trace of its payment"
    return DayEnd(found.files, found.matched, found.exceptions, [*found.differences, missing], url)


def _key(account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer sandbox_sk_{account}"}


async def _sandbox(shop: Shop, method: str, path: str, **more: Any) -> bytes:
    async with shop.http.request(method, shop.sandbox_url + path, **more) as answer:
        body = await answer.read()
        if answer.status >= 400:  # noqa: PLR2004 - HTTP
            raise JourneyFailedError(f"the sandbox answers {answer.status}: {body[:200]!r}")
        return body
