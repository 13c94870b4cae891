"""The instalments process."""

from pathlib import Path
from typing import Final

from incasso.instalments.v1 import instalments_pb2_grpc
from libs import process
from libs.clock import Clock
from libs.process import Chassis, Parts
from services.instalments import retention
from services.instalments.config import Config
from services.instalments.deps import Deps
from services.instalments.service import InstalmentOffers

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(_: Config, chassis: Chassis) -> Parts:
    deps = Deps(chassis.db, Clock())
    add = instalments_pb2_grpc.add_InstalmentOffersServiceServicer_to_server
    return Parts(servicers=[(add, InstalmentOffers(deps))], kept=retention.KEPT)


if __name__ == "__main__":
    process.run("instalments", Config, build, MIGRATIONS)
