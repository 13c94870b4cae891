"""Lists as files, for every list route: complete, as filtered, and never a part that looks complete."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from incasso.payments.v1 import payments_pb2
from libs import json_out
from libs.tables.csv_text import safe
from libs.tables.model import Format
from libs.upstreams import message_class
from tests.kit.grouped_cases import grouped
from tests.services.gateway.doubles import NARROW, PUBLISHABLE
from tests.services.gateway.filling import filled
from tests.services.gateway.samples import ROUTES, name_of, sample, service_of
from tests.services.gateway.test_transcoder import problem

LISTS = [route for route in ROUTES if route.lists]
every_list = grouped("route", LISTS, by=service_of, ids=name_of)
URL = "/v1/payments"
PAGES = 3


def accept(form: Format) -> dict[str, str]:
    return {"Accept": form.media_type}


def in_pages(route) -> Any:
    """Answers in three pages, if the list has pages, with every field of its elements filled."""
    answer = message_class(route.rpc.output_type)
    element = route.rpc.output_type.fields_by_name["data"].message_type
    paged = "next_cursor" in route.rpc.output_type.fields_by_name

    def page(request):
        number = int(getattr(request, "cursor", "") or 0)
        found = answer(data=[filled(element, 10 * number + n) for n in range(2)])
        if paged and number < PAGES - 1:
            found.next_cursor = str(number + 1)
        return found

    return page


async def by_hand(gateway, route, one) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        query = {**one.query, **({"cursor": cursor} if cursor else {})}
        async with gateway.request(route.method, one.path, params=query) as response:
            page = await response.json()
        found += page["data"]
        if not (cursor := page.get("next_cursor", "")):
            return found


def of_json(element: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The expected row of the file, from the element's JSON."""
    found: dict[str, Any] = {}
    for name, value in element.items():
        if isinstance(value, dict) and set(value) == {"amount_minor", "currency"}:
            found[path + name] = Decimal(value["amount_minor"]) / 100
            found[f"{path}{name}_currency"] = value["currency"]
        elif isinstance(value, dict):
            found.setdefault(path + name, value)  # an amount may be named like a message
            found |= of_json(value, f"{path}{name}_")
        else:
            found[path + name] = value
            if name.endswith("_minor"):
                found[path + name.removesuffix("_minor")] = Decimal(value) / 100
    return found


def same(cell: Any, value: Any) -> bool:
    if isinstance(value, list | dict):
        return cell == json_out.dump(value).decode() if value else cell is None
    if isinstance(value, str) and not isinstance(cell, str):
        return cell.isoformat().replace("+00:00", "Z").replace(".250000", ".250") == value
    return cell == value


@every_list
async def test_every_list_is_exported_with_all_its_pages(gateway, route):
    from pyarrow import parquet

    gateway.services.answers[route.rpc.name] = in_pages(route)
    one = sample(route)
    elements = await by_hand(gateway, route, one)
    headers = accept(Format.PARQUET)
    async with gateway.request("GET", one.path, params=one.query, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert f'filename="{route.list_name}.parquet"' in response.headers["Content-Disposition"]
        rows = parquet.read_table(io.BytesIO(await response.read())).to_pylist()
    assert len(rows) == len(elements) > 1
    for row, element in zip(rows, elements, strict=True):
        expected = of_json(element)
        for name, cell in row.items():
            if name == "currency" and name not in expected:
                assert cell == one.query["currency"]
            else:
                assert same(cell, expected[name]), (name, cell, expected[name])


@every_list
async def test_keys_that_may_not_read_a_list_do_not_get_its_file(gateway, route):
    one = sample(route)
    ways = [(NARROW, 403, "scope_missing"), (PUBLISHABLE, 403, "publishable_key_not_allowed")]
    for key, status, code in [*ways, (None, 401, "api_key_missing")]:
        headers = accept(Format.CSV)
        asked = gateway.request("GET", one.path, key=key, params=one.query, headers=headers)
        async with asked as response:
            await problem(response, status, code)
    assert gateway.services.calls(route.rpc.name) == 0


def payments(*pages: list[str], then: Any = None) -> Any:
    """Successive pages of payments with these order references, followed by `then`."""

    def page(request):
        number = int(request.cursor or 0)
        if number == len(pages):
            return then
        found = [
            payments_pb2.Payment(id=f"pay_{number}", order_reference=text) for text in pages[number]
        ]
        more = number + 1 < len(pages) or then is not None
        return payments_pb2.ListPaymentsResponse(
            data=found, next_cursor=str(number + 1) if more else None
        )

    return page


async def test_an_export_applies_the_filters_of_its_list(gateway):
    gateway.services.answers["ListPayments"] = payments(["A-1"], ["A-2"])
    query = {"state": "captured", "order_reference": "A"}
    async with gateway.request("GET", URL, params=query, headers=accept(Format.CSV)) as response:
        await response.read()
    asked = [seen.request for seen in gateway.services.seen if seen.name == "ListPayments"]
    assert [(each.limit, each.cursor) for each in asked] == [(100, ""), (100, "1")]
    assert {each.state for each in asked} == {payments_pb2.Payment.STATE_CAPTURED}
    assert {each.order_reference for each in asked} == {"A"}
    assert {seen.call.merchant_id for seen in gateway.services.seen[1:]} == {"mer_1"}


@pytest.mark.parametrize("form", list(Format))
async def test_no_cell_of_a_file_starts_a_formula(gateway, form):
    from pyarrow import parquet

    text = "=cmd|' /C calc'!A0"
    gateway.services.answers["ListPayments"] = payments([text])
    async with gateway.request("GET", URL, headers=accept(form)) as response:
        data = await response.read()
        assert response.content_type == form.media_type
    if form is Format.CSV:
        assert {row["order_reference"] for row in csv.DictReader(io.StringIO(data.decode()))} == {
            safe(text)
        }
    elif form is Format.XLSX:
        cells = [cell for row in openpyxl.load_workbook(io.BytesIO(data)).active for cell in row]
        assert [cell.data_type for cell in cells if cell.value == text] == ["s"]
    else:
        assert text in parquet.read_table(io.BytesIO(data))["order_reference"].to_pylist()


async def test_an_empty_list_exports_its_header(gateway):
    async with gateway.request("GET", URL, headers=accept(Format.CSV)) as response:
        assert (await response.text()).startswith("id,state,amount,amount_currency,")


@pytest.mark.parametrize("name", ["limit", "cursor"])
async def test_an_export_refuses_paging_parameters(gateway, name):
    headers = accept(Format.CSV)
    async with gateway.request("GET", URL, params={name: "1"}, headers=headers) as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == [f"/{name}"]


async def test_an_export_names_an_invalid_filter(gateway):
    headers = accept(Format.XLSX)
    async with gateway.request("GET", URL, params={"state": "lost"}, headers=headers) as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == ["/state"]


async def test_a_call_that_is_not_a_list_answers_json_even_if_csv_is_accepted(gateway):
    async with gateway.request("GET", f"{URL}/pay_1", headers=accept(Format.CSV)) as response:
        assert json.loads(await response.read()) is not None
        assert response.content_type == "application/json"


def test_some_routes_are_lists():
    assert {"ListPayments", "ListBankLines", "GetTrialBalance"} <= {name_of(r) for r in LISTS}
    assert not {"GetCheckoutOptions", "GetReportRows"} & {name_of(route) for route in LISTS}
