"""`python -m cli`: the operators' command, called incasso."""

import sys

import structlog
import typer

from cli import (
    cod,
    doctor,
    events,
    exports,
    health,
    keys,
    kpis,
    ledger,
    members,
    merchants,
    payments,
    plans,
    psp_accounts,
    reconciliation,
    reports,
    secrets,
    smoke,
    statements,
    taeg,
)
from libs import terminal

app = typer.Typer(
    name="incasso",
    help="Incasso for operators: merchants, members, keys, PSP accounts, payments, instalment plans, cash on delivery, events, exports, the ledger, reconciliation, reports, KPIs, statements and the TAEG.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would show secrets
)
app.add_typer(merchants.app, name="merchants")
app.add_typer(members.app, name="members")
app.add_typer(keys.app, name="keys")
app.add_typer(psp_accounts.app, name="psp-accounts")
app.add_typer(payments.app, name="payments")
app.add_typer(plans.app, name="plan")
app.add_typer(cod.app, name="cod")
app.add_typer(events.app, name="events")
app.add_typer(ledger.app, name="ledger")
app.command("doctor")(doctor.doctor)
app.add_typer(reconciliation.app, name="reconciliation")
app.add_typer(reports.app, name="reports")
app.command("export")(exports.export)
app.command("health")(health.health)
app.command("kpis")(kpis.kpis)
app.command("secrets")(secrets.secrets)
app.command("smoke")(smoke.smoke)
app.command("statements")(statements.statements)
app.command("taeg")(taeg.taeg)

if __name__ == "__main__":
    terminal.prepare()
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    app(prog_name="incasso")
