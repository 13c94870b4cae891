"""Charges, operations and instruments in answers, webhooks and look-ups. Pure."""

from typing import Any

from services.sandbox.books.disputes import Dispute
from services.sandbox.books.instruments import Instrument
from services.sandbox.books.operations import Operation
from services.sandbox.psp import Charge, State

CONSOLE = "console"  # prefix of the keys of operations without a caller's key


def challenge_url(base_url: str, challenge: str) -> str:
    return f"{base_url}/3ds/{challenge}"


def charge(row: Charge, base_url: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": row.id,
        "key": row.key,
        "state": row.state,
        "amount_minor": row.amount_minor,
        "captured_minor": row.captured_minor,
        "refunded_minor": row.refunded_minor,
        "disputed_minor": row.disputed_minor,
        "currency": row.currency,
        "reference": row.reference,
        "brand": row.brand,
        "last4": row.last4,
        "country": row.country,
        "created": int(row.created_at),
    }
    if row.decline_code is not None:
        view["decline_code"] = row.decline_code
    if row.state == State.REQUIRES_ACTION and row.challenge is not None:
        view["redirect_url"] = challenge_url(base_url, row.challenge)
    return view


def operation(row: Operation, *, state: str | None = None) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": row.id,
        "key": None if row.key.startswith(f"{CONSOLE}_") else row.key,
        "kind": row.kind,
        "state": state or row.state,
        "amount_minor": row.amount_minor,
    }
    if row.code is not None:
        view["code"] = row.code
    return view


def instrument(row: Instrument, base_url: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "token": row.token,
        "customer_reference": row.customer_reference,
        "brand": row.brand,
        "last4": row.last4,
        "exp_month": row.exp_month,
        "exp_year": row.exp_year,
        "country": row.country,
        # One value per card, as real PSPs give, so that duplicates can be recognised.
        "fingerprint": f"fp_{row.magic.removeprefix('tok_')}_{row.last4}",
        "state": row.state,
    }
    if row.state == State.REQUIRES_ACTION and row.challenge is not None:
        view["redirect_url"] = challenge_url(base_url, row.challenge)
    return view


def dispute(row: Dispute) -> dict[str, Any]:
    return {
        "id": row.id,
        "charge_id": row.charge_id,
        "state": row.state,
        "amount_minor": row.amount_minor,
        "created": int(row.created_at),
        "updated": row.updated_at,
    }


def payout(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "account", "currency", "net_minor", "lines", "available_on")
    return dict(zip(names, row, strict=True))


def settlement_line(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"stl_{row['line']}",
        "transaction_id": f"txn_stl_{row['line']}",  # its name in the report of Stripe's dialect
        **{name: value for name, value in row.items() if name != "line"},
        "net_minor": row["gross_minor"] - row["fee_minor"],
    }
