"""`incasso reconciliation`, against a double of reporting: the output, and the requests sent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from cli.exceptions import CAUSES, Type, age
from incasso.reporting.v1 import ledger_pb2, ledger_pb2_grpc
from incasso.reporting.v1 import reconciliation_pb2 as pb
from incasso.reporting.v1 import reconciliation_pb2_grpc as grpc
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from services.reporting.rules.exceptions import ExceptionType, ResolvedAs
from tests.cli.conftest import AT, Command, named

OF = ("reconciliation", "--merchant", "mer_1")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FOUND = pb.ReconciliationException(
    id="exc_1",
    type=pb.EXCEPTION_TYPE_AMOUNT_DIFFERS,
    state=pb.ReconciliationException.STATE_OPEN,
    stage=pb.RECONCILIATION_STAGE_PSP,
    item_id="stl_1",
    party="sandbox-a",
    currency="EUR",
    amount_minor=60_90,
    expected_minor=59_90,
    suggestions=["evt_1"],
    payment_id="pay_1",
    order_reference="A-1",
    trace_id=TRACE,
    happened_on="2026-11-26",
    created_at=AT,
)
RECORD = pb.AuditRecord(
    id="aud_1", number=1, action="exception.assigned", subject_id="exc_1", actor="operator",
    before="{}", after='{"owner": "Anna"}', created_at=AT,
)  # fmt: skip  # one argument per line says nothing here


class Reconciliation(grpc.ReconciliationServiceServicer):
    def __init__(self) -> None:
        self.asked: list[object] = []
        self.broken: int | None = None

    async def ListExceptions(self, request, rpc):
        self.asked.append(request)
        return pb.ListExceptionsResponse(data=[FOUND], next_cursor="more")

    async def GetException(self, request, rpc):
        if request.exception_id != "exc_1":
            raise named("exception_not_found", Kind.NOT_FOUND, "There is no such exception.")
        return pb.GetExceptionResponse(exception=FOUND)

    async def AssignException(self, request, rpc):
        self.asked.append(request)
        found = pb.ReconciliationException()
        found.CopyFrom(FOUND)
        found.owner = request.owner
        return pb.AssignExceptionResponse(exception=found)

    async def ResolveException(self, request, rpc):
        self.asked.append(request)
        if not request.parts and not request.item_ids:
            raise named(
                "amounts_differ", Kind.CONFLICT, "The item is 6090, but items and parts sum to 0."
            )
        return pb.ResolveExceptionResponse(exception=FOUND)

    async def RunReconciliation(self, request, rpc):
        rule = pb.RuleCount(stage=1, rule=pb.MATCH_RULE_REFERENCE, matched=7)
        kind = pb.TypeCount(type=pb.EXCEPTION_TYPE_DUPLICATE, open=1)
        return pb.RunReconciliationResponse(
            matched=7, open_exceptions=1, by_rule=[rule], by_type=[kind]
        )

    async def ListMatches(self, request, rpc):
        self.asked.append(request)
        made = pb.Match(
            id="mat_1",
            stage=1,
            rule=pb.MATCH_RULE_ORDER,
            ours_id="evt_1",
            theirs_id="stl_1",
            currency="EUR",
            amount_minor=59_90,
            created_at=AT,
        )
        return pb.ListMatchesResponse(data=[made])

    async def ListReconciliationSources(self, request, rpc):
        source = pb.ReconciliationSource(party="sandbox-a", tolerance_minor=2, late_after_days=5)
        return pb.ListReconciliationSourcesResponse(data=[source])

    async def PutReconciliationSource(self, request, rpc):
        self.asked.append(request)
        source = pb.ReconciliationSource(
            party=request.party, tolerance_minor=request.tolerance_minor
        )
        return pb.PutReconciliationSourceResponse(source=source)

    async def ListAuditRecords(self, request, rpc):
        self.asked.append(request)
        return pb.ListAuditRecordsResponse(data=[RECORD])

    async def CheckAuditLog(self, request, rpc):
        return pb.CheckAuditLogResponse(records=3, first_broken=self.broken)


class Ledger(ledger_pb2_grpc.LedgerServiceServicer):
    async def ListJournalEntries(self, request, rpc):
        assert request.payment_id == "pay_1"
        lines = [
            ledger_pb2.JournalLine(account="psp_receivable", party="sandbox-a", debit_minor=59_90),
            ledger_pb2.JournalLine(account="sales", credit_minor=59_90),
        ]
        entry = ledger_pb2.JournalEntry(
            id="evt_1", kind="payments.payment.captured", currency="EUR", lines=lines
        )
        return ledger_pb2.ListJournalEntriesResponse(data=[entry])


@pytest.fixture
async def played() -> AsyncIterator[tuple[Reconciliation, Command]]:
    servicer = Reconciliation()
    added = [
        (grpc.add_ReconciliationServiceServicer_to_server, servicer),
        (ledger_pb2_grpc.add_LedgerServiceServicer_to_server, Ledger()),
    ]
    server = Server(added, service_named("reporting").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    env = {
        "INCASSO_REPORTING_TARGET": f"127.0.0.1:{port}",
        "INCASSO_TRACE_URL": "https://traces.example/t/",
    }
    yield servicer, Command(env)
    await server.stop(1)


def test_exception_types_and_causes_match_those_of_reporting():
    assert {each.value for each in Type} == {each.value for each in ExceptionType} == set(CAUSES)


@pytest.mark.parametrize(
    ("now", "shown"), [(30, "new"), (90, "1 min"), (7200, "2 h"), (3 * 86_400 + 5, "3 d")]
)
def test_an_age_is_shown_in_its_largest_unit(now: int, shown: str):
    began = datetime(2026, 11, 20, 12, tzinfo=UTC)
    at = datetime.fromtimestamp(began.timestamp() + now, UTC)
    assert age("2026-11-20T12:00:00Z", at) == shown


async def test_exceptions_are_listed_with_amounts_suggestions_and_trace(played):
    servicer, incasso = played
    done = await incasso(*_at("exceptions"), "--type", "amount_differs", "--owner", "Anna")
    assert done.exit_code == 0, done.output
    for text in ("exc_1", "amount_differs", "60.90 EUR", "59.90 EUR", "evt_1", "A-1", TRACE):
        assert text in done.stdout
    assert "--cursor more" in done.stdout
    (asked,) = servicer.asked
    assert (asked.state, asked.type) == (
        pb.ReconciliationException.STATE_OPEN,
        pb.EXCEPTION_TYPE_AMOUNT_DIFFERS,
    )
    assert asked.owner == "Anna"
    found = await incasso.json(*_at("exceptions"), "--all")
    assert found["data"][0]["amount_minor"] == 60_90
    assert not servicer.asked[1].HasField("state")


async def test_an_exception_is_shown_with_its_journal_entries_and_trace_link(played):
    _, incasso = played
    done = await incasso(*_at("show", "exc_1"))
    assert done.exit_code == 0, done.output
    for text in (CAUSES["amount_differs"], f"https://traces.example/t/{TRACE}", "psp_receivable"):
        assert text in done.stdout
    assert "--as matched --item evt_1" in done.stdout
    found = await incasso.json(*_at("show", "exc_1"))
    assert found["entries"][0]["lines"][1]["account"] == "sales"


async def test_an_unknown_exception_is_refused_with_a_next_step(played):
    _, incasso = played
    done = await incasso(*_at("show", "exc_2"))
    assert (done.exit_code, "incasso reconciliation exceptions" in done.stderr) == (1, True)


async def test_an_exception_is_assigned_and_unassigned(played):
    servicer, incasso = played
    assert (await incasso.json(*_at("assign", "exc_1"), "--to", "Anna"))["owner"] == "Anna"
    assert (await incasso(*_at("assign", "exc_1"))).exit_code == 0
    assert [each.HasField("owner") for each in servicer.asked] == [True, False]


async def test_an_exception_is_split_among_items_and_accounts(played):
    servicer, incasso = played
    options = ("--as", "split", "--because", "kept 2.50", "--item", "pyo_1")
    done = await incasso(*_at("resolve", "exc_1"), *options, "--part", "psp_fees=-250")
    assert done.exit_code == 0, done.output
    (asked,) = servicer.asked
    assert (asked.resolved_as, asked.resolution) == (pb.EXCEPTION_RESOLUTION_SPLIT, "kept 2.50")
    assert list(asked.item_ids) == ["pyo_1"]
    assert asked.parts[0] == pb.ResolutionPart(account="psp_fees", amount_minor=-250)


@pytest.mark.parametrize("way", [each for each in ResolvedAs if each is not ResolvedAs.SUPERSEDED])
async def test_each_resolution_is_sent_to_reporting(played, way: ResolvedAs):
    servicer, incasso = played
    options = ("--as", way.value, "--because", "x", "--item", "evt_1")
    assert (await incasso(*_at("resolve", "exc_1"), *options)).exit_code == 0
    name = f"EXCEPTION_RESOLUTION_{way.name}"
    assert servicer.asked[0].resolved_as == pb.ExceptionResolution.Value(name)


@pytest.mark.parametrize("part", ["psp_fees", "=5", "psp_fees=-2.50", "psp_fees=", "psp_fees=٣"])
async def test_a_malformed_part_is_refused_with_an_example(played, part: str):
    servicer, incasso = played
    options = ("--as", "split", "--because", "x", "--part", part)
    done = await incasso(*_at("resolve", "exc_1"), *options)
    assert (done.exit_code, "psp_fees=-250" in done.stderr) == (1, True)
    assert servicer.asked == []


async def test_a_resolution_whose_amounts_differ_suggests_adding_a_part(played):
    _, incasso = played
    done = await incasso(*_at("resolve", "exc_1"), "--as", "matched", "--because", "x")
    assert (done.exit_code, "--part ACCOUNT=AMOUNT" in done.stderr) == (1, True)


async def test_a_run_reports_its_matches_and_open_exceptions(played):
    _, incasso = played
    done = await incasso(*_at("run"))
    assert all(text in done.stdout for text in ("reference", "7", "duplicate", "exceptions"))
    assert (await incasso.json(*_at("run")))["matched"] == 7


async def test_matches_are_found_by_either_item(played):
    servicer, incasso = played
    done = await incasso(*_at("matches"), "--item", "stl_1")
    assert all(text in done.stdout for text in ("order", "59.90 EUR", "evt_1", "stl_1"))
    await incasso(*_at("matches"), "--item", "pyo_1")
    assert [(each.theirs_id, each.ours_id) for each in servicer.asked] == [
        ("stl_1", ""),
        ("", "pyo_1"),
    ]


async def test_terms_are_set_and_listed(played):
    servicer, incasso = played
    options = ("--tolerance-minor", "2", "--fee-basis-points", "150", "--fee-fixed-minor", "25",
            "--acquirer", "Nexi", "--tax-code", "04107060966")  # fmt: skip  # a command line
    assert (await incasso(*_at("terms", "sandbox-a"), *options)).exit_code == 0
    (asked,) = servicer.asked
    assert (asked.tolerance_minor, asked.late_after_days, asked.fee_basis_points) == (2, 7, 150)
    # The request replaces the source: a field that the command left out would be cleared.
    fields = pb.PutReconciliationSourceRequest.DESCRIPTOR.fields_by_name
    assert {field.name for field, _ in asked.ListFields()} == {*fields}
    assert "sandbox-a" in (await incasso(*_at("sources"))).stdout


async def test_the_audit_log_is_listed_and_checked(played):
    servicer, incasso = played
    done = await incasso(*_at("audit"), "--subject", "exc_1")
    assert all(text in done.stdout for text in ("exception.assigned", "operator", "Anna"))
    intact = await incasso(*_at("audit"), "--check")
    assert (intact.exit_code, "3 records" in intact.stdout) == (0, True)
    servicer.broken = 2
    broken = await incasso(*_at("audit"), "--check")
    assert (broken.exit_code, "Record 2" in broken.stderr) == (1, True)
    assert (await incasso(*_at("audit"), "--check", "--json")).exit_code == 1


def _at(*command: str) -> tuple[str, ...]:
    return (OF[0], *command, *OF[1:])
