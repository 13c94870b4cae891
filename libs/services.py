"""The one table of services. A new service is a row here, a folder in services/ and its protos.

Gateway, embedded stack, operators' command and tests derive what they need about every service from
it; none has its own list.
"""

from dataclasses import dataclass
from typing import Final

from libs.identity import CONSOLE, GATEWAY, OPERATOR

MERCHANT_UPDATED: Final = "incasso.merchants.merchant.updated"


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service process with its own database."""

    name: str  # of its folder, proto package, database, NATS user and consumer
    contracts: tuple[str, ...]  # its services in protos/incasso/<name>/v1
    port: int  # offset from the embedded stack's base; the admin port is the next. Never reused
    offers: str = ""  # the payment method that its GetOffer offers for a cart
    seals: bool = False  # it is given INCASSO_SEAL_KEYS
    listens_to: tuple[
        str, ...
    ] = ()  # subjects that each replica receives at once, besides its consumer

    @property
    def full_names(self) -> tuple[str, ...]:
        """Full names of its gRPC services."""
        return tuple(f"incasso.{self.name}.v1.{contract}" for contract in self.contracts)

    @property
    def target_variable(self) -> str:
        """The environment variable with its address."""
        return f"INCASSO_{self.name.upper()}_TARGET"


# Methods are offered in this order unless the merchant sets another.
SERVICES: Final = (
    Service(
        "merchants",
        ("MerchantsService", "MembersService", "SessionsService", "AuditService", "ViewsService"),
        port=10,
    ),
    Service("payments", ("PaymentsService",), port=12),
    Service("oneclick", ("OneClickService",), port=14, offers="one_click", seals=True),
    Service(
        "paylink",
        ("PaymentLinksService", "ShopService", "PayPagesService"),
        port=16,
        offers="link",
        seals=True,
        listens_to=(MERCHANT_UPDATED,),
    ),
    Service(
        "notify",
        ("MessagesService", "WebhooksService"),
        port=18,
        seals=True,
        listens_to=(MERCHANT_UPDATED,),
    ),
    Service(
        "instalments",
        ("InstalmentOffersService", "InstalmentPlansService", "InstalmentPagesService"),
        port=20,
        offers="instalments",
        seals=True,
        listens_to=(MERCHANT_UPDATED,),
    ),
    Service(
        "cod",
        (
            "CodOffersService",
            "CodOrdersService",
            "CodPagesService",
            "CodRefundsService",
            "CodRemittancesService",
            "CodFilesService",
        ),
        port=22,
        offers="cod",
        seals=True,
        listens_to=(MERCHANT_UPDATED,),
    ),
    Service(
        "reporting",
        (
            "LedgerService",
            "ImportsService",
            "ReconciliationService",
            "ReportsService",
            "KpisService",
            "SurveysService",
            "SurveyPagesService",
        ),
        port=24,
    ),
)
NAMES: Final = tuple(service.name for service in SERVICES)
# All possible callers of an RPC: each has its own key.
CALLERS: Final = (*NAMES, GATEWAY, CONSOLE, OPERATOR)


def named(name: str) -> Service:
    """Raises KeyError if there is none."""
    return _BY_NAME[name]


_BY_NAME: Final = {service.name: service for service in SERVICES}
