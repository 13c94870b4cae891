"""The instalments process."""

from pathlib import Path
from typing import Final

from incasso.instalments.v1 import instalments_pb2_grpc
from libs import client, process
from libs.clock import Clock
from libs.process import Chassis, Parts
from libs.services import MERCHANT_UPDATED
from services.instalments import retention
from services.instalments.config import Config
from services.instalments.deps import Deps
from services.instalments.merchants_client import Merchants
from services.instalments.service import InstalmentOffers

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    merchants = client.channel(config.merchants_target)
    deps = Deps(chassis.db, Clock(), Merchants(merchants))
    add = instalments_pb2_grpc.add_InstalmentOffersServiceServicer_to_server
    return Parts(
        servicers=[(add, InstalmentOffers(deps))],
        kept=retention.KEPT,
        heard={MERCHANT_UPDATED: lambda event: deps.merchants.forget(event.merchant_id)},
        close=[merchants.close],
    )


if __name__ == "__main__":
    process.run("instalments", Config, build, MIGRATIONS)
