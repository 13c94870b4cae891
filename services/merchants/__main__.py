"""`python -m services.merchants` serves; `… migrate` migrates the database."""

from pathlib import Path

from incasso.merchants.v1.audit_pb2_grpc import add_AuditServiceServicer_to_server
from incasso.merchants.v1.members_pb2_grpc import add_MembersServiceServicer_to_server
from incasso.merchants.v1.merchants_pb2_grpc import add_MerchantsServiceServicer_to_server
from incasso.merchants.v1.sessions_pb2_grpc import add_SessionsServiceServicer_to_server
from incasso.merchants.v1.views_pb2_grpc import add_ViewsServiceServicer_to_server
from libs import descriptors
from libs.process import Chassis, Parts, run
from services.merchants import retention
from services.merchants.config import Config
from services.merchants.deps import Deps
from services.merchants.service.audit import Audit
from services.merchants.service.members import Members
from services.merchants.service.merchants import MerchantAccounts
from services.merchants.service.sessions import Sessions
from services.merchants.service.views import Views
from services.merchants.worker import bank_account_changes, key_expiry

MIGRATIONS = Path(__file__).parent / "migrations"


async def build(config: Config, chassis: Chassis) -> Parts:
    deps = Deps(
        chassis.db,
        descriptors.all_scopes(),
        console_url=config.console_url,
        passwords=config.console_passwords,
    )
    return Parts(
        servicers=[
            (add_MerchantsServiceServicer_to_server, MerchantAccounts(deps)),
            (add_MembersServiceServicer_to_server, Members(deps)),
            (add_SessionsServiceServicer_to_server, Sessions(deps)),
            (add_AuditServiceServicer_to_server, Audit(deps)),
            (add_ViewsServiceServicer_to_server, Views(deps)),
        ],
        kept=retention.KEPT,
        workers=[key_expiry(deps), bank_account_changes(deps)],
    )


if __name__ == "__main__":
    run("merchants", Config, build, MIGRATIONS)
