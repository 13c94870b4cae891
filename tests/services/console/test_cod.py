"""Cash on delivery in the console: files are previewed before they are booked, and cash is refunded once."""

import base64
import io
from datetime import timedelta

import aiohttp
import pytest

from incasso.cod.v1 import remittances_pb2
from libs.errors import FieldViolation, InvalidArgument
from libs.roles import SCOPES, Role
from services.console.errors import LineGone
from services.console.rules.ageing import totals
from tests.services.console import cod_samples as samples
from tests.services.console.conftest import Console
from tests.services.console.samples import authenticated

ORDER = f"/cod/orders/{samples.ORDER_ID}"
REMITTANCE = f"/cod/remittances/{samples.REMITTANCE_ID}"
LINE = f"{REMITTANCE}/lines/{samples.LINE_ID}"
FILE = b"Spedizione;Netto\nGL1;129,00\n"


async def upload(console: Console, content: bytes = FILE, name: str = "rimesse.csv") -> tuple:
    form = aiohttp.FormData({"proof": await console.proof(), "courier_id": samples.COURIER_ID})
    form.add_field("file", io.BytesIO(content), filename=name, content_type="text/csv")
    async with console.request("POST", "/cod/remittances", data=form) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def test_a_couriers_file_is_previewed_before_it_is_booked(console: Console):
    status, place, _ = await upload(console)
    assert (status, place) == (303, f"{REMITTANCE}?notice=read")
    asked = console.services.last("UploadRemittance").request
    assert base64.b64decode(asked.file) == FILE
    assert (asked.name, asked.courier_id) == ("rimesse.csv", samples.COURIER_ID)
    assert console.services.calls("CommitRemittance") == 0
    assert '"file"' not in console.services.last("RecordIntent").request.after
    previewed = samples.remittance(state=remittances_pb2.CodRemittance.STATE_PREVIEWED)
    answer = remittances_pb2.GetRemittanceResponse(remittance=previewed)
    console.services.answers["GetRemittance"] = answer
    assert "Nothing is booked yet" in await console.page(REMITTANCE)
    status, place, _ = await console.post(f"{REMITTANCE}/book", {})
    assert place == f"{REMITTANCE}?notice=booked"
    assert console.services.calls("CommitRemittance") == 1


async def test_an_unnamed_remittance_is_titled_by_its_courier(console: Console):
    answer = remittances_pb2.GetRemittanceResponse(remittance=samples.remittance(name=None))
    console.services.answers["GetRemittance"] = answer
    heading = (await console.page(REMITTANCE)).split("<h1>")[1].split("</h1>")[0]
    assert samples.REMITTANCE_ID not in heading
    assert heading.startswith("GLS, ")


async def test_errors_in_a_file_are_shown_line_by_line(console: Console):
    faults = [
        FieldViolation("file.line_7", "has no amount: ''"),
        FieldViolation("file.line_9", "?"),
    ]
    console.services.answers["UploadRemittance"] = InvalidArgument(violations=tuple(faults))
    status, _, page = await upload(console)
    assert status == 400
    assert "has no amount" in page
    assert "file.line_9" in page


async def test_a_form_without_its_file_is_refused(console: Console):
    status, _, page = await upload(console, b"", name="")
    assert status == 400
    assert "Choose a file" in page
    assert console.services.calls("UploadRemittance") == 0


async def test_a_file_that_is_too_large_is_refused(console: Console):
    status, _, page = await upload(console, b"x" * (9 * 1024 * 1024))
    assert status == 413
    assert "larger than 8 MiB" in page
    assert console.services.calls("UploadRemittance") == 0


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n\r\n--x--", b"\xff\x00" * 50])
async def test_a_malformed_form_uploads_nothing(console: Console, body: bytes):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with console.request("POST", "/cod/remittances", data=body, headers=headers) as response:
        assert response.status in {400, 403}
    assert console.services.calls("UploadRemittance") == 0


async def test_a_line_is_booked_on_the_chosen_order(console: Console):
    shown = await console.page(f"{REMITTANCE}?exceptions=yes&line={samples.LINE_ID}")
    assert f'action="{LINE}?exceptions=yes"' in shown
    sent = {"cod_order_id": samples.ORDER_ID}
    status, place, _ = await console.post(f"{LINE}?exceptions=yes", sent)
    assert (status, place) == (303, f"{REMITTANCE}?exceptions=yes&notice=line_resolved")
    asked = console.services.last("ResolveRemittanceLine").request
    assert (asked.cod_order_id, asked.HasField("resolution")) == (samples.ORDER_ID, False)
    assert console.services.last("ListRemittanceLines").request.is_exception


async def test_a_line_is_closed_with_the_reason(console: Console):
    await console.post(LINE, {"closed_as": "given_back", "resolution": "twice"})
    asked = console.services.last("ResolveRemittanceLine").request
    assert asked.closed_as == remittances_pb2.REMITTANCE_CLOSING_GIVEN_BACK
    assert (asked.resolution, asked.cod_order_id) == ("twice", "")
    status, _, page = await console.post(LINE, {"resolution": "nothing chosen"})
    assert status == 400
    assert "Choose an order, or why there is none" in page
    assert 'value="nothing chosen"' in page


async def test_a_line_that_is_no_longer_shown_is_not_resolved(console: Console):
    other = LINE.replace("rml_06", "rml_99")
    status, _, page = await console.post(other, {"closed_as": "not_ours", "resolution": "x"})
    assert status == LineGone.kind.http_status
    assert "no longer in the list" in page
    assert console.services.calls("ResolveRemittanceLine") == 0


async def test_a_cash_refund_above_the_limit_needs_a_fresh_proof_of_identity(console: Console):
    _, place, _ = await console.post(f"{ORDER}/refunds", {"amount": "100,00"})
    assert place == f"{ORDER}?notice=refund_requested"
    assert console.services.last("CreateCodRefund").request.amount_minor == 10000
    long_ago = authenticated(SCOPES[Role.OWNER], proved=timedelta(hours=1))
    console.services.answers["AuthenticateSession"] = long_ago
    _, place, _ = await console.post(f"{ORDER}/refunds", {"amount": "100,01", "here": ORDER})
    assert place.startswith("/prove?next=")
    assert console.services.calls("CreateCodRefund") == 1


async def test_a_refund_account_reaches_the_service_but_not_the_audit_log(console: Console):
    sent = {"holder": "Giulia Bianchi", "iban": "it60 x054 2811 1010 0000 0123 456"}
    _, place, _ = await console.post(f"{ORDER}/refunds/{samples.REFUND_ID}/account", sent)
    assert place == f"{ORDER}?notice=account_set"
    account = console.services.last("SetCodRefundAccount").request.account
    assert account.iban == "IT60X0542811101000000123456"
    assert account.iban not in console.services.last("RecordIntent").request.after


async def test_a_viewer_cannot_download_the_bank_file(console: Console):
    path = f"/cod/refunds/files/{samples.EXPORT_ID}"
    async with console.request("GET", path) as response:
        assert await response.text() == "<Document/>"
        assert 'filename="CRE.xml"' in response.headers["Content-Disposition"]
    console.act_as(Role.VIEWER)
    async with console.request("GET", path) as response:
        assert response.status == 403


def test_ageing_sums_each_bucket_in_order():
    found = totals([{"new": 5, "old": 1}, {"old": 2}], "EUR", ("not_due", "new"))
    assert [(part.bucket, part.amount_minor) for part in found.parts] == [
        ("not_due", 0),
        ("new", 5),
        ("old", 3),
    ]
    assert found.total_minor == 8
