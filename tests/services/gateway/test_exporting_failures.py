"""Exports that fail, are too long, or wait: a part of a list never looks complete."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from incasso.payments.v1 import payments_pb2
from libs.tables.model import Format
from services.gateway import call_slots, exporting
from services.gateway.errors import TooManyAtOnce
from tests.services.gateway.test_exporting import LISTS, URL, accept, payments
from tests.services.gateway.test_transcoder import problem


@pytest.mark.parametrize("form", [Format.CSV, Format.PARQUET])
async def test_a_truncated_export_does_not_look_complete(gateway, form):
    gateway.services.answers["ListPayments"] = payments(["A-1"], then=RuntimeError("gone"))
    with pytest.raises(aiohttp.ClientError):
        async with gateway.request("GET", URL, headers=accept(form)) as response:
            await response.read()


async def test_a_workbook_that_cannot_be_finished_is_a_problem(gateway):
    gateway.services.answers["ListPayments"] = payments(["A-1"], then=RuntimeError("gone"))
    async with gateway.request("GET", URL, headers=accept(Format.XLSX)) as response:
        await problem(response, 500, "internal_error")


@pytest.mark.parametrize("form", list(Format))
async def test_an_export_from_a_killed_service_does_not_look_complete(new_gateway, form):
    async with new_gateway(alone="payments") as gateway:
        server = gateway.servers["payments"]

        async def gone():
            stopping.append(asyncio.create_task(server.stop(0)))
            await asyncio.Event().wait()

        stopping: list[asyncio.Task[None]] = []
        pages = payments(["A-1"], then=1)
        gateway.services.answers["ListPayments"] = lambda request: (
            gone() if request.cursor else pages(request)
        )
        async with gateway.request("GET", URL, headers=accept(form)) as response:
            if form is Format.XLSX:  # nothing has been sent yet
                await problem(response, 503, "service_unavailable")
            else:
                with pytest.raises(aiohttp.ClientError):
                    await response.read()
        await stopping[0]


def files_cut_off() -> float:
    reason = {"reason": "export_too_large"}
    return REGISTRY.get_sample_value("incasso_http_files_cut_off_total", reason) or 0.0


async def test_a_list_that_is_too_long_is_refused(new_gateway):
    async with new_gateway(export_max_rows=2, export_max_xlsx_rows=2) as gateway:
        gateway.services.answers["ListPayments"] = payments(["A-1", "A-2"], ["A-3"])
        async with gateway.request("GET", URL, headers=accept(Format.XLSX)) as response:
            found = await problem(response, 422, "export_too_large")
        assert "2 rows" in found["detail"]
        before = files_cut_off()
        with pytest.raises(aiohttp.ClientError):
            await whole(gateway)
        assert files_cut_off() == before + 1
        gateway.services.answers["ListPayments"] = payments(["A-1"], ["A-2"])
        async with gateway.request("GET", URL, headers=accept(Format.CSV)) as response:
            assert response.headers["Incasso-Export-Max-Rows"] == "2"
            assert len((await response.text()).splitlines()) == 3


async def test_an_export_in_progress_waits_for_a_free_slot(monkeypatch):
    monkeypatch.setattr(exporting, "TURN_SECONDS", 0)
    busy = 2

    @asynccontextmanager
    async def slot(caller, *, reads_only):
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise TooManyAtOnce
        yield

    async def call(message, key):
        return message

    [route] = (route for route in LISTS if route.rpc.name == "ListPayments")
    edge: Any = SimpleNamespace(fairness=SimpleNamespace(slot=slot))
    exporter = exporting.Exporter(route, call, edge, max_rows={})
    page = payments_pb2.ListPaymentsRequest()
    caller: Any = None
    assert await exporter._next_page(caller, page) is page
    assert busy < 0


async def test_an_export_is_refused_while_its_merchants_read_slots_are_taken(
    new_gateway, monkeypatch
):
    """Before it begins, it is refused like any other read."""
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", 0.01)
    reading, read = asyncio.Event(), asyncio.Event()

    async def slow(_):
        reading.set()
        await read.wait()

    async with new_gateway(merchant_reads_at_once=1) as gateway:
        gateway.services.answers["GetPayment"] = slow
        blocking = asyncio.create_task(one_payment(gateway))
        await reading.wait()
        async with gateway.request("GET", URL, headers=accept(Format.CSV)) as response:
            await problem(response, 429, "too_many_at_once")
        read.set()
        assert await blocking == 200


async def one_payment(gateway) -> int:
    async with gateway.request("GET", f"{URL}/pay_1") as response:
        return response.status


async def whole(gateway) -> int:
    async with gateway.request("GET", URL, headers=accept(Format.CSV)) as response:
        return len((await response.text()).splitlines())


async def test_an_export_stops_paging_when_its_caller_leaves(gateway):
    begun, left = asyncio.Event(), asyncio.Event()

    async def endless(request):
        if request.cursor:
            begun.set()
            await left.wait()
        return payments_pb2.ListPaymentsResponse(next_cursor="1")

    gateway.services.answers["ListPayments"] = endless
    asking = asyncio.create_task(whole_workbook(gateway))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    left.set()
    before = -1
    while before != (before := gateway.services.calls("ListPayments")):
        for _ in range(20):  # each takes longer than a page of the export would
            assert await one_payment(gateway) == 200
    assert before < 100


async def whole_workbook(gateway) -> None:
    async with gateway.request("GET", URL, headers=accept(Format.XLSX)) as response:
        await response.read()
