"""Every list of the real stack as a file: the same rows as page by page, and no other merchant's."""

import io

import pytest

from libs.tables.model import Format
from services.gateway.routes import all_routes
from tests.e2e import examples
from tests.e2e.conftest import open_shop
from tests.kit.grouped_cases import grouped

LISTS = {route.path: route for route in all_routes() if route.lists and not route.path_fields}


async def exported(shop, path, **query):
    from pyarrow import parquet

    headers = {
        "Authorization": f"Bearer {shop.secret_key}",
        "Accept": Format.PARQUET.media_type,
    }
    async with shop.http.get(shop.url + path, params=query, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return parquet.read_table(io.BytesIO(await answer.read())).to_pylist()


@pytest.fixture(scope="module")
async def traded(opened):
    """A merchant with payments of several states, more than a page of customers, and links."""
    shop, _ = opened
    customer = await shop.customer("tok_visa")
    for amount in (1000, 2000, 3000):
        (await shop.one_click(customer, amount)).expect(201)
    (await shop.link(1000)).expect(201)
    for number in range(101):
        body = {"email": f"many-{number}@example.com", "name": "=1+1", "locale": "it"}
        (await shop.call("POST", "/v1/customers", body)).expect(201)
    return shop


@pytest.fixture(scope="module")
async def stranger(stack):
    async with open_shop(stack, "Stranger") as (shop, _):
        yield shop


@grouped("path", LISTS, by=lambda path: LISTS[path].rpc.containing_service.name)
async def test_an_export_has_the_same_rows_as_the_list(traded, path):
    query = examples.query_of(LISTS[path])
    if "limit" in LISTS[path].rpc.input_type.fields_by_name:
        listed = [row async for row in traded.pages(path + query)]
    else:
        listed = (await traded.get(path + query))["data"]
    rows = await exported(traded, path + query)
    assert len(rows) == len(listed)
    assert [row.get("id") for row in rows] == [row.get("id") for row in listed]


async def test_an_export_applies_the_filters_of_the_list(traded):
    customer = await traded.customer("tok_visa")
    paid = (await traded.one_click(customer, 4200)).expect(201)
    [row] = await exported(traded, "/v1/payments", customer_id=customer)
    assert (row["id"], str(row["amount"]), row["amount_currency"]) == (paid["id"], "42.0000", "EUR")
    assert await exported(traded, "/v1/payments", customer_id=customer, state="declined") == []


async def test_an_export_contains_no_data_of_another_merchant(traded, stranger):
    assert len(await exported(traded, "/v1/customers")) > 100
    assert await exported(stranger, "/v1/customers") == []
    customer = (await traded.get("/v1/payments"))["data"][0]["customer_id"]
    assert await exported(stranger, "/v1/payments", customer_id=customer) == []
