"""`python -m services.reporting` serves; `… migrate` updates the database; `… check` and `…
rebuild` compare the ledger with the event log; `… recount` recounts KPIs.
"""

from pathlib import Path
from typing import Final

from incasso.reporting.v1 import (
    imports_pb2_grpc,
    kpis_pb2_grpc,
    ledger_pb2_grpc,
    reconciliation_pb2_grpc,
    reports_pb2_grpc,
    surveys_pb2_grpc,
)
from libs import client, process
from libs.clock import Clock
from libs.merchants import Merchants
from libs.process import Chassis, Parts
from services.reporting import rebuild_worker, retention, worker
from services.reporting.config import Config
from services.reporting.deps import Deps, SurveyDeps
from services.reporting.flows.ingesting import Merchant, zone_asker
from services.reporting.paylink_client import Links
from services.reporting.payments_client import Psps
from services.reporting.rules.surveys import ShownMerchant
from services.reporting.service import (
    Imports,
    Kpis,
    Ledger,
    Reconciliation,
    Reports,
    SurveyPages,
    Surveys,
)

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    merchants = client.channel(config.merchants_target)
    paylink = client.channel(config.paylink_target)
    payments = client.channel(config.payments_target)
    deps = Deps(chassis.db, Clock(), Links(paylink), Psps(payments))
    zone_of = zone_asker(Merchants(Merchant, merchants))
    shown = Merchants(ShownMerchant, merchants)
    asking = SurveyDeps(chassis.db, deps.clock, shown, zone_of)
    return Parts(
        servicers=[
            (ledger_pb2_grpc.add_LedgerServiceServicer_to_server, Ledger(deps)),
            (imports_pb2_grpc.add_ImportsServiceServicer_to_server, Imports(deps)),
            (
                reconciliation_pb2_grpc.add_ReconciliationServiceServicer_to_server,
                Reconciliation(deps),
            ),
            (reports_pb2_grpc.add_ReportsServiceServicer_to_server, Reports(deps)),
            (kpis_pb2_grpc.add_KpisServiceServicer_to_server, Kpis(deps)),
            (surveys_pb2_grpc.add_SurveysServiceServicer_to_server, Surveys(asking)),
            (surveys_pb2_grpc.add_SurveyPagesServiceServicer_to_server, SurveyPages(asking)),
        ],
        kept=retention.KEPT,
        workers=[
            worker.link_transfer_worker(deps),
            worker.reconciliation_worker(deps),
            worker.report_worker(deps),
            worker.schedule_worker(deps),
            worker.feed_worker(deps),
        ],
        handlers=worker.handlers(zone_of),
        close=[merchants.close, paylink.close, payments.close],
    )


if __name__ == "__main__":
    jobs = {
        "check": rebuild_worker.check,
        "rebuild": rebuild_worker.rebuild,
        "recount": rebuild_worker.recount,
    }
    process.run("reporting", Config, build, MIGRATIONS, jobs)
