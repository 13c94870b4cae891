"""`incasso kpis`: a merchant's key figures, each with the numbers that it is computed from."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from cli import output
from cli.calls import KPIS, SURVEYS, ask
from cli.options import MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.reporting.v1 import kpis_pb2 as pb
from incasso.reporting.v1 import surveys_pb2

STEPS: Final = ("method", "step", "reached", "rate", "of_all")
ORDERS: Final = ("orders_paid_by", "orders", "revenue", "average")
CLICKS: Final = ("asked", "paid", "rate")
CARTS: Final = ("sent", "sent_amount", "recovered", "recovered_amount", "rate")
VALUES: Final = (
    "segment",
    "customers",
    "orders",
    "revenue",
    "average_order",
    "orders_per_year",
    "value",
)
SCORES: Final = ("score", "value", "answers")
RETENTION: Final = ("year", "customers", "returning_customers", "rate", "spend", "cost")


def kpis(
    *,
    merchant: MerchantId,
    from_day: Annotated[str, typer.Option("--from", help="First day, e.g. 2026-11-01.")],
    to_day: Annotated[str, typer.Option("--to", help="Last day, e.g. 2026-11-30.")],
    currency: Annotated[str, typer.Option(help="Currency, e.g. EUR.")] = "EUR",
    years: Annotated[int, typer.Option(help="Years that a customer is expected to stay.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show a merchant's key figures: conversion, order values, recovered carts, satisfaction, lifetime
    values, and the retention of customers of the first day's year.
    """
    days = {"from_day": from_day, "to_day": to_day, "currency": currency.upper()}
    if not from_day[:4].isdigit():
        output.fail(f"--from {from_day} is not a date.", next_step="Write it as 2026-11-01.")
    year = int(from_day[:4])
    asked = (
        pb.GetKpisRequest(**days),
        pb.GetLifetimeValuesRequest(**days, years=years),
        pb.GetRetentionRequest(year=year, currency=days["currency"]),
    )
    found, values, retention = (
        plain(ask(KPIS, request, merchant_id=merchant)) for request in asked
    )
    wanted = surveys_pb2.GetSatisfactionRequest(from_day=from_day, to_day=to_day)
    scores = plain(ask(SURVEYS, wanted, merchant_id=merchant))
    if as_json:
        more = {"satisfaction": scores, "lifetime_values": values, "retention": retention}
        output.print_json({**found, **more})
        return
    _print(found, days["currency"])
    rows = [
        {"score": name.upper(), "value": percent(row, "score_basis_points"), **row}
        for name, row in scores.items()
    ]
    _table("Satisfaction", SCORES, rows)
    _print_customers(values, {"year": year, **retention}, days["currency"])


def _print(found: dict[str, Any], currency: str) -> None:
    steps = [
        {
            "method": each["method"],
            **step,
            "rate": percent(step, "rate_basis_points"),
            "of_all": percent(step, "total_rate_basis_points"),
        }
        for each in found["conversion"]
        for step in each["steps"]
    ]
    _table("Conversion", STEPS, steps)
    orders = [{"orders_paid_by": "any method", **found["order_value"]}]
    for each in found["order_values"]:
        orders.append({"orders_paid_by": each["method"], **each["with_it"]})
        orders.append({"orders_paid_by": f"other than {each['method']}", **each["without_it"]})
    _table("Order values", ORDERS, [with_amounts(row, currency) for row in orders])
    clicks = found["one_click_acceptance"]
    rate = {"rate": percent(clicks, "rate_basis_points")}
    _table("One-click acceptance", CLICKS, [{**clicks, **rate}])
    carts = found["carts"]
    amounts = {f"{name}_amount_minor": carts[f"{name}_minor"] for name in ("sent", "recovered")}
    counts = {"sent": carts["sent"], "recovered": carts["recovered"]}
    rate = {"rate": percent(carts, "rate_basis_points")}
    _table("Recovered carts", CARTS, [{**with_amounts(amounts, currency), **counts, **rate}])


def _print_customers(values: dict[str, Any], retention: dict[str, Any], currency: str) -> None:
    rows = [
        {
            **with_amounts(row, currency),
            "orders_per_year": _hundredths(row.get("orders_per_year_hundredths")),
        }
        for row in values["data"]
    ]
    _table(f"Lifetime values over {values['years']} years", VALUES, rows)
    kept = {**with_amounts(retention, currency), "rate": percent(retention, "rate_basis_points")}
    _table("Retention", RETENTION, [kept])


def _table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    output.print_table(title, columns, rows, empty=f"{title}: nothing yet.")


def percent(row: dict[str, Any], name: str) -> str:
    """Empty if there was nothing to divide by."""
    value = _hundredths(row.get(name))
    return f"{value} %" if value else ""


def _hundredths(value: int | None) -> str:
    if value is None:
        return ""
    sign, (whole, rest) = "-" if value < 0 else "", divmod(abs(value), 100)
    return f"{sign}{whole}.{rest:02}"
