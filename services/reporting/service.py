"""The gRPC servicer: one line per RPC."""

from datetime import date
from typing import Final

from incasso.reporting.v1 import imports_pb2, ledger_pb2
from libs import context, servicer, wire
from services.reporting.deps import Deps
from services.reporting.errors import (
    ExceptionNotFound,
    ImportNotFound,
    ReportRunNotFound,
    ReportScheduleNotFound,
)
from services.reporting.flows import (
    auditing,
    closing,
    import_progress,
    importing,
    kpis,
    reading,
    reconciling,
    report_files,
    report_runs,
    reports,
    resolving,
    schedules,
    sources,
    surveys,
    trails,
)
from services.reporting.rules.surveys import Survey
from services.reporting.store import link_transfers
from services.reporting.store.audit import AUDIT
from services.reporting.store.books import ENTRIES
from services.reporting.store.exceptions import EXCEPTIONS
from services.reporting.store.imports import BANK_LINES, IMPORTS, SETTLEMENT_LINES
from services.reporting.store.matching import MATCHES
from services.reporting.store.report_runs import RUNS
from services.reporting.store.schedules import SCHEDULES


async def _with_lines(deps: Deps, answer: ledger_pb2.ListJournalEntriesResponse) -> None:
    lines = await reading.lines_of(
        deps, [(entry.id, date.fromisoformat(entry.booked_on)) for entry in answer.data]
    )
    for entry in answer.data:
        entry.lines.extend(
            wire.message(ledger_pb2.JournalLine, line) for line in lines.get(entry.id, ())
        )


Ledger: Final = servicer.of(
    "incasso.reporting.v1.LedgerService",
    GetTrialBalance=reading.trial_balance,
    GetAccountStatement=reading.statement,
    ListJournalEntries=servicer.Completed(
        servicer.Rows(ENTRIES, "evt", columns={"event_id": "id"}), _with_lines
    ),
    ListPeriods=closing.list_periods,
    ClosePeriod=closing.close_period,
)


async def _with_transfers(deps: Deps, answer: imports_pb2.ListBankLinesResponse) -> None:
    merchant_id, line_ids = context.merchant_id(), [line.id for line in answer.data]
    found = await deps.db.run(link_transfers.of_lines, merchant_id, line_ids)
    for line in answer.data:
        if (transfer := found.get(line.id)) is not None:
            line.link_transfer.CopyFrom(wire.message(imports_pb2.LinkTransfer, transfer))


Imports: Final = servicer.of(
    "incasso.reporting.v1.ImportsService",
    ImportStatement=importing.import_statement,
    GetImport=servicer.Row(IMPORTS, ImportNotFound),
    GetImportProgress=import_progress.get_import_progress,
    ListImports=servicer.Rows(IMPORTS, "imp"),
    ListBankLines=servicer.Completed(servicer.Rows(BANK_LINES, "bln"), _with_transfers),
    ListSettlementLines=servicer.Rows(SETTLEMENT_LINES, "stl"),
)

Reconciliation: Final = servicer.of(
    "incasso.reporting.v1.ReconciliationService",
    RunReconciliation=reconciling.reconcile,
    ListMatches=servicer.Rows(MATCHES, "mat"),
    GetPaymentTrail=trails.payment_trail,
    ListExceptions=servicer.Rows(EXCEPTIONS, "exc"),
    GetException=servicer.Row(EXCEPTIONS, ExceptionNotFound),
    AssignException=resolving.assign_exception,
    ResolveException=resolving.resolve_exception,
    ListReconciliationSources=sources.list_sources,
    PutReconciliationSource=sources.put_source,
    ListAuditRecords=servicer.Rows(AUDIT, "aud"),
    CheckAuditLog=auditing.check,
)

Reports: Final = servicer.of(
    "incasso.reporting.v1.ReportsService",
    ListReports=reports.list_reports,
    GetReportRows=reports.first_rows,
    CreateReportRun=report_runs.create_run,
    GetReportRun=servicer.Row(RUNS, ReportRunNotFound),
    ListReportRuns=servicer.Rows(RUNS, "rrn"),
    DownloadReportRun=report_files.download_run,
    CreateReportSchedule=schedules.create_schedule,
    GetReportSchedule=servicer.Row(SCHEDULES, ReportScheduleNotFound),
    ListReportSchedules=servicer.Rows(SCHEDULES, "rsc"),
    StopReportSchedule=schedules.stop_schedule,
)

Kpis: Final = servicer.of(
    "incasso.reporting.v1.KpisService",
    GetKpis=kpis.get_kpis,
    GetLifetimeValues=kpis.get_lifetime_values,
    GetRetention=kpis.get_retention,
    PutRetentionSpend=kpis.put_retention_spend,
)

Surveys: Final = servicer.of(
    "incasso.reporting.v1.SurveysService",
    GetSurveySettings=surveys.get_settings,
    PutSurveySettings=surveys.put_settings,
    GetSatisfaction=surveys.get_satisfaction,
    GetSurveyOffer=surveys.is_offered,
    OfferSurvey=surveys.offer,
)

SurveyPages: Final = servicer.of(
    "incasso.reporting.v1.SurveyPagesService",
    given={Survey: surveys.opened},
    GetSurveyPage=surveys.get_page,
    AnswerSurvey=surveys.answer,
)
