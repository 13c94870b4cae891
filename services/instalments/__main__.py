"""The instalments process."""

from pathlib import Path
from typing import Final

from incasso.instalments.v1 import instalments_pb2_grpc, pages_pb2_grpc, plans_pb2_grpc
from libs import client, process
from libs.clock import Clock
from libs.merchants import Merchants
from libs.process import Chassis, Parts
from libs.seal import Seal, keys_of
from libs.services import MERCHANT_UPDATED
from services.instalments import retention, scorer_client, worker
from services.instalments.config import Config
from services.instalments.deps import Deps
from services.instalments.oneclick_client import Cards
from services.instalments.paylink_client import Links
from services.instalments.payments_client import Payments
from services.instalments.rules.merchants import Merchant
from services.instalments.service.offers import InstalmentOffers
from services.instalments.service.pages import InstalmentPages
from services.instalments.service.plans import InstalmentPlans

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    payments = client.channel(config.payments_target)
    merchants = client.channel(config.merchants_target)
    oneclick = client.channel(config.oneclick_target)
    paylink = client.channel(config.paylink_target)
    seal = Seal(keys_of(config.seal_keys))
    deps = Deps(
        db=chassis.db,
        clock=Clock(),
        merchants=Merchants(Merchant, merchants),
        saved_cards=Cards(oneclick),
        payments=Payments(payments, seal),
        links=Links(paylink),
        seal=seal,
        public_url=config.public_url.rstrip("/"),
        scorer=scorer_client.load(config.scorer),
    )
    add_offers = instalments_pb2_grpc.add_InstalmentOffersServiceServicer_to_server
    add_plans = plans_pb2_grpc.add_InstalmentPlansServiceServicer_to_server
    return Parts(
        servicers=[
            (add_offers, InstalmentOffers(deps)),
            (add_plans, InstalmentPlans(deps)),
            (pages_pb2_grpc.add_InstalmentPagesServiceServicer_to_server, InstalmentPages(deps)),
        ],
        kept=retention.KEPT,
        workers=[
            worker.collection_worker(deps),
            worker.due_worker(deps),
            worker.plan_worker(deps),
            worker.repayment_worker(deps),
            worker.link_worker(deps),
            worker.reminder_worker(deps),
        ],
        handlers=worker.handlers(deps),
        listeners={MERCHANT_UPDATED: lambda event: deps.merchants.invalidate(event.merchant_id)},
        close=[payments.close, merchants.close, oneclick.close, paylink.close],
    )


if __name__ == "__main__":
    process.run("instalments", Config, build, MIGRATIONS)
