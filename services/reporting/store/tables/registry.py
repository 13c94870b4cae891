"""All reports: one line each."""

from collections.abc import Mapping
from typing import Final

from services.reporting.rules.tables import Report
from services.reporting.store.tables import (
    acquirers,
    ageing,
    daily_sales,
    fees,
    journal,
    margins,
    settlements,
    trial_balance,
    vat_totals,
)

REPORTS: Final[Mapping[str, Report]] = {
    report.name: report
    for report in (
        daily_sales.REPORT,
        settlements.REPORT,
        fees.REPORT,
        margins.REPORT,
        ageing.INSTALMENTS,
        ageing.CASH,
        trial_balance.REPORT,
        vat_totals.REPORT,
        acquirers.DAYS,
        acquirers.REGISTER,
        journal.REPORT,
    )
}
