"""The notify process: messages to shoppers, webhooks to merchants."""

from ipaddress import ip_network
from pathlib import Path
from typing import Final

from incasso.notify.v1 import messages_pb2_grpc, webhooks_pb2_grpc
from libs import process
from libs.process import Chassis, Parts
from libs.seal import Seal, keys_of
from services.notify import webhook_worker, worker
from services.notify.addresses import Guard
from services.notify.config import Config
from services.notify.deps import Deps, WebhookDeps
from services.notify.service import messages, webhooks

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def webhook_deps(config: Config, chassis: Chassis) -> WebhookDeps:
    networks = [part.strip() for part in config.webhook_allowed_networks.split(",")]
    return WebhookDeps(
        db=chassis.db,
        seal=Seal(keys_of(config.seal_keys)),
        guard=Guard([ip_network(network) for network in networks if network]),
    )


async def build(config: Config, chassis: Chassis) -> Parts:
    deps = Deps(db=chassis.db, public_url=config.public_url.rstrip("/"))
    hooks = webhook_deps(config, chassis)
    return Parts(
        servicers=[
            (messages_pb2_grpc.add_MessagesServiceServicer_to_server, messages.Messages(deps)),
            (webhooks_pb2_grpc.add_WebhooksServiceServicer_to_server, webhooks.Webhooks(hooks)),
        ],
        names=[messages.NAME, webhooks.NAME],
        loops=[*worker.loops(deps), *webhook_worker.loops(hooks)],
        handlers=worker.merged(webhook_worker.handlers(hooks), worker.handlers(deps)),
    )


if __name__ == "__main__":
    process.run("notify", Config, build, MIGRATIONS)
