"""`incasso cod`, against a double of cod."""

import base64
import re
from typing import Any

import pytest

from incasso.cod.v1 import cod_pb2 as pb
from incasso.cod.v1 import (
    cod_pb2_grpc,
    refunds_pb2_grpc,
    remittances_pb2_grpc,
)
from incasso.cod.v1 import refunds_pb2 as refunds
from incasso.cod.v1 import remittances_pb2 as remittances
from incasso.common.v1 import offer_pb2
from libs import context
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import AT, Command, named

OF = ("--merchant", "mer_1")
COURIER = pb.Courier(
    id="cou_1",
    state=pb.Courier.STATE_ACTIVE,
    name="GLS",
    currency="EUR",
    cut={"basis_points": 300, "minimum_minor": 3_00, "maximum_minor": 25_00},
    max_collect_minor=3_000_00,
    modes=[{"mode": offer_pb2.COLLECTION_MODE_CASH, "code": "CONT", "max_collect_minor": 258_22}],
    zones=[{"country": "IT", "excluded_postcodes": ["23041"]}],
    remittance_days=12,
    remittance_columns={"tracking_number": "Spedizione", "words": [{"text": "RESO", "meaning": 3}]},
    event_columns={"kind": "Esito", "words": [{"text": "ASSENTE", "kind": 2}, {"text": "PARTITA"}]},
    created_at=AT,
)
SETTINGS = pb.CodSettings(
    offered=pb.CodSettings.OFFERED_ALWAYS,
    currency="EUR",
    fee={"tiers": [{"from_minor": 50_00, "fixed_minor": 6_00}], "vat_basis_points": 2200},
    deposit={"basis_points": 3000, "from_minor": 300_00},
    carts={"max_amount_minor": 1_000_00},
    fee_warning={"version": "2026-11"},
    fee_acknowledgement={"acknowledged_by": "Anna Bianchi", "acknowledged_at": AT},
)


AGEING = remittances.CodAgeing(
    courier_id="cou_1",
    courier="GLS",
    currency="EUR",
    parcels=3,
    open_minor=70_00,
    days_0_to_7_minor=20_00,
    days_over_30_minor=50_00,
    overdue_minor=50_00,
)


REFUND = refunds.CodRefund(
    id="crf_1",
    state=refunds.CodRefund.STATE_READY,
    order_reference="A-1",
    amount={"amount_minor": 25_50, "currency": "EUR"},
    account={"holder": "G••• B•••", "iban": "IT60 ••• 3456"},
    created_at=AT,
)
EXPORT = refunds.CodRefundExport(
    id="cre_1",
    refunds=2,
    amount={"amount_minor": 35_50, "currency": "EUR"},
    states={"exported": 2},
    execution_on="2026-11-27",
    created_at=AT,
)


class Offers(cod_pb2_grpc.CodOffersServiceServicer):
    async def ListCouriers(self, request, rpc):
        return pb.ListCouriersResponse(data=[COURIER])

    async def GetCourier(self, request, rpc):
        if request.courier_id != "cou_1":
            raise named("courier_not_found", Kind.NOT_FOUND, "There is no such courier.")
        return pb.GetCourierResponse(courier=COURIER)

    async def GetCodSettings(self, request, rpc):
        return pb.GetCodSettingsResponse(settings=SETTINGS)


REMITTANCE = remittances.CodRemittance(
    id="rem_1",
    state=remittances.CodRemittance.STATE_PREVIEWED,
    courier_id="cou_1",
    currency="EUR",
    lines=2,
    remitted_minor=94_00,
    results={"suggested": 2},
    exceptions=2,
    created_at=AT,
)
LINE = remittances.CodRemittanceLine(
    id="rml_1",
    remittance_id="rem_1",
    line=2,
    tracking_number="AB1",
    remitted_minor=47_00,
    result=remittances.REMITTANCE_RESULT_SUGGESTED,
    is_exception=True,
    suggestions=["cod_1"],
)


class Remittances(remittances_pb2_grpc.CodRemittancesServiceServicer):
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def UploadRemittance(self, request, rpc):
        self.asked.append(request)
        if request.courier_id != "cou_1":
            raise named("courier_not_found", Kind.NOT_FOUND, "There is no such courier.")
        return remittances.UploadRemittanceResponse(remittance=REMITTANCE)

    async def GetRemittance(self, request, rpc):
        return remittances.GetRemittanceResponse(remittance=REMITTANCE)

    async def ListRemittances(self, request, rpc):
        return remittances.ListRemittancesResponse(data=[REMITTANCE])

    async def ListRemittanceLines(self, request, rpc):
        self.asked.append(request)
        return remittances.ListRemittanceLinesResponse(data=[LINE])

    async def CommitRemittance(self, request, rpc):
        committed = remittances.CodRemittance()
        committed.CopyFrom(REMITTANCE)
        committed.state = remittances.CodRemittance.STATE_COMMITTED
        return remittances.CommitRemittanceResponse(remittance=committed)

    async def ResolveRemittanceLine(self, request, rpc):
        self.asked.append(request)
        return remittances.ResolveRemittanceLineResponse(line=LINE)

    async def GetCodAgeing(self, request, rpc):
        return remittances.GetCodAgeingResponse(data=[AGEING])


class Refunds(refunds_pb2_grpc.CodRefundsServiceServicer):
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.keys: list[str] = []

    async def ListCodRefunds(self, request, rpc):
        self.asked.append(request)
        return refunds.ListCodRefundsResponse(data=[REFUND])

    async def CreateCodRefundExport(self, request, rpc):
        self.keys.append(context.current().idempotency_key)
        return refunds.CreateCodRefundExportResponse(export=EXPORT)

    async def GetCodRefundExport(self, request, rpc):
        return refunds.GetCodRefundExportResponse(export=EXPORT)

    async def GetCodRefundFile(self, request, rpc):
        return refunds.GetCodRefundFileResponse(name="cre_1.xml", xml="<Document/>\n")


@pytest.fixture
async def paying() -> Refunds:
    return Refunds()


@pytest.fixture
async def played() -> Remittances:
    return Remittances()


@pytest.fixture
async def incasso(played: Remittances, paying: Refunds):
    added = [
        (cod_pb2_grpc.add_CodOffersServiceServicer_to_server, Offers()),
        (remittances_pb2_grpc.add_CodRemittancesServiceServicer_to_server, played),
        (refunds_pb2_grpc.add_CodRefundsServiceServicer_to_server, paying),
    ]
    server = Server(added, service_named("cod").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield Command({"INCASSO_COD_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("couriers",), ("cou_1", "GLS", "3.00 % + 0.00 EUR, at least 3.00 EUR", "3000.00 EUR")),
        (
            ("courier", "cou_1"),
            (
                "CONT",
                "258.22 EUR",
                "23041",
                "Spedizione",
                "RESO: returned",
                "ASSENTE: attempt_failed",
                "PARTITA: ignored",
            ),
        ),
        (("settings",), ("always", "30.00 %", "50.00 EUR", "6.00 EUR", "22.00 %", "Anna Bianchi")),
        (("remittances", "list"), ("rem_1", "previewed", "94.00 EUR")),
        (("remittances", "show", "rem_1"), ("suggested", "94.00 EUR", "commit rem_1")),
        (("remittances", "lines", "rem_1"), ("rml_1", "suggested", "AB1", "47.00 EUR", "cod_1")),
        (("remittances", "commit", "rem_1"), ("committed", "lines rem_1 --exceptions")),
        (("refunds", "list"), ("crf_1", "ready", "25.50 EUR", "G••• B••• IT60 ••• 3456")),
        (("ageing",), ("cou_1", "GLS", "70.00 EUR", "20.00 EUR", "50.00 EUR")),
    ],
)
async def test_cod_resources_are_printed_in_human_readable_form(incasso: Command, arguments, texts):
    done = await incasso("cod", *arguments, *OF)
    assert done.exit_code == 0, done.output
    for text in texts:
        assert text in done.stdout


async def test_json_output_has_the_fields_of_the_api(incasso: Command):
    (found,) = await incasso.json("cod", "couriers", *OF)
    assert found == await incasso.json("cod", "courier", "cou_1", *OF)
    assert (found["state"], found["max_collect_minor"]) == ("active", 3_000_00)
    assert (await incasso.json("cod", "ageing", *OF))[0]["overdue_minor"] == 50_00
    assert (await incasso.json("cod", "settings", *OF))["fee"]["vat_basis_points"] == 2200


async def test_an_unknown_courier_is_refused_with_a_next_step(incasso: Command):
    done = await incasso("cod", "courier", "cou_2", *OF)
    assert done.exit_code == 1
    assert "courier_not_found" in done.stderr
    assert "incasso cod couriers" in done.stderr


async def test_a_file_is_uploaded_unchanged_and_previewed(incasso: Command, played, tmp_path):
    file = tmp_path / "rimesse.csv"
    file.write_bytes("Spedizione;Netto\nAB1;47,00\u20ac\n".encode("cp1252"))
    upload = ("cod", "remittances", "upload", str(file), *OF)
    done = await incasso(*upload, "--courier", "cou_1", "--tolerance", "2")
    assert done.exit_code == 0, done.output
    assert "Nothing is booked yet" in done.stdout
    (asked,) = played.asked
    assert base64.b64decode(asked.file) == file.read_bytes()
    assert (asked.name, asked.tolerance_minor) == ("rimesse.csv", 2)
    assert (await incasso(*upload, "--courier", "cou_2")).exit_code == 1


async def test_an_operator_books_or_closes_a_remittance_line(incasso: Command, played):
    resolve = ("cod", "remittances", "resolve", "rem_1", "rml_1", *OF)
    assert (await incasso.json(*resolve, "--order", "cod_1", "--parcel", "AB1"))["id"] == "rml_1"
    done = await incasso(*resolve, "--close", "given_back", "--note", "On 3 December")
    assert (done.exit_code, "47.00 EUR" in done.stdout) == (0, True)
    booked, closed = played.asked
    assert (booked.cod_order_id, booked.tracking_number) == ("cod_1", "AB1")
    assert closed.closed_as == remittances.REMITTANCE_CLOSING_GIVEN_BACK
    assert closed.resolution == "On 3 December"


async def test_remittance_lines_can_be_limited_to_exceptions(incasso: Command, played):
    await incasso.json("cod", "remittances", "lines", "rem_1", *OF)
    await incasso.json("cod", "remittances", "lines", "rem_1", "--exceptions", *OF)
    assert [each.is_exception for each in played.asked] == [False, True]


async def test_a_refund_export_file_is_accessible_to_its_owner_only(incasso: Command, tmp_path):
    done = await incasso("cod", "refunds", "export", str(tmp_path), *OF)
    assert done.exit_code == 0, done.output
    assert all(text in done.stdout for text in ("cre_1", "35.50 EUR", "2 exported"))
    file = tmp_path / "cre_1.xml"
    assert file.read_bytes() == b"<Document/>\n"
    assert file.stat().st_mode & 0o077 == 0
    found = await incasso.json("cod", "refunds", "file", "cre_1", str(tmp_path), *OF)
    assert (found["id"], found["file"]) == ("cre_1", str(file))


async def test_an_unanswered_export_is_retried_under_its_printed_key(
    incasso: Command, paying, tmp_path
):
    export = ("cod", "refunds", "export", str(tmp_path), *OF)
    done = await Command({"INCASSO_COD_TARGET": "127.0.0.1:1"})(*export)
    (key,) = re.findall(r"--key (key_\w+)", done.stderr)
    assert done.exit_code == 3
    assert (await incasso(*export, "--key", key)).exit_code == 0
    assert paying.keys == [key]


async def test_refunds_are_listed_by_state(incasso: Command, paying):
    assert (await incasso.json("cod", "refunds", "list", "--state", "ready", *OF))["data"]
    assert paying.asked[-1].state == refunds.CodRefund.STATE_READY
