"""Test doubles of the services that notify calls, with the data that a test gives them."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from incasso.cod.v1 import orders_pb2, orders_pb2_grpc
from incasso.cod.v1 import pages_pb2 as cod_pages_pb2
from incasso.cod.v1 import pages_pb2_grpc as cod_pages_grpc
from incasso.common.v1 import money_pb2
from incasso.instalments.v1 import pages_pb2, plans_pb2, plans_pb2_grpc
from incasso.instalments.v1 import pages_pb2_grpc as instalments_grpc
from incasso.merchants.v1 import (
    members_pb2,
    members_pb2_grpc,
    merchants_pb2,
    merchants_pb2_grpc,
)
from incasso.oneclick.v1 import oneclick_pb2, oneclick_pb2_grpc
from incasso.paylink.v1 import paylink_pb2, paylink_pb2_grpc
from incasso.reporting.v1 import reports_pb2_grpc
from libs import context, ids
from libs.downloads import Download
from libs.errors import Kind, RemoteRefusal, ServiceUnavailable
from libs.server import Server
from libs.tasks import Tasks

URL = "https://pay.example/p/3kTq9w0bZ6mHhJ8sX2yQvA"
PLAN_URL = "https://pay.example/plan/3kTq9w0bZ6mHhJ8sX2yQvA"
INVITATION_URL = "https://console.example/invitations/3kTq9w0bZ6mHhJ8sX2yQvA"
COD_URL = "https://pay.example/cod/3kTq9w0bZ6mHhJ8sX2yQvA"
NAMES = (
    "incasso.merchants.v1.MerchantsService",
    "incasso.merchants.v1.MembersService",
    "incasso.oneclick.v1.OneClickService",
    "incasso.paylink.v1.PaymentLinksService",
    "incasso.instalments.v1.InstalmentPagesService",
    "incasso.instalments.v1.InstalmentPlansService",
    "incasso.cod.v1.CodOrdersService",
    "incasso.cod.v1.CodPagesService",
    "incasso.reporting.v1.ReportsService",
)


def money(amount_minor: int = 12900, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)


def link_of(**changes: Any) -> paylink_pb2.PaymentLink:
    values: dict[str, Any] = {
        "id": ids.new("lnk"),
        "state": paylink_pb2.PaymentLink.STATE_SENT,
        "amount": money(),
        "amount_due": money(),
        "description": "Occhiali",
        "order_reference": "A-1001",
        "recipient": paylink_pb2.Recipient(
            name="Giulia Bianchi", email="giulia@example.com", phone="+393331234567"
        ),
        "channels": [paylink_pb2.CHANNEL_EMAIL],
        "locale": "it",
        "expires_at": Timestamp(seconds=1_798_000_000),
    }
    return paylink_pb2.PaymentLink(**{**values, **changes})


class Neighbours(
    merchants_pb2_grpc.MerchantsServiceServicer,
    members_pb2_grpc.MembersServiceServicer,
    oneclick_pb2_grpc.OneClickServiceServicer,
    paylink_pb2_grpc.PaymentLinksServiceServicer,
    instalments_grpc.InstalmentPagesServiceServicer,
    plans_pb2_grpc.InstalmentPlansServiceServicer,
    orders_pb2_grpc.CodOrdersServiceServicer,
    cod_pages_grpc.CodPagesServiceServicer,
    reports_pb2_grpc.ReportsServiceServicer,
):
    """`away`: names of RPCs that do not answer. `calls`: number of calls by RPC. `documents`: by kind."""

    def __init__(self) -> None:
        self.merchant = merchants_pb2.Merchant(
            name="Ottica Rossi",
            default_currency="EUR",
            locale="it",
            branding=merchants_pb2.Branding(
                primary_colour="#0b7a5a", reply_to="ciao@otticarossi.example", logo_id="logo1"
            ),
        )
        self.customers: dict[str, oneclick_pb2.Customer] = {}
        self.links: dict[str, paylink_pb2.PaymentLink] = {}
        self.closed: set[str] = set()
        self.invited: dict[str, str] = {}  # addresses, by member
        self.documents: dict[int, bytes] = {}
        self.codes: dict[str, str] = {}  # by order
        self.files: dict[str, tuple[str, str, bytes]] = {}  # by run: name, media type, content
        self.away: set[str] = set()
        self.calls: dict[str, int] = defaultdict(int)

    def _asked(self, name: str) -> None:
        self.calls[name] += 1
        assert context.current().merchant_id
        if name in self.away:
            raise ServiceUnavailable

    async def GetMerchant(self, request: Any, rpc: Any) -> Any:
        self._asked("GetMerchant")
        return merchants_pb2.GetMerchantResponse(merchant=self.merchant)

    async def GetContacts(self, request: Any, rpc: Any) -> Any:
        self._asked("GetContacts")
        known = [self.customers[one] for one in request.customer_ids if one in self.customers]
        return oneclick_pb2.GetContactsResponse(
            data=[
                oneclick_pb2.Contact(
                    customer_id=one.id,
                    email=one.email,
                    name=one.name,
                    locale=one.locale,
                    phone=one.phone,
                )
                for one in known
                if one.email or one.phone
            ]
        )

    async def GetPaymentLinkAddress(self, request: Any, rpc: Any) -> Any:
        self._asked("GetPaymentLinkAddress")
        if request.payment_link_id in self.closed:
            raise RemoteRefusal(Kind.CONFLICT, "payment_link_closed", "")
        link = self.links[request.payment_link_id]
        return paylink_pb2.GetPaymentLinkAddressResponse(url=URL, payment_link=link)

    async def GetInstalmentPlanAddress(self, request: Any, rpc: Any) -> Any:
        self._asked("GetInstalmentPlanAddress")
        return pages_pb2.GetInstalmentPlanAddressResponse(url=PLAN_URL)

    async def GetInstalmentDocument(self, request: Any, rpc: Any) -> Any:
        self._asked("GetInstalmentDocument")
        if request.kind not in self.documents:
            raise RemoteRefusal(Kind.CONFLICT, "creditor_details_missing", "")
        content = b64encode(self.documents[request.kind]).decode()
        document = plans_pb2.InstalmentDocument(kind=request.kind, content=content)
        return plans_pb2.GetInstalmentDocumentResponse(document=document)

    async def DownloadReportRun(self, request: Any, rpc: Any) -> Any:
        self._asked("DownloadReportRun")
        if request.run_id not in self.files:
            raise RemoteRefusal(Kind.CONFLICT, "report_file_expired", "")
        name, media_type, content = self.files[request.run_id]

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        return Download(name, media_type, pieces(), len(content))

    async def IssueInvitationLink(self, request: Any, rpc: Any) -> Any:
        self._asked("IssueInvitationLink")
        email = self.invited.get(request.member_id)
        if email is None:
            raise RemoteRefusal(Kind.CONFLICT, "member_not_invited", "")
        if email != request.recipient:
            raise RemoteRefusal(Kind.FORBIDDEN, "invitation_of_another_person", "")
        return members_pb2.IssueInvitationLinkResponse(url=INVITATION_URL)

    async def GetCodCode(self, request: Any, rpc: Any) -> Any:
        self._asked("GetCodCode")
        if request.cod_order_id not in self.codes:
            raise RemoteRefusal(Kind.CONFLICT, "cod_code_over", "")
        return orders_pb2.GetCodCodeResponse(code=self.codes[request.cod_order_id])

    async def GetCodOrderAddress(self, request: Any, rpc: Any) -> Any:
        self._asked("GetCodOrderAddress")
        if request.cod_order_id in self.closed:
            raise RemoteRefusal(Kind.NOT_FOUND, "cod_order_not_found", "")
        return cod_pages_pb2.GetCodOrderAddressResponse(url=COD_URL)


async def serve(double: Neighbours) -> tuple[Server, str]:
    """Serves it in this process, on a free port; returns its target."""
    server = Server(
        [
            (merchants_pb2_grpc.add_MerchantsServiceServicer_to_server, double),
            (members_pb2_grpc.add_MembersServiceServicer_to_server, double),
            (oneclick_pb2_grpc.add_OneClickServiceServicer_to_server, double),
            (paylink_pb2_grpc.add_PaymentLinksServiceServicer_to_server, double),
            (instalments_grpc.add_InstalmentPagesServiceServicer_to_server, double),
            (plans_pb2_grpc.add_InstalmentPlansServiceServicer_to_server, double),
            (orders_pb2_grpc.add_CodOrdersServiceServicer_to_server, double),
            (cod_pages_grpc.add_CodPagesServiceServicer_to_server, double),
            (reports_pb2_grpc.add_ReportsServiceServicer_to_server, double),
        ],
        NAMES,
        Tasks(),
    )
    port = await server.start("127.0.0.1:0")
    return server, f"ipv4:127.0.0.1:{port}"
