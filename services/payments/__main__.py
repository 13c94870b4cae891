"""`python -m services.payments`: serve; `python -m services.payments migrate`: migrate."""

from pathlib import Path

from incasso.payments.v1 import payments_pb2_grpc
from libs import process
from libs.process import Chassis, Parts
from services.payments import retention, worker
from services.payments.config import Config
from services.payments.connectors import transport
from services.payments.connectors.registry import CONNECTORS
from services.payments.deps import Deps
from services.payments.psps import Psps
from services.payments.routing_cache import RoutingCache
from services.payments.service import Payments


async def build(config: Config, chassis: Chassis) -> Parts:
    psps = Psps(CONNECTORS, config.psp_credentials_dir, transport.new_session())
    deps = Deps(
        db=chassis.db,
        psps=psps,
        routing_cache=RoutingCache(chassis.db),
        public_url=config.public_url.rstrip("/"),
    )
    return Parts(
        servicers=[(payments_pb2_grpc.add_PaymentsServiceServicer_to_server, Payments(deps))],
        kept=retention.KEPT,
        workers=[worker.recovery(deps), worker.due_payments(deps), worker.erasing_worker(deps)],
        loops=[lambda: worker.watch_doubts(deps)],
        handlers=worker.handlers(),
        close=[psps.close],
    )


if __name__ == "__main__":
    process.run("payments", Config, build, Path(__file__).parent / "migrations")
