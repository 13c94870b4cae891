"""`incasso reconciliation import`, against a double of reporting."""

import json

import pytest

from incasso.reporting.v1 import imports_pb2 as pb
from incasso.reporting.v1.imports_pb2_grpc import (
    ImportsServiceServicer,
    add_ImportsServiceServicer_to_server,
)
from libs import context
from libs.errors import Kind, Refusal
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import AT, Command

OF = ("--merchant", "mer_1")


class Imports(ImportsServiceServicer):
    def __init__(self):
        self.files = {}
        self.calls = []

    async def ImportStatement(self, upload, rpc):
        request = upload.request
        self.calls.append((context.current(), request))
        data = self.files[request.name] = b"".join([piece async for piece in upload.pieces])
        if data.startswith(b"wrong"):
            raise _refused("7", "does not add up")
        made = {"id": "imp_1", "name": request.name, "format": "camt.053", "lines": 3}
        return pb.ImportStatementResponse(
            **{"import": pb.Import(**made, state=pb.Import.STATE_IMPORTED, created_at=AT)}
        )


def _refused(line, reason):
    found = Refusal("Nothing.", facts={"refused_line": line, "refused_reason": reason})
    found.reason, found.kind = "statement_refused", Kind.UNPROCESSABLE
    return found


@pytest.fixture
async def imports():
    servicer = Imports()
    doors = [(add_ImportsServiceServicer_to_server, servicer)]
    server = Server(doors, ["incasso.reporting.v1.ImportsService"], Tasks())
    servicer.port = await server.start("127.0.0.1:0")
    yield servicer
    await server.stop(0)


@pytest.fixture
def command(imports, incasso) -> Command:
    variable = service_named("reporting").target_variable
    return Command(incasso.env | {variable: f"127.0.0.1:{imports.port}"})


@pytest.fixture
def files(tmp_path):
    for name, data in (("april.xml", b"right" * 200_000), ("may.xml", b"wrong")):
        (tmp_path / name).write_bytes(data)
    return tmp_path


async def test_a_statement_file_is_sent_unchanged_and_its_import_shown(command, imports, files):
    done = await command("reconciliation", "import", str(files / "april.xml"), *OF)
    assert done.exit_code == 0, done.output
    assert "april.xml" in done.stdout
    assert "camt.053" in done.stdout
    assert imports.files["april.xml"] == (files / "april.xml").read_bytes()
    (call, request), *_ = imports.calls
    assert (call.merchant_id, request.psp_account) == ("mer_1", "")


async def test_a_refused_file_says_line_and_reason_and_the_others_are_imported(command, files):
    names = [str(files / name) for name in ("may.xml", "april.xml")]
    done = await command("reconciliation", "import", *names, *OF)
    assert done.exit_code == 1
    assert "april.xml" in done.stdout
    assert "may.xml: line 7: does not add up." in done.stderr


async def test_json_output_has_refused_and_imported_files(command, files):
    names = [str(files / name) for name in ("may.xml", "april.xml")]
    done = await command("reconciliation", "import", *names, *OF, "--json")
    assert done.exit_code == 1
    wrong, right = json.loads(done.stdout)
    assert wrong == {"file": "may.xml", "refused": {"line": 7, "reason": "does not add up"}}
    assert (right["file"], right["import"]["lines"]) == ("april.xml", 3)


async def test_the_psp_account_of_a_report_is_sent(command, imports, files):
    done = await command(
        "reconciliation", "import", str(files / "april.xml"), *OF, "--psp-account", "stripe-it"
    )
    assert done.exit_code == 0, done.output
    assert imports.calls[0][1].psp_account == "stripe-it"


async def test_a_directory_or_missing_file_is_not_sent(command, imports, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.xml"):
        done = await command("reconciliation", "import", str(path), *OF)
        assert done.exit_code == 1
    assert imports.calls == []
