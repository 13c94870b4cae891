"""The process of cash on delivery."""

from pathlib import Path
from typing import Final

from incasso.cod.v1.cod_pb2_grpc import add_CodOffersServiceServicer_to_server
from libs import client, process
from libs.clock import Clock
from libs.process import Chassis, Parts
from libs.seal import Seal, keys_of
from libs.services import MERCHANT_UPDATED
from services.cod import retention
from services.cod.config import Config
from services.cod.deps import Deps
from services.cod.merchants_client import Merchants
from services.cod.service.offers import CodOffers

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    merchants = client.channel(config.merchants_target)
    deps = Deps(
        db=chassis.db,
        clock=Clock(),
        merchants=Merchants(merchants),
        seal=Seal(keys_of(config.seal_keys)),
    )
    return Parts(
        servicers=[(add_CodOffersServiceServicer_to_server, CodOffers(deps))],
        kept=retention.KEPT,
        heard={MERCHANT_UPDATED: lambda event: deps.merchants.forget(event.merchant_id)},
        close=[merchants.close],
    )


if __name__ == "__main__":
    process.run("cod", Config, build, MIGRATIONS)
