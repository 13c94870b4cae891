"""`incasso reconciliation exceptions`, `show`, `assign`, `resolve`: what does not match, and how a
person resolves it.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

import typer

from cli import output
from cli.calls import LEDGER, RECONCILIATION, ask
from cli.ledger import entry_lines
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.reporting.v1 import ledger_pb2
from incasso.reporting.v1 import reconciliation_pb2 as pb

TRACES: Final = "INCASSO_TRACE_URL"
NO_TRACE: Final = "0" * 32
COLUMNS: Final = (
    "id", "type", "age", "owner", "party", "amount", "expected", "order_reference", "suggestions",
    "trace_id",
)  # fmt: skip
ENTRIES: Final = ("booked_on", "kind", "account", "party", "debit", "credit")

CAUSES: Final[Mapping[str, str]] = {
    "missing_at_psp": "known to Incasso, but not reported by the PSP in time",
    "missing_at_bank": "should have reached or left the bank account by now",
    "unknown_charge": "only the PSP's report has this charge",
    "unknown_refund": "only the PSP's report has this refund",
    "unknown_dispute": "only the PSP's report has this dispute",
    "unexplained_adjustment": "credited or withheld by the PSP for no reason known to Incasso",
    "unknown_credit": "money arrived at the bank, and nothing explains it",
    "unknown_debit": "money left the bank account, and nothing explains it",
    "amount_differs": "same reference, different amount",
    "currency_differs": "same reference, different currency",
    "duplicate": "repeats an item that is already matched",
    "ambiguous": "fits several items; no rule chooses among them",
    "late": "matched, but later than the source's terms allow",
    "fee_differs": "matched, but the fee is not the one agreed",
    "shortage": "the courier has passed on less than it owes",
}


class Type(StrEnum):
    """Why something is an exception."""

    MISSING_AT_PSP = "missing_at_psp"
    MISSING_AT_BANK = "missing_at_bank"
    UNKNOWN_CHARGE = "unknown_charge"
    UNKNOWN_REFUND = "unknown_refund"
    UNKNOWN_DISPUTE = "unknown_dispute"
    UNEXPLAINED_ADJUSTMENT = "unexplained_adjustment"
    UNKNOWN_CREDIT = "unknown_credit"
    UNKNOWN_DEBIT = "unknown_debit"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    LATE = "late"
    FEE_DIFFERS = "fee_differs"
    SHORTAGE = "shortage"


class State(StrEnum):
    """State of an exception."""

    OPEN = "open"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How a person resolves an exception."""

    MATCHED = "matched"
    SPLIT = "split"
    WRITTEN_OFF = "written_off"
    DISMISSED = "dismissed"


ExceptionId: TypeAlias = Annotated[str, typer.Argument(metavar="EXCEPTION", help="exc_…")]


def list_exceptions(
    *,
    merchant: MerchantId,
    state: Annotated[State, typer.Option(help="Filter by state.")] = State.OPEN,
    every: Annotated[bool, typer.Option("--all", help="Include resolved ones.")] = False,
    kind: Annotated[Type | None, typer.Option("--type", help="Filter by type.")] = None,
    owner: Annotated[str, typer.Option(help="Filter by owner.")] = "",
    party: Annotated[str, typer.Option(help="Filter by PSP account or courier.")] = "",
    order: Annotated[str, typer.Option(help="Filter by order reference.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List what does not match, newest first."""
    request = pb.ListExceptionsRequest(
        limit=limit,
        cursor=cursor or None,
        state=None if every else pb.ReconciliationException.State.Value(f"STATE_{state.name}"),
        type=None if kind is None else pb.ExceptionType.Value(f"EXCEPTION_TYPE_{kind.name}"),
        owner=owner or None,
        party=party or None,
        order_reference=order or None,
    )
    found = plain(ask(RECONCILIATION, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    rows = [_row(each) for each in found["data"]]
    output.print_table("Exceptions", COLUMNS, rows, empty="Everything matches.")
    if rows:
        output.print_hint("`incasso reconciliation show EXCEPTION` shows one with its entries.")
    output.print_next_page(found.get("next_cursor", ""))


def show(*, exception: ExceptionId, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Show an exception with its cause, its journal entries and the trace of its payment."""
    request = pb.GetExceptionRequest(exception_id=exception)
    found = plain(ask(RECONCILIATION, request, merchant_id=merchant))["exception"]
    entries = _entries(found, merchant)
    if as_json:
        output.print_json({"exception": found, "entries": entries, "trace_url": trace_url(found)})
        return
    _print(found)
    empty = "No journal entries."
    output.print_table("Entries", ENTRIES, entry_lines(entries), empty=empty)
    if found["state"] == State.OPEN.value:
        output.print_hint(_next(found))


def assign(
    *,
    exception: ExceptionId,
    merchant: MerchantId,
    to: Annotated[str, typer.Option(help="The new owner; none by default.")] = "",
    as_json: AsJson = False,
) -> None:
    """Assign an open exception to an owner, or remove its owner."""
    request = pb.AssignExceptionRequest(exception_id=exception, owner=to or None)
    _answer(plain(ask(RECONCILIATION, request, merchant_id=merchant)), as_json=as_json)


def resolve(
    *,
    exception: ExceptionId,
    merchant: MerchantId,
    resolved_as: Annotated[Resolution, typer.Option("--as", help="How it is resolved.")],
    because: Annotated[str, typer.Option(help="The explanation, for the audit log.")],
    item: Annotated[
        list[str] | None,
        typer.Option(help="Item of the other side, for matched and split; repeat it for several."),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACCOUNT=AMOUNT",
            help="For split: a part for an account, in minor units, e.g. psp_fees=-250.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Resolve an open exception; repeating it changes nothing."""
    request = pb.ResolveExceptionRequest(
        exception_id=exception,
        resolved_as=pb.ExceptionResolution.Value(f"EXCEPTION_RESOLUTION_{resolved_as.name}"),
        resolution=because,
        item_ids=item or [],
        parts=[_part(each) for each in part or []],
    )
    _answer(plain(ask(RECONCILIATION, request, merchant_id=merchant)), as_json=as_json)


def _part(text: str) -> pb.ResolutionPart:
    account, _, amount = text.partition("=")
    if not account or not amount.lstrip("-").isdecimal() or not amount.isascii():
        output.fail(
            f"--part {text}: not ACCOUNT=AMOUNT.",
            next_step="Amounts are integers in minor units: 2.50 kept by a PSP is psp_fees=-250.",
        )
    return pb.ResolutionPart(account=account, amount_minor=int(amount))


def _answer(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.print_json(answer["exception"])
    else:
        _print(answer["exception"])


def _print(found: Mapping[str, Any]) -> None:
    shown = {name: value for name, value in _row(found).items() if name != "trace_id"}
    shown["cause"] = CAUSES[found["type"]]
    if link := trace_url(found):
        shown["trace"] = link
    output.print_record("Exception", shown)


def _row(found: Mapping[str, Any]) -> dict[str, Any]:
    row = with_amounts(found, found["currency"])
    row["age"] = age(found["created_at"], datetime.now(UTC))
    if found["type"] == "currency_differs":
        row["expected"] = "in another currency"
    if found["trace_id"] == NO_TRACE:
        row["trace_id"] = ""
    return row


def age(created_at: str, now: datetime) -> str:
    seconds = (now - datetime.fromisoformat(created_at)).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "new"


def trace_url(found: Mapping[str, Any]) -> str:
    """The trace's page below INCASSO_TRACE_URL; only its id if that is not set."""
    trace_id: str = found["trace_id"]
    if trace_id == NO_TRACE:
        return ""
    base = os.environ.get(TRACES, "").rstrip("/")
    return f"{base}/{trace_id}" if base else trace_id


def _entries(found: Mapping[str, Any], merchant: str) -> Sequence[dict[str, Any]]:
    """The journal entries of its payment; failing that, of its order or its trace."""
    by = {name: found[name] for name in ("payment_id", "order_reference") if name in found}
    if not by and found["trace_id"] == NO_TRACE:
        return []
    name, value = next(iter(by.items()), ("trace_id", found["trace_id"]))
    request = ledger_pb2.ListJournalEntriesRequest(limit=100)
    setattr(request, name, value)
    entries: list[dict[str, Any]] = plain(ask(LEDGER, request, merchant_id=merchant))["data"]
    return entries


def _next(found: Mapping[str, Any]) -> str:
    command = f"incasso reconciliation resolve {found['id']} --because …"
    if suggested := found["suggestions"]:
        return f"If it is {suggested[0]}: {command} --as matched --item {suggested[0]}"
    if found["type"] in {"late", "fee_differs", "shortage"}:
        return f"If it is explained: {command} --as dismissed"
    return f"If nothing explains it: {command} --as written_off"
