"""The simulated courier: the amounts announced, collected and paid out, and the files it writes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from incasso.cod.v1 import cod_pb2 as pb
from libs import wire
from services.cod.rules import event_files, manifest_files
from services.cod.rules.columns import Meaning, RemittanceColumns, Word
from services.cod.rules.couriers import CollectionMode, Courier, CourierTerms, on_terms
from services.cod.rules.parcels import AcknowledgedParcel
from services.cod.rules.remittance_files import read
from services.gateway.rules import json_in
from services.sandbox.config import Config
from stack.demo_couriers import EXAMPLES as DEMO_COURIERS
from tests.services.sandbox.conftest import Client, running_sandbox

CUT: Final = {"basis_points": 300, "minimum_minor": 300}
(GLS,) = (path for path in DEMO_COURIERS if path.stem == "gls")
COLUMNS: Final = {
    "tracking_number": "Spedizione",
    "sender_reference": "Rif. mittente",
    "collected": "Contrassegno",
    "cut": "Commissione",
    "remitted": "Netto",
    "on": "Data",
    "state": "Esito",
    "words": (Word("consegnato", Meaning.COLLECTED), Word("reso", Meaning.RETURNED)),
}


async def announced(sandbox: Client, *parcels: dict[str, Any], courier: str = "gls") -> list[Any]:
    answer = await sandbox.call("POST", f"/courier/{courier}/manifests", {"parcels": parcels})
    assert answer.status == 201
    return answer.body["parcels"]


def parcel(reference: str = "O-1", amount_minor: int = 1234_50) -> dict[str, Any]:
    return {"reference": reference, "amount_minor": amount_minor, "mode": "CONT"}


async def moved(sandbox: Client, number: str, move: str, **body: int) -> Any:
    return await sandbox.console(f"couriers/gls/parcels/{number}/{move}", **body)


async def list_of(sandbox: Client, name: str, dialect: str) -> bytes:
    url = f"{sandbox.url}/courier/gls/{name}?dialect={dialect}"
    async with sandbox.session.get(url) as answer:
        return await answer.read()


def courier_of(*, header_row: int) -> Courier:
    """The demo merchant's courier, which matches the sandbox's."""
    request = pb.CreateCourierRequest()
    json_in.fill_body(request.terms, json.loads(GLS.read_text()))
    terms = wire.read(CourierTerms, request.terms)
    known = {"courier_id": "cou_1", "merchant_id": "mer_1", "created_at": datetime.now(UTC)}
    courier = on_terms(terms, **known)
    assert courier.manifest_columns is not None
    assert courier.event_columns is not None
    return replace(
        courier,
        manifest_columns=replace(courier.manifest_columns, header_row=header_row),
        event_columns=replace(courier.event_columns, header_row=header_row),
    )


async def remitted(sandbox: Client, **body: Any) -> Any:
    answer = await sandbox.console("couriers/gls/remittances", cut=CUT, on="2026-11-26", **body)
    assert answer.status == 201
    return answer.body


async def file_of(sandbox: Client, remittance: Any) -> bytes:
    async with sandbox.session.get(remittance["url"]) as answer:
        return await answer.read()


async def test_a_manifest_is_acknowledged_with_the_amounts_to_collect(sandbox: Client):
    first, deaf = await announced(sandbox, parcel(), parcel("O-2-nocod"))
    assert (first["tracking_number"], first["to_collect_minor"]) == ("SBX000000001", 1234_50)
    assert deaf["to_collect_minor"] == 0
    (again,) = await announced(sandbox, parcel(amount_minor=99_00))
    assert (again["tracking_number"], again["to_collect_minor"]) == ("SBX000000001", 99_00)


async def test_a_delivered_or_returned_parcel_accepts_no_other_outcome(sandbox: Client):
    first, second = await announced(sandbox, parcel(), parcel("O-2"))
    for _ in range(2):
        delivered = await moved(sandbox, first["tracking_number"], "deliver", amount_minor=1200_00)
        assert (delivered.body["state"], delivered.body["collected_minor"]) == (
            "collected",
            1200_00,
        )
    (late,) = await announced(sandbox, parcel(amount_minor=1))
    assert late["to_collect_minor"] == 1234_50, "a delivered parcel keeps its amount"
    refused = await moved(sandbox, second["tracking_number"], "refuse")
    assert refused.body["state"] == "refused"
    returned = await moved(sandbox, second["tracking_number"], "return")
    assert returned.body["state"] == "returned"
    for number, move in ((first, "return"), (second, "deliver")):
        answer = await moved(sandbox, number["tracking_number"], move)
        assert (answer.status, answer.body["code"]) == (422, "parcel_elsewhere")


@pytest.mark.parametrize("dialect", ["windows", "spreadsheet", "workbook"])
async def test_a_remittance_is_read_as_it_was_written_in_every_dialect(sandbox: Client, dialect):
    first, second = await announced(sandbox, parcel(), parcel("O-2", 25_00))
    for each in (first, second):
        await moved(sandbox, each["tracking_number"], "deliver")
    remittance = await remitted(sandbox, dialect=dialect)
    columns = RemittanceColumns(**COLUMNS, header_row=4 if dialect == "spreadsheet" else 1)
    reading = read(await file_of(sandbox, remittance), columns, "EUR")
    assert reading.faults == ()
    assert [
        (
            line.tracking_number,
            line.sender_reference,
            line.collected_minor,
            line.cut_minor,
            line.remitted_minor,
            str(line.on),
            line.meaning,
        )
        for line in reading.lines
    ] == [
        ("SBX000000001", "O-1", 1234_50, 37_04, 1197_46, "2026-11-26", Meaning.COLLECTED),
        ("SBX000000002", "O-2", 25_00, 3_00, 22_00, "2026-11-26", Meaning.COLLECTED),
    ]
    assert remittance["remitted_minor"] == 1219_46


@pytest.mark.parametrize("dialect", ["windows", "spreadsheet", "workbook"])
async def test_manifest_and_event_files_can_be_read_in_every_dialect(sandbox: Client, dialect):
    first, second = await announced(sandbox, parcel(), parcel("O-2", 25_00))
    courier = courier_of(header_row=4 if dialect == "spreadsheet" else 1)
    manifest = manifest_files.read(await list_of(sandbox, "manifest-file", dialect), courier)
    assert manifest.lines == (
        AcknowledgedParcel("O-1", "SBX000000001", 1234_50),
        AcknowledgedParcel("O-2", "SBX000000002", 25_00),
    )
    await moved(sandbox, first["tracking_number"], "attempt")
    await moved(sandbox, first["tracking_number"], "deliver", amount_minor=1200_00)
    await moved(sandbox, second["tracking_number"], "refuse")
    for _ in range(2):  # repeating it changes nothing
        await moved(sandbox, second["tracking_number"], "return")
    events = event_files.read(
        await list_of(sandbox, "event-file", dialect), courier, datetime.now(UTC)
    )
    assert [(one.event_id, one.tracking_number[-1], one.kind.value) for one in events.lines] == [
        ("E000000001", "1", "attempt_failed"),
        ("E000000002", "1", "collected"),
        ("E000000003", "2", "refused"),
        ("E000000004", "2", "returned"),
    ]
    assert events.lines[1].amount_minor == 1200_00
    assert events.lines[1].mode is CollectionMode.CASH
    assert abs(datetime.now(UTC) - events.lines[3].occurred_at) < timedelta(hours=1)


async def test_a_collected_amount_is_remitted_once_and_recorded_in_the_books(sandbox: Client):
    (only,) = await announced(sandbox, parcel("O-1", 100_00))
    await moved(sandbox, only["tracking_number"], "deliver")
    assert (await remitted(sandbox))["lines"] == 1
    assert (await remitted(sandbox))["lines"] == 0
    (row,) = (await sandbox.call("GET", "/courier/gls/parcels")).body["data"]
    assert (row["collected_minor"], row["remitted_minor"]) == (100_00, 97_00)
    assert (await sandbox.call("GET", "/courier/brt/parcels")).body["data"] == []


async def test_remittance_mistakes_are_made_on_demand(sandbox: Client):
    first, second, third = await announced(
        sandbox, parcel("O-1", 100_00), parcel("O-2", 100_00), parcel("O-3", 50_00)
    )
    await moved(sandbox, first["tracking_number"], "deliver")
    await moved(sandbox, second["tracking_number"], "deliver")
    await moved(sandbox, third["tracking_number"], "return")
    wrong = {"short_minor": 50, "cut_minor": 2_00, "unknown": 1, "duplicate": 1, "returned": 1}
    remittance = await remitted(sandbox, errors=wrong)
    reading = read(await file_of(sandbox, remittance), RemittanceColumns(**COLUMNS), "EUR")
    assert [
        (line.tracking_number[-3:], line.cut_minor, line.remitted_minor) for line in reading.lines
    ] == [
        ("001", 5_00, 94_50),
        ("002", 3_00, 97_00),
        ("001", 5_00, 94_50),
        ("003", 3_00, 47_00),
        ("TO1", 0, 10_00),
    ]
    rows = (await sandbox.call("GET", "/courier/gls/parcels")).body["data"]
    assert [row["remitted_minor"] for row in rows] == [189_00, 97_00, 47_00]


async def test_a_remittance_splits_an_order_into_two_lines_on_demand(sandbox: Client):
    whole, split = await announced(sandbox, parcel("O-1", 100_00), parcel("O-2", 101_00))
    for each in (whole, split):
        await moved(sandbox, each["tracking_number"], "deliver")
    remittance = await remitted(sandbox, errors={"split": 1})
    reading = read(await file_of(sandbox, remittance), RemittanceColumns(**COLUMNS), "EUR")
    assert [
        (line.sender_reference, line.collected_minor, line.cut_minor, line.remitted_minor)
        for line in reading.lines
    ] == [("O-1", 100_00, 3_00, 97_00), ("O-2", 50_49, 1_51, 48_98), ("O-2", 50_51, 1_52, 48_99)]
    rows = (await sandbox.call("GET", "/courier/gls/parcels")).body["data"]
    assert [row["remitted_minor"] for row in rows] == [97_00, 97_97]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/courier/gls/manifests", {"parcels": []}, "parcels"),
        ("/courier/gls/manifests", {"parcels": [{"reference": "O;1"}]}, "reference"),
        ("/courier/gls/manifests", {"parcels": [parcel() | {"currency": "USD"}]}, "currency"),
        ("/courier/gls/manifests", {"parcels": [parcel() | {"mode": "c"}]}, "mode"),
        ("/courier/gls/manifests", {"parcels": [parcel() | {"name": "x"}]}, "name"),
        ("/control/couriers/gls/remittances", {"dialect": "paper"}, "dialect"),
        ("/control/couriers/gls/remittances", {"errors": {"lost": 1}}, "lost"),
        ("/control/couriers/gls/remittances", {"cut": 3}, "cut"),
        ("/control/couriers/gls/remittances", {"on": "tomorrow"}, "on"),
    ],
)
async def test_an_invalid_request_is_refused_by_field(sandbox: Client, path, body, field):
    answer = await sandbox.call("POST", path, body)
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_unknown_parcels_moves_and_files_are_not_found(sandbox: Client):
    await announced(sandbox, parcel())
    wrong = await sandbox.call("GET", "/courier/gls/event-file?dialect=paper")
    assert (wrong.status, wrong.body["field"]) == (422, "dialect")
    for path in ("gls/parcels/SBX000000009/deliver", "brt/parcels/SBX000000001/deliver"):
        assert (await sandbox.console(f"couriers/{path}")).status == 404
    assert (await sandbox.console("couriers/gls/parcels/SBX000000001/lose")).status == 404
    assert (await sandbox.call("GET", "/courier/gls/remittances/7")).status == 404


async def test_the_books_and_the_files_survive_a_restart(config: Config):
    async with running_sandbox(config) as sandbox:
        (only,) = await announced(sandbox, parcel("O-1", 100_00))
        await moved(sandbox, only["tracking_number"], "deliver")
        remittance = await remitted(sandbox)
        before = await file_of(sandbox, remittance)
    async with running_sandbox(config) as sandbox:
        (row,) = (await sandbox.call("GET", "/courier/gls/parcels")).body["data"]
        assert (row["collected_minor"], row["remitted_minor"]) == (100_00, 97_00)
        url = f"{sandbox.url}/courier/gls/remittances/{remittance['number']}"
        assert await file_of(sandbox, {"url": url}) == before
        assert (await remitted(sandbox))["lines"] == 0
