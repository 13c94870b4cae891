"""Refusals of reporting."""

from libs.errors import Kind, Refusal


class AccountNotFound(Refusal, kind=Kind.NOT_FOUND, reason="account_not_found"):
    message = "Nothing is booked on an account with this name; see the trial balance."


class PeriodNotOver(Refusal, kind=Kind.CONFLICT, reason="period_not_over"):
    message = "The month is not over; close it after its last day."


class ImportNotFound(Refusal, kind=Kind.NOT_FOUND, reason="import_not_found"):
    message = "There is no import with this id."


class StatementRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="statement_refused"):
    """The whole file is refused; both `facts` and the import state the line and the reason."""

    @classmethod
    def at(cls, line: int, reason: str) -> "StatementRefused":
        where = f"Line {line}: {reason}" if line else f"The file {reason}"
        facts = {"refused_reason": reason, **({"refused_line": str(line)} if line else {})}
        return cls(f"Nothing was imported. {where}.", facts=facts)


class ExceptionNotFound(Refusal, kind=Kind.NOT_FOUND, reason="exception_not_found"):
    message = "There is no exception with this id."


class ExceptionResolved(Refusal, kind=Kind.CONFLICT, reason="exception_resolved"):
    message = "The exception is already resolved; see its `resolution`."


class NotResolvableSo(Refusal, kind=Kind.CONFLICT, reason="exception_not_resolvable_so"):
    message = "The exception's item is already matched; dismiss the exception instead."


class ItemNotOpen(Refusal, kind=Kind.CONFLICT, reason="item_not_open"):
    message = "One of the items is no longer open, or unknown; list the exceptions again."


class AmountsDiffer(Refusal, kind=Kind.CONFLICT, reason="amounts_differ"):
    message = "Items and parts do not add up to the exception's item."


class ReportNotFound(Refusal, kind=Kind.NOT_FOUND, reason="report_not_found"):
    message = "There is no report with this name; see GET /v1/reports."


class ReportRunNotFound(Refusal, kind=Kind.NOT_FOUND, reason="report_run_not_found"):
    message = "There is no run with this id."


class ReportTooLong(Refusal, kind=Kind.UNPROCESSABLE, reason="report_too_long"):
    message = (
        "The report takes too long to be shown at once; choose a shorter period, or create a run."
    )


class ReportNotReady(Refusal, kind=Kind.CONFLICT, reason="report_not_ready"):
    message = "The run has no file: it is not done yet, or it failed; see its `state`."


class ReportFileExpired(Refusal, kind=Kind.CONFLICT, reason="report_file_expired"):
    message = "The file was deleted because of its age; create a new run."


class ReportRunsPending(Refusal, kind=Kind.RATE, reason="report_runs_pending"):
    message = "Too many reports are being made; wait until one is done."


class ReportScheduleNotFound(Refusal, kind=Kind.NOT_FOUND, reason="report_schedule_not_found"):
    message = "There is no schedule with this id."


class ReportSchedulesExhausted(Refusal, kind=Kind.CONFLICT, reason="report_schedules_exhausted"):
    message = "There are too many schedules; stop one first."


class SurveysOff(Refusal, kind=Kind.CONFLICT, reason="surveys_off"):
    message = "Surveys are switched off; switch them on with PUT /v1/reports/survey-settings."


class SurveyNotFound(Refusal, kind=Kind.NOT_FOUND, reason="survey_not_found"):
    message = "There is no survey at this address, or it has expired."
