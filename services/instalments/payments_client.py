"""What instalments asks payments: the payment of one part."""

from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import wire
from libs.payments import velocity
from services.instalments.rules.plans import Collection, Plan

METHOD: Final = "instalments"


def payment_request(
    plan: Plan, collection: Collection, charge: bytes, sca_history: bytes, *, return_url: str
) -> payments_pb2.CreatePaymentRequest:
    """What payments will be asked. Its first payment stores the mandate, of which later ones carry the
    reference: the plan's id.
    """
    customer = collection.by_customer
    request = payments_pb2.CreatePaymentRequest(
        amount=wire.money(collection.amount),
        order_reference=plan.order_reference,
        order_part=f"instalment:{collection.number}",
        method=METHOD,
        capture=payments_pb2.CAPTURE_MODE_NOW,
        customer_id=plan.customer_id,
        initiator=payments_pb2.INITIATOR_CUSTOMER if customer else payments_pb2.INITIATOR_MERCHANT,
        mandate_reference="" if customer else plan.id,
        return_url=return_url if customer else "",
        velocity_subjects=[velocity.of_customer(plan.customer_id)] if customer else [],
        metadata=plan.metadata,
    )
    request.instrument.ParseFromString(charge)
    if customer:
        request.sca_history.ParseFromString(sca_history)
    return request
