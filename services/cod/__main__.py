"""The process of cash on delivery."""

from pathlib import Path
from typing import Final

from incasso.cod.v1.cod_pb2_grpc import add_CodOffersServiceServicer_to_server
from incasso.cod.v1.files_pb2_grpc import add_CodFilesServiceServicer_to_server
from incasso.cod.v1.orders_pb2_grpc import add_CodOrdersServiceServicer_to_server
from incasso.cod.v1.pages_pb2_grpc import add_CodPagesServiceServicer_to_server
from incasso.cod.v1.refunds_pb2_grpc import add_CodRefundsServiceServicer_to_server
from incasso.cod.v1.remittances_pb2_grpc import add_CodRemittancesServiceServicer_to_server
from libs import client, process
from libs.clock import Clock
from libs.merchants import Merchants
from libs.process import Chassis, Parts
from libs.proofs import Proofs
from libs.seal import Seal, keys_of
from libs.services import MERCHANT_UPDATED
from services.cod import retention, worker
from services.cod.config import Config
from services.cod.deps import Deps
from services.cod.paylink_client import Links
from services.cod.payments_client import Payments
from services.cod.rules.merchants import Merchant
from services.cod.service.files import CodFiles
from services.cod.service.offers import CodOffers
from services.cod.service.orders import CodOrders
from services.cod.service.pages import CodPages
from services.cod.service.refunds import CodRefunds
from services.cod.service.remittances import CodRemittances

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    merchants = client.channel(config.merchants_target)
    paylink = client.channel(config.paylink_target)
    payments = client.channel(config.payments_target)
    keys = keys_of(config.seal_keys)
    deps = Deps(
        db=chassis.db,
        clock=Clock(),
        merchants=Merchants(Merchant, merchants),
        links=Links(paylink),
        payments=Payments(payments),
        seal=Seal(keys),
        codes=Proofs("cod codes", keys),
        marks=Proofs("cod recipients", keys),
        public_url=config.public_url.rstrip("/"),
    )
    return Parts(
        servicers=[
            (add_CodOffersServiceServicer_to_server, CodOffers(deps)),
            (add_CodOrdersServiceServicer_to_server, CodOrders(deps)),
            (add_CodPagesServiceServicer_to_server, CodPages(deps)),
            (add_CodRefundsServiceServicer_to_server, CodRefunds(deps)),
            (add_CodRemittancesServiceServicer_to_server, CodRemittances(deps)),
            (add_CodFilesServiceServicer_to_server, CodFiles(deps)),
        ],
        kept=retention.KEPT,
        workers=[
            worker.overdue_worker(deps),
            worker.expiry_worker(deps),
            worker.link_worker(deps),
            worker.refund_worker(deps),
        ],
        handlers=worker.handlers(deps),
        listeners={MERCHANT_UPDATED: lambda event: deps.merchants.invalidate(event.merchant_id)},
        close=[merchants.close, paylink.close, payments.close],
    )


if __name__ == "__main__":
    process.run("cod", Config, build, MIGRATIONS)
