"""Doubles for method services: merchants, saved cards, and payments with a card field."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from incasso.merchants.v1 import merchants_pb2
from incasso.merchants.v1.merchants_pb2_grpc import (
    MerchantsServiceServicer,
    add_MerchantsServiceServicer_to_server,
)
from incasso.oneclick.v1 import oneclick_pb2
from incasso.oneclick.v1.oneclick_pb2_grpc import (
    OneClickServiceServicer,
    add_OneClickServiceServicer_to_server,
)
from incasso.paylink.v1 import paylink_pb2
from incasso.paylink.v1.paylink_pb2_grpc import (
    PaymentLinksServiceServicer,
    add_PaymentLinksServiceServicer_to_server,
)
from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import add_PaymentsServiceServicer_to_server
from libs import context, ids
from libs.errors import IdempotencyKeyReused, Kind, RemoteRefusal, ServiceUnavailable
from libs.server import Server
from libs.tasks import Tasks
from tests.kit import payments_double
from tests.kit.instalments_double import Instalments, servicers
from tests.kit.payments_double import Hooks, scripted

IBAN = "IT60X0542811101000000123456"
ACCOUNT = merchants_pb2.BankAccount(holder="Bottega S.r.l.", iban=IBAN)


class Merchants(MerchantsServiceServicer):
    """One merchant for all ids, with `quotas` by id; those in `without_account` have no bank account."""

    def __init__(self) -> None:
        self.quotas: dict[str, dict[str, int]] = {}
        self.without_account: set[str] = set()
        self.down = False
        self.asked = 0

    async def GetMerchant(self, request: Any, rpc: Any) -> Any:
        self.asked += 1
        if self.down:
            raise ServiceUnavailable
        merchant_id = context.merchant_id()
        merchant = merchants_pb2.Merchant(
            id=merchant_id,
            name="La Bottega",
            country="IT",
            default_currency="EUR",
            locale="it",
            time_zone="Europe/Rome",
            test=True,
            quotas=self.quotas.get(merchant_id, {}),
            bank_account=None if merchant_id in self.without_account else ACCOUNT,
        )
        merchant.branding.primary_colour = "#0b5cad"
        merchant.seller.vat_number = "IT12345670017"
        return merchants_pb2.GetMerchantResponse(merchant=merchant)


class OneClick(OneClickServiceServicer):
    """One customer with valid cards and an expired one. `before` and `after` run around each
    CreateCustomer, and may raise.
    """

    def __init__(self) -> None:
        self.down = False
        self.erased = {"cus_erased"}
        self.good = ["ins_good"]
        self.asked: list[list[str]] = []  # requests of GetChargeableInstruments
        self.attached: dict[str, Any] = {}  # requests of AttachInstrument, by key
        self.refusal: Exception | None = None  # raised by AttachInstrument
        self.challenge = ""  # the URL for the next card
        self.lose_answers = 0  # of this many calls that save a card
        self.email = "giulia@example.com"
        self.created: dict[str, Any] = {}  # requests of CreateCustomer, by key
        self.before: Callable[[], Any] | None = None
        self.after: Callable[[], Any] | None = None

    async def CreateCustomer(self, request: Any, rpc: Any) -> Any:
        if self.before is not None:
            self.before()
        key = context.current().idempotency_key
        if self.created.setdefault(key, request) != request:
            raise IdempotencyKeyReused
        if self.after is not None:
            self.after()
        made = oneclick_pb2.Customer(id=f"cus_{list(self.created).index(key) + 1}")
        return oneclick_pb2.CreateCustomerResponse(customer=made)

    async def GetCustomer(self, request: Any, rpc: Any) -> Any:
        if request.customer_id in self.erased:
            erased = oneclick_pb2.Customer(
                id=request.customer_id, state=oneclick_pb2.Customer.STATE_ERASED
            )
            return oneclick_pb2.GetCustomerResponse(customer=erased)
        if request.customer_id not in {"cus_giulia", "cus_marco"}:
            raise RemoteRefusal(Kind.NOT_FOUND, "customer_not_found", "no such customer")
        customer = oneclick_pb2.Customer(id=request.customer_id, email=self.email)
        return oneclick_pb2.GetCustomerResponse(customer=customer)

    async def ListChargeableInstruments(self, request: Any, rpc: Any) -> Any:
        if self.down:
            raise ServiceUnavailable
        states = oneclick_pb2.Instrument
        return oneclick_pb2.ListChargeableInstrumentsResponse(
            data=[
                *(self._card(each, states.STATE_ACTIVE) for each in self.good),
                self._card("ins_old", states.STATE_EXPIRED),
            ]
        )

    async def GetChargeableInstruments(self, request: Any, rpc: Any) -> Any:
        if self.down:
            raise ServiceUnavailable
        self.asked.append(list(request.instrument_ids))
        active = oneclick_pb2.Instrument.STATE_ACTIVE
        return oneclick_pb2.GetChargeableInstrumentsResponse(
            data=[self._card(each, active) for each in request.instrument_ids if each in self.good]
        )

    async def AttachInstrument(self, request: Any, rpc: Any) -> Any:
        if self.refusal is not None:
            raise self.refusal
        key = context.current().idempotency_key
        if self.attached.setdefault(key, request) != request:
            raise IdempotencyKeyReused
        saved = oneclick_pb2.Instrument(id=f"ins_{request.token}")
        if self.challenge:
            saved.state = oneclick_pb2.Instrument.STATE_REQUIRES_ACTION
            saved.next_action.url = self.challenge
        elif saved.id not in self.good:
            self.good.append(saved.id)
        if self.lose_answers:
            self.lose_answers -= 1
            raise ServiceUnavailable
        return oneclick_pb2.AttachInstrumentResponse(instrument=saved)

    async def RefreshInstrumentByKey(self, request: Any, rpc: Any) -> Any:
        """The challenge counts as passed once `challenge` is empty."""
        if self.refusal is not None:
            raise self.refusal
        states = oneclick_pb2.Instrument
        asked = self.attached[request.key]
        saved = states(id=f"ins_{asked.token}", state=states.STATE_ACTIVE)
        if self.challenge:
            saved.state = states.STATE_REQUIRES_ACTION
            saved.next_action.url = self.challenge
        return oneclick_pb2.RefreshInstrumentByKeyResponse(instrument=saved)

    def _card(self, card_id: str, state: Any) -> Any:
        made = oneclick_pb2.ChargeableInstrument()
        made.instrument.id = card_id
        made.instrument.state = state
        made.instrument.brand = "visa"
        made.instrument.last4 = "4242"
        made.charge.instrument_id = card_id
        made.charge.tokens.add(psp_account="sandbox-a", token=f"tok_{card_id}")
        made.sca_history.payments_since_challenge = 2
        return made


class Payments(payments_double.Payments):
    """Payments with a card field. Declined payments have `decline`."""

    def __init__(self) -> None:
        super().__init__()
        self.decline = pb.Decline(
            code=pb.DECLINE_CODE_INSUFFICIENT_FUNDS,
            message="Not enough money.",
            advice=pb.Decline.ADVICE_LATER,
        )

    async def GetCardField(self, request: pb.GetCardFieldRequest, rpc: Any) -> Any:
        await self._around(self.before, "GetCardField")
        return pb.GetCardFieldResponse(
            psp_account=pb.PspAccount(
                id="psa_1",
                name="sandbox-a",
                psp="sandbox",
                publishable_key="pk_field",
                field_url="http://127.0.0.1/field.js",
            )
        )

    def _made(self, request: pb.CreatePaymentRequest) -> pb.Payment:
        made = super()._made(request)
        if made.state == pb.Payment.STATE_DECLINED:
            made.decline.CopyFrom(self.decline)
        return made


class PayLinks(PaymentLinksServiceServicer):
    """Links of instalments and cod: `links` by idempotency key. `paying`: ids of links being paid.
    `before` and `after` run around calls that create a link or close a cod link; they may raise or wait.
    """

    def __init__(self) -> None:
        self.before: Hooks = {}
        self.after: Hooks = {}
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.down = False
        self.links: dict[str, Any] = {}
        self.paying: set[str] = set()
        self.refusal: RemoteRefusal | None = None
        self.closed: list[tuple[str, bool]] = []  # link id, and whether it was paid otherwise
        self.parts: dict[str, str] = {}  # the order part that a link of cod pays, by link id

    async def CreateInstalmentLink(self, request: Any, rpc: Any) -> Any:
        self._answers()
        if self.refusal is not None:
            raise self.refusal
        key = context.current().idempotency_key
        self.keys["CreateInstalmentLink"].append(key)
        await scripted(self.before, "CreateInstalmentLink")
        made = self.links.setdefault(key, paylink_pb2.PaymentLink())
        made.id = made.id or ids.new("lnk")
        made.amount.CopyFrom(request.amount)
        for name in ("plan_id", "instalment_number", "description", "order_reference"):
            setattr(made, name, getattr(request, name))
        for name in ("warning", "representative_example"):
            if request.HasField(name):
                setattr(made, name, getattr(request, name))
        await scripted(self.after, "CreateInstalmentLink")
        return paylink_pb2.CreateInstalmentLinkResponse(payment_link=made)

    async def CloseInstalmentLink(self, request: Any, rpc: Any) -> Any:
        self._close(request)
        return paylink_pb2.CloseInstalmentLinkResponse()

    async def CreateCodLink(self, request: Any, rpc: Any) -> Any:
        self._answers()
        if self.refusal is not None:
            raise self.refusal
        key = context.current().idempotency_key
        self.keys["CreateCodLink"].append(key)
        await scripted(self.before, "CreateCodLink")
        made = self.links.setdefault(key, paylink_pb2.PaymentLink())
        made.id = made.id or ids.new("lnk")
        made.amount.CopyFrom(request.amount)
        for name in ("cod_order_id", "cod_link_number", "description", "order_reference"):
            setattr(made, name, getattr(request, name))
        self.parts[made.id] = request.order_part
        await scripted(self.after, "CreateCodLink")
        return paylink_pb2.CreateCodLinkResponse(payment_link=made)

    async def CloseCodLink(self, request: Any, rpc: Any) -> Any:
        await scripted(self.before, "CloseCodLink")
        self._close(request)
        await scripted(self.after, "CloseCodLink")
        return paylink_pb2.CloseCodLinkResponse()

    async def GetPaymentLinkQrCode(self, request: Any, rpc: Any) -> Any:
        self._answers()
        url = f"https://pay.example/p/{request.payment_link_id}"
        return paylink_pb2.GetPaymentLinkQrCodeResponse(
            url=url, svg="<svg/>", png_data_url="data:image/png;base64,AA=="
        )

    def _close(self, request: Any) -> None:
        self._answers()
        if request.payment_link_id in self.paying:
            raise RemoteRefusal(Kind.CONFLICT, "payment_link_paying", "it is being paid")
        self.closed.append((request.payment_link_id, request.paid_otherwise))

    def _answers(self) -> None:
        if self.down:
            raise ServiceUnavailable

    def effects(self, rpc: str) -> dict[str, Any]:
        """Created links, by idempotency key."""
        return self.links


async def serve(
    merchants: Merchants,
    oneclick: OneClick,
    payments: Payments,
    paylink: PayLinks | None = None,
    instalments: Instalments | None = None,
) -> tuple[Server, str]:
    """Serves all of them in this process on one free port; returns its target."""
    server = Server(
        [
            (add_PaymentLinksServiceServicer_to_server, paylink or PayLinks()),
            (add_MerchantsServiceServicer_to_server, merchants),
            (add_OneClickServiceServicer_to_server, oneclick),
            (add_PaymentsServiceServicer_to_server, payments),
            *(servicers(instalments) if instalments is not None else ()),
        ],
        [],
        Tasks(),
    )
    port = await server.start("127.0.0.1:0")
    return server, f"ipv4:127.0.0.1:{port}"
