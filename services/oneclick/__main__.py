"""The oneclick process."""

from pathlib import Path
from typing import Final

from incasso.oneclick.v1 import oneclick_pb2_grpc
from libs import client, process
from libs.clock import Clock
from libs.payments import velocity
from libs.process import Chassis, Parts
from libs.proofs import Proofs
from libs.seal import Seal, keys_of
from services.oneclick import retention, worker
from services.oneclick.config import Config
from services.oneclick.deps import Deps
from services.oneclick.payments_client import Payments
from services.oneclick.rules import sessions
from services.oneclick.service import OneClick

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    channel = client.channel(config.payments_target)
    keys = keys_of(config.seal_keys)
    deps = Deps(
        db=chassis.db,
        payments=Payments(channel, Seal(keys)),
        clock=Clock(),
        client_secrets=Proofs(sessions.LABEL, keys),
        addresses=Proofs(velocity.LABEL, keys),
    )
    return Parts(
        servicers=[(oneclick_pb2_grpc.add_OneClickServiceServicer_to_server, OneClick(deps))],
        kept=retention.KEPT,
        workers=[
            worker.charge_worker(deps),
            worker.setup_worker(deps),
            worker.removal_worker(deps),
        ],
        handlers=worker.handlers(),
        close=[channel.close],
    )


if __name__ == "__main__":
    process.run("oneclick", Config, build, MIGRATIONS)
