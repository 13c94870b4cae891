"""`incasso export` writes a list to a file, completely or not at all."""

import asyncio

import pytest
from aiohttp import web

from tests.cli.conftest import Command

CSV = "text/csv; charset=utf-8"


@pytest.fixture
async def gateway():
    """A double of the gateway: a list, one that is cut off, a refusal, a call that is no list, and a 502."""
    asked = []

    async def payments(request):
        asked.append(request)
        return web.Response(body=b"id\r\npay_1\r\n", headers={"Content-Type": CSV})

    async def cut_off(request):
        answer = web.StreamResponse(
            headers={"Content-Type": CSV, "Incasso-Export-Max-Rows": "1000000"}
        )
        await answer.prepare(request)
        await answer.write(b"id\r\npay_1\r\n")
        request.transport.abort()
        return answer

    async def refused(_):
        errors = [{"pointer": "/state", "detail": "must be one of open"}]
        problem = {"detail": "The request is wrong.", "code": "invalid_argument", "errors": errors}
        return web.json_response(problem, status=400)

    async def no_list(_):
        return web.json_response({})

    async def bad_gateway(_):
        return web.Response(status=502, text="<html>")

    app = web.Application()
    app.router.add_get("/v1/events", bad_gateway)
    app.router.add_get("/v1/payments", payments)
    app.router.add_get("/v1/reconciliation/bank-lines", cut_off)
    app.router.add_get("/v1/disputes", refused)
    app.router.add_get("/v1/merchant", no_list)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield Command({"INCASSO_URL": url, "INCASSO_SECRET_KEY": "sk_1"}), asked
    await runner.cleanup()


async def test_a_filtered_list_is_written_to_a_file(gateway, tmp_path):
    command, asked = gateway
    file = tmp_path / "payments.csv"
    found = await command.json(
        "export",
        "payments",
        "--filter",
        "state=captured",
        "--filter",
        "order_reference=A=1",
        "-o",
        str(file),
    )
    assert file.read_bytes() == b"id\r\npay_1\r\n"
    assert (found["file"], found["format"], found["size_bytes"]) == (str(file), "csv", 11)
    [request] = asked
    assert dict(request.query) == {"state": "captured", "order_reference": "A=1"}
    assert request.headers["Accept"] == "text/csv"
    assert request.headers["Authorization"] == "Bearer sk_1"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        (["-o", "p.xlsx"], "spreadsheetml"),
        (["-o", "p.xlsx", "--format", "parquet"], "parquet"),
        (["-o", "p.txt"], "text/csv"),
    ],
)
async def test_the_file_extension_sets_the_format_unless_a_format_is_given(
    gateway, tmp_path, arguments, form
):
    command, asked = gateway
    await command("export", "payments", "-o", str(tmp_path / arguments[1]), *arguments[2:])
    assert form in asked[0].headers["Accept"]


async def test_a_truncated_download_leaves_the_existing_file_untouched(gateway, tmp_path):
    command, _ = gateway
    file = tmp_path / "lines.csv"
    file.write_text("before")
    done = await command("export", "reconciliation/bank-lines", "-o", str(file))
    assert done.exit_code == 3
    assert "1000000 rows" in done.stderr
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["disputes"], "/state must be one of open"),
        (["merchant"], "is not a list"),
        (["events"], "HTTP 502"),
        (["../payments"], "is not a list"),
        (["payments", "--filter", "state"], "is not a filter"),
    ],
)
async def test_a_refused_export_says_why_and_leaves_no_file(gateway, tmp_path, arguments, message):
    command, _ = gateway
    done = await command("export", *arguments, "-o", str(tmp_path / "x.csv"))
    assert done.exit_code == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


async def test_an_unset_url_is_named_and_an_unreachable_gateway_leaves_no_file(free_port, tmp_path):
    done = await Command({"INCASSO_URL": "", "INCASSO_SECRET_KEY": ""})("export", "payments")
    assert (done.exit_code, "INCASSO_URL" in done.stderr) == (78, True)
    env = {"INCASSO_URL": f"http://127.0.0.1:{free_port()}", "INCASSO_SECRET_KEY": "sk_1"}
    done = await Command(env)("export", "payments", "-o", str(tmp_path / "x.csv"))
    assert done.exit_code == 3
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
