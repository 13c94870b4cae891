"""Messages to commands."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import pages, wire
from libs.money import Money
from services.oneclick.flows.attach import AttachInstrument
from services.oneclick.flows.charge import CreateOneClickPayment
from services.oneclick.flows.customers import CreateCustomer, ListCustomers
from services.oneclick.flows.policy import NewLimit, UpdatePolicy
from services.oneclick.flows.sessions import CreateOneClickSession
from services.oneclick.flows.undo import UndoOneClickPayment
from services.oneclick.rules.domain import Address, CaptureMode, Consent, ContactChange
from services.oneclick.rules.items import Item, Removal

_CAPTURE: Final = {
    payments_pb2.CAPTURE_MODE_UNSPECIFIED: CaptureMode.NOW,
    payments_pb2.CAPTURE_MODE_NOW: CaptureMode.NOW,
    payments_pb2.CAPTURE_MODE_MANUAL: CaptureMode.MANUAL,
    payments_pb2.CAPTURE_MODE_DELAYED: CaptureMode.DELAYED,
}


def opt(message: Any, name: str) -> Any:
    """The value of an optional field; None when it was not sent."""
    return getattr(message, name) if message.HasField(name) else None


def _time(message: Any, name: str) -> datetime | None:
    stamp: Timestamp | None = opt(message, name)
    return None if stamp is None else wire.time_of(stamp)


def _money(message: Any, name: str) -> Money | None:
    found = opt(message, name)
    return None if found is None else wire.money_of(found)


def create_customer(request: pb.CreateCustomerRequest) -> CreateCustomer:
    return CreateCustomer(
        email=opt(request, "email"),
        name=opt(request, "name"),
        phone=opt(request, "phone"),
        locale=opt(request, "locale"),
        metadata=dict(request.metadata),
    )


def list_customers(request: pb.ListCustomersRequest) -> ListCustomers:
    return ListCustomers(
        page=pages.asked(request, "cus"),
        email=opt(request, "email"),
        created_from=_time(request, "created_from"),
        created_to=_time(request, "created_to"),
    )


def contact_change(request: pb.UpdateCustomerRequest) -> ContactChange:
    return ContactChange(
        email=opt(request, "email"),
        name=opt(request, "name"),
        phone=opt(request, "phone"),
        locale=opt(request, "locale"),
        metadata=dict(request.metadata),
    )


def address(request: pb.CreateAddressRequest, *, now: datetime) -> Address:
    """Without the ids that the flow gives it."""
    return Address(
        id="",
        merchant_id="",
        customer_id=request.customer_id,
        name=request.name,
        line1=request.line1,
        line2=opt(request, "line2"),
        city=request.city,
        postcode=request.postcode,
        region=opt(request, "region"),
        country=request.country,
        created_at=now,
    )


def attach_instrument(request: pb.AttachInstrumentRequest) -> AttachInstrument:
    return AttachInstrument(
        customer_id=request.customer_id,
        psp_account=request.psp_account,
        token=request.token,
        make_default=request.make_default,
        consent=Consent(
            id="",
            text_version=request.consent.text_version,
            accepted_at=wire.time_of(request.consent.accepted_at),
            ip=opt(request.consent, "ip"),
            sca_reference=opt(request.consent, "sca_reference"),
        ),
        return_url=request.return_url,
    )


def update_policy(request: pb.UpdatePolicyRequest) -> UpdatePolicy:
    return UpdatePolicy(
        max_charge=NewLimit(_money(request, "max_charge"), opt(request, "max_charge_minor")),
        max_daily=NewLimit(_money(request, "max_daily"), opt(request, "max_daily_minor")),
        max_hourly_charges=opt(request, "max_hourly_charges"),
        grace_seconds=opt(request, "grace_seconds"),
    )


def create_payment(request: pb.CreateOneClickPaymentRequest) -> CreateOneClickPayment:
    return CreateOneClickPayment(
        customer_id=request.customer_id,
        amount=wire.money_of(request.amount),
        order_reference=request.order_reference,
        capture=_CAPTURE[request.capture],
        grace_seconds=opt(request, "grace_seconds"),
        instrument_id=opt(request, "instrument_id"),
        address_id=opt(request, "address_id"),
        return_url=request.return_url,
        metadata=dict(request.metadata),
        items=_items(request.items),
        ip=opt(request, "ip"),
    )


def undo(request: pb.UndoOneClickPaymentRequest) -> UndoOneClickPayment:
    return UndoOneClickPayment(
        payment_id=request.payment_id,
        amount=_money(request, "amount"),
        remove=tuple(Removal(each.item_id, opt(each, "quantity")) for each in request.remove),
        client_secret=opt(request, "client_secret"),
    )


def create_session(request: pb.CreateOneClickSessionRequest) -> CreateOneClickSession:
    return CreateOneClickSession(
        customer_id=request.customer_id,
        amount=wire.money_of(request.amount),
        order_reference=request.order_reference,
        capture=_CAPTURE[request.capture],
        grace_seconds=opt(request, "grace_seconds"),
        expires_in_minutes=opt(request, "expires_in_minutes"),
        return_url=request.return_url,
        metadata=dict(request.metadata),
        items=_items(request.items),
    )


def _items(found: Iterable[pb.OrderItem]) -> tuple[Item, ...]:
    return tuple(
        Item(
            id=item.id,
            name=item.name,
            quantity=item.quantity,
            unit_amount_minor=item.unit_amount_minor,
            fixed=item.fixed,
        )
        for item in found
    )
