"""`incasso cod manifest` and `incasso cod events`, against a double of cod."""

import base64

import pytest

from incasso.cod.v1 import cod_pb2 as pb
from incasso.cod.v1 import cod_pb2_grpc, files_pb2, files_pb2_grpc, orders_pb2
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import Command, named

OF = ("--courier", "cou_1", "--merchant", "mer_1")
DIFFERS = orders_pb2.CodAcknowledgement(
    order_reference="A-1001",
    cod_order_id="cod_1",
    outcome=orders_pb2.CodAcknowledgement.OUTCOME_DIFFERS,
    acknowledged_minor=49_00,
    to_collect_minor=50_00,
)


class Files(files_pb2_grpc.CodFilesServiceServicer):
    """A double of cod's files: an upload's content decides the answer."""

    async def UploadManifest(self, request, rpc):
        content = base64.b64decode(request.file).decode()
        outcomes, exceptions = {"matched": 2}, []
        if content == "one differs":
            outcomes, exceptions = {"matched": 1, "differs": 1}, [DIFFERS]
        manifest = {"parcels": 3, "orders": 2, "outcomes": outcomes, "exceptions": exceptions}
        return files_pb2.UploadManifestResponse(manifest=manifest)

    async def UploadEventFile(self, request, rpc):
        if base64.b64decode(request.file) == b"broken":
            raise named("courier_file_unreadable", Kind.INVALID, "The file is malformed.")
        event_file = {"events": 3, "outcomes": {"applied": 2, "waiting": 1}, "exceptions": 1}
        return files_pb2.UploadEventFileResponse(event_file=event_file)


class Offers(cod_pb2_grpc.CodOffersServiceServicer):
    async def GetCourier(self, request, rpc):
        return pb.GetCourierResponse(courier={"id": request.courier_id, "currency": "EUR"})


@pytest.fixture
async def incasso():
    added = [
        (cod_pb2_grpc.add_CodOffersServiceServicer_to_server, Offers()),
        (files_pb2_grpc.add_CodFilesServiceServicer_to_server, Files()),
    ]
    server = Server(added, service_named("cod").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield Command({"INCASSO_COD_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


async def test_a_manifest_lists_the_orders_that_must_not_be_dispatched(incasso: Command, tmp_path):
    file = tmp_path / "manifest.csv"
    file.write_text("one differs")
    done = await incasso("cod", "manifest", str(file), *OF)
    assert done.exit_code == 0, done.output
    for text in ("matched: 1", "differs: 1", "A-1001", "49.00 EUR", "50.00 EUR"):
        assert text in done.stdout
    file.write_text("all match")
    assert (await incasso.json("cod", "manifest", str(file), *OF))["exceptions"] == []
    done = await incasso("cod", "manifest", str(file), *OF)
    assert "Every order can be dispatched." in done.stdout


async def test_an_event_file_is_summarised(incasso: Command, tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("three")
    done = await incasso("cod", "events", str(file), *OF)
    assert done.exit_code == 0, done.output
    assert "applied: 2" in done.stdout
    assert (await incasso.json("cod", "events", str(file), *OF))["events"] == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"broken", "courier_file_unreadable"), (bytes(740_001), "is larger than 740000 bytes")],
    ids=["broken", "large"],
)
async def test_a_malformed_or_oversized_event_file_is_refused(incasso, tmp_path, content, message):
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    done = await incasso("cod", "events", str(file), *OF)
    assert done.exit_code == 1
    assert message in done.stderr
