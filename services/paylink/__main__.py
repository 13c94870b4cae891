"""The paylink process."""

from pathlib import Path
from typing import Final

from incasso.paylink.v1 import pages_pb2_grpc, paylink_pb2_grpc, shop_pb2_grpc
from libs import client, process, seal
from libs.clock import Clock
from libs.merchants import Merchants
from libs.payments import velocity
from libs.process import Chassis, Parts
from libs.proofs import Proofs
from libs.seal import Seal
from libs.services import MERCHANT_UPDATED
from services.paylink import retention, worker
from services.paylink.config import Config
from services.paylink.deps import Deps
from services.paylink.instalments_client import Instalments
from services.paylink.link_listener import LinkListener
from services.paylink.oneclick_client import Customers
from services.paylink.payments_client import Payments
from services.paylink.rules.domain import Merchant
from services.paylink.service.links import PaymentLinks
from services.paylink.service.pages import PayPages
from services.paylink.service.shop import Shops
from services.paylink.store.links import CHANGED

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    payments = client.channel(config.payments_target)
    merchants = client.channel(config.merchants_target)
    oneclick = client.channel(config.oneclick_target)
    instalments = client.channel(config.instalments_target)
    link_listener = LinkListener(chassis.db, CHANGED)
    keys = seal.keys_of(config.seal_keys)
    deps = Deps(
        db=chassis.db,
        clock=Clock(),
        seal=Seal(keys),
        addresses=Proofs(velocity.LABEL, keys),
        public_url=config.public_url.rstrip("/"),
        merchants=Merchants(Merchant, merchants),
        payments=Payments(payments, Seal(keys)),
        instalments=Instalments(instalments, Seal(keys)),
        saved_cards=Customers(oneclick),
        link_listener=link_listener,
    )
    return Parts(
        servicers=[
            (paylink_pb2_grpc.add_PaymentLinksServiceServicer_to_server, PaymentLinks(deps)),
            (pages_pb2_grpc.add_PayPagesServiceServicer_to_server, PayPages(deps)),
            (shop_pb2_grpc.add_ShopServiceServicer_to_server, Shops(deps)),
        ],
        kept=retention.KEPT,
        workers=[worker.link_worker(deps), worker.payment_worker(deps), worker.cart_worker(deps)],
        loops=[link_listener.run, lambda: worker.watch_unanswered(deps)],
        handlers=worker.handlers(deps),
        listeners={MERCHANT_UPDATED: lambda event: deps.merchants.invalidate(event.merchant_id)},
        close=[payments.close, merchants.close, oneclick.close, instalments.close],
    )


if __name__ == "__main__":
    process.run("paylink", Config, build, MIGRATIONS)
