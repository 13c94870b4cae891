"""The gRPC door: what is called for each RPC."""

from datetime import date
from typing import Final

from incasso.reporting.v1 import ledger_pb2
from libs import door, wire
from services.reporting.deps import Deps
from services.reporting.errors import ImportNotFound
from services.reporting.flows import closing, importing, reading
from services.reporting.store.books import ENTRIES
from services.reporting.store.imports import BANK_LINES, IMPORTS, SETTLEMENT_LINES


async def _with_lines(deps: Deps, answer: ledger_pb2.ListJournalEntriesResponse) -> None:
    lines = await reading.lines_of(
        deps, [(entry.id, date.fromisoformat(entry.booked_on)) for entry in answer.data]
    )
    for entry in answer.data:
        entry.lines.extend(
            wire.message(ledger_pb2.JournalLine, line) for line in lines.get(entry.id, ())
        )


Ledger: Final = door.of(
    "incasso.reporting.v1.LedgerService",
    GetTrialBalance=reading.trial_balance,
    GetAccountStatement=reading.statement,
    ListJournalEntries=door.Then(
        door.Rows(ENTRIES, "evt", columns={"event_id": "id"}), _with_lines
    ),
    ListPeriods=closing.list_periods,
    ClosePeriod=closing.close_period,
)

Imports: Final = door.of(
    "incasso.reporting.v1.ImportsService",
    ImportStatement=importing.import_statement,
    GetImport=door.Row(IMPORTS, ImportNotFound),
    ListImports=door.Rows(IMPORTS, "imp"),
    ListBankLines=door.Rows(BANK_LINES, "bln"),
    ListSettlementLines=door.Rows(SETTLEMENT_LINES, "stl"),
)
