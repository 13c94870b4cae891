"""The notify process: messages to shoppers, webhooks to merchants."""

from pathlib import Path
from typing import Final

import aiohttp

from incasso.notify.v1 import messages_pb2_grpc, webhooks_pb2_grpc
from libs import client, process
from libs.merchants import Merchants
from libs.process import Chassis, Parts
from libs.seal import Seal, keys_of
from libs.services import MERCHANT_UPDATED
from services.notify import retention, worker
from services.notify.config import Config
from services.notify.deps import Deps
from services.notify.messages.cod_client import CodOrders
from services.notify.messages.instalments_client import Plans
from services.notify.messages.members_client import Members
from services.notify.messages.oneclick_client import Customers
from services.notify.messages.paylink_client import Links
from services.notify.messages.providers import registry
from services.notify.messages.reporting_client import Reports
from services.notify.messages.rules.bounces import ReturnAddresses
from services.notify.messages.rules.domain import Merchant
from services.notify.messages.smtp_client import Mailer, Server
from services.notify.service import messages, webhooks
from services.notify.webhooks.guard import Guard, networks_of
from services.notify.webhooks.receivers_client import Receivers

MIGRATIONS: Final = Path(__file__).parent / "migrations"
LINGER_SECONDS: Final = 0.03
LAST_TRIES_SECONDS: Final = 15.0  # for messages and webhooks in progress at shutdown


async def build(config: Config, chassis: Chassis) -> Parts:
    merchants = client.channel(config.merchants_target)
    oneclick = client.channel(config.oneclick_target)
    paylink = client.channel(config.paylink_target)
    instalments = client.channel(config.instalments_target)
    cod = client.channel(config.cod_target)
    reporting = client.channel(config.reporting_target)
    session = aiohttp.ClientSession()
    keys = keys_of(config.seal_keys)
    guard = Guard(networks_of(config.webhook_allowed_networks))
    deps = Deps(
        db=chassis.db,
        merchants=Merchants(Merchant, merchants),
        members=Members(merchants),
        customers=Customers(oneclick),
        links=Links(paylink),
        plans=Plans(instalments),
        cod_orders=CodOrders(cod),
        reports=Reports(reporting),
        mailer=Mailer(Server.of(config.smtp_url)),
        return_addresses=ReturnAddresses(config.bounce_domain, keys),
        mail_from=config.mail_from,
        public_url=config.public_url.rstrip("/"),
        providers=registry.build(config, session),
        seal=Seal(keys),
        guard=guard,
        receivers=Receivers(guard),
        linger_seconds=LINGER_SECONDS,
    )
    return Parts(
        servicers=[
            (messages_pb2_grpc.add_MessagesServiceServicer_to_server, messages.Messages(deps)),
            (webhooks_pb2_grpc.add_WebhooksServiceServicer_to_server, webhooks.Webhooks(deps)),
        ],
        kept=retention.KEPT,
        workers=worker.due_workers(deps),
        loops=worker.loops(deps),
        handlers=worker.handlers(deps),
        listeners={MERCHANT_UPDATED: lambda event: deps.merchants.invalidate(event.merchant_id)},
        close=[
            lambda: deps.sending.wait(LAST_TRIES_SECONDS),
            deps.mailer.close,
            deps.receivers.close,
            session.close,
            merchants.close,
            oneclick.close,
            paylink.close,
            instalments.close,
            cod.close,
            reporting.close,
        ],
    )


if __name__ == "__main__":
    process.run("notify", Config, build, MIGRATIONS)
