"""The month of `make demo-data`, cut short: its data comes from the services' own calls, and is planted only once."""

import io

from rich.console import Console

from stack.demo_data.planting import plant
from stack.shop import Shop
from tests.e2e.conftest import RECORDED


async def test_demo_days_are_planted_once(stack, opened, tmp_path):
    out = io.StringIO()
    planted = await plant(stack, tmp_path, Console(file=out), days=2)
    assert (planted.days, planted.complete) == (2, True)
    shop, _ = opened
    urls = (shop.url, planted.secret_key, shop.sandbox_url, shop.localstripe_url)
    month = Shop(shop.http, *urls, recorded=RECORDED)
    clock = await month.get("/v1/test-clock")
    assert 28 * 3600 <= clock["offset_seconds"] < 31 * 3600
    payments = (await month.get("/v1/payments?limit=100"))["data"]
    assert {"one_click", "link", "instalments"} <= {each["method"] for each in payments}
    lines = (await month.get("/v1/reconciliation/settlement-lines"))["data"]
    known = {each["psp_reference"] for each in payments if "psp_reference" in each}
    assert lines
    assert {each["payment_reference"] for each in lines if each["kind"] == "charge"} <= known
    assert len((await month.get("/v1/cod-orders"))["data"]) == 2
    assert await plant(stack, tmp_path, Console(file=out), days=2) == planted
    assert "is there already" in out.getvalue()
