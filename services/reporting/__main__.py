"""`python -m services.reporting` serves; `… migrate` brings the database up to date."""

from pathlib import Path
from typing import Final

from incasso.reporting.v1.ledger_pb2_grpc import add_LedgerServiceServicer_to_server
from libs import process
from libs.clock import Clock
from libs.process import Chassis, Parts
from services.reporting import retention, worker
from services.reporting.config import Config
from services.reporting.deps import Deps
from services.reporting.service import Ledger

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    deps = Deps(chassis.db, Clock())
    return Parts(
        servicers=[(add_LedgerServiceServicer_to_server, Ledger(deps))],
        kept=retention.KEPT,
        handlers=worker.handlers(),
    )


if __name__ == "__main__":
    process.run("reporting", Config, build, MIGRATIONS)
