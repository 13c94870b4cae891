"""Calls from instalments to payments: the payment of one part, and its refunds."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import client, deadlines, wire
from libs.money import Money
from libs.payments import repaying, velocity
from libs.payments.client import Payments as AskedPayments
from libs.payments.repayments import RefundReport
from services.instalments.rules import regimes
from services.instalments.rules.cards import CardField
from services.instalments.rules.disputes import Dispute
from services.instalments.rules.plans import Collection, Plan
from services.instalments.rules.repaying import Repayment
from services.instalments.rules.terms import Partner

METHOD: Final = "instalments"


@dataclass(frozen=True, slots=True)
class PartnerMethod:
    """What is charged: `charge` is a message of payments, with the customer data that the partner
    needs.
    """

    charge: bytes = field(repr=False)
    instrument_id: None = None
    sca_history: bytes = b""


def method_of(partner: Partner, plan: Plan, email: str) -> PartnerMethod:
    """`email`: the customer's; "" if unknown."""
    token = payments_pb2.InstrumentToken(
        psp_account=partner.psp_account,
        token=f"method:{partner.method}",
        shopper=payments_pb2.Shopper(
            email=email,
            country=regimes.named(plan.priced.classification.regime).jurisdiction,
        ),
    )
    instrument = payments_pb2.Instrument(brand=partner.method, tokens=[token])
    return PartnerMethod(instrument.SerializeToString())


def payment_request(
    plan: Plan, collection: Collection, charge: bytes, sca_history: bytes, *, return_url: str
) -> payments_pb2.CreatePaymentRequest:
    """The request to payments. A plan's first payment stores the mandate; later ones carry its
    reference, the plan's id. A partner pays the order as a whole.
    """
    customer = collection.by_customer
    by_card = customer and not plan.by_partner
    request = payments_pb2.CreatePaymentRequest(
        amount=wire.money(collection.amount),
        order_reference=plan.order_reference,
        order_part="" if plan.by_partner else f"instalment:{collection.number}",
        method=METHOD,
        capture=payments_pb2.CAPTURE_MODE_NOW,
        customer_id=plan.customer_id,
        initiator=payments_pb2.INITIATOR_CUSTOMER if customer else payments_pb2.INITIATOR_MERCHANT,
        mandate_reference="" if customer else plan.id,
        return_url=return_url if customer else "",
        velocity_subjects=[velocity.of_customer(plan.customer_id)] if by_card else [],
        metadata=plan.metadata,
    )
    request.instrument.ParseFromString(charge)
    if customer:
        request.sca_history.ParseFromString(sca_history)
    return request


def dispute_of(dispute: payments_pb2.Dispute, merchant_id: str, at: datetime) -> Dispute:
    """The dispute, without its plan."""
    return wire.read(
        Dispute,
        dispute,
        merchant_id=merchant_id,
        plan_id="",
        amount=Money(dispute.amount_minor, dispute.currency),
        told_at=at,
    )


class Payments(AskedPayments):
    """Calls on behalf of the current call's merchant."""

    async def card_field(self, amount: Money, *, customer_id: str) -> CardField:
        """Raises RemoteRefusal no_psp_account and too_many_declines, OutcomeUnknown."""
        request = payments_pb2.GetCardFieldRequest(
            amount=wire.money(amount),
            method=METHOD,
            velocity_subjects=[velocity.of_customer(customer_id)],
        )
        answer = await client.call(
            self._stub.GetCardField, request, timeout_seconds=deadlines.BRIEF
        )
        account = answer.psp_account
        return CardField(account.psp, account.name, account.publishable_key, account.field_url)

    async def refund(self, repayment: Repayment, at: datetime) -> RefundReport:
        """Refunds, or learns the outcome. Raises as `move`."""
        return await repaying.refund(self._stub, repayment, at)

    async def find_refund(self, repayment: Repayment, at: datetime) -> RefundReport | None:
        """The refund with the repayment's key. None: payments has not begun it."""
        payment = await repaying.payment_of(self._stub, repayment)
        return repaying.of_key(payment, repayment, at)
