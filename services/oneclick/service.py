"""The gRPC servicer of oneclick."""

from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import context, pages, servicer, wire
from libs.idempotency import key_of
from libs.pages import Listed
from services.oneclick.deps import Deps
from services.oneclick.errors import CustomerNotFound
from services.oneclick.events import (
    address_pb,
    chargeable_pb,
    contact_pb,
    instrument_pb,
    offer_pb,
    policy_pb,
    session_pb,
)
from services.oneclick.flows import (
    addresses,
    attach,
    charge,
    customers,
    erase,
    instruments,
    offer,
    policy,
    sessions,
    undo,
)
from services.oneclick.rules.domain import Address, Customer, ShownAddress
from services.oneclick.rules.instruments import Chargeable, ShownInstrument
from services.oneclick.rules.sessions import SessionView
from services.oneclick.rules.spending import Policy
from services.oneclick.store.customers import CUSTOMERS, Filter, list_page


async def _get_contacts(deps: Deps, request: pb.GetContactsRequest) -> list[pb.Contact]:
    return [contact_pb(one) for one in await customers.get_contacts(deps, request.customer_ids)]


async def _list_customers(deps: Deps, request: pb.ListCustomersRequest) -> Listed[Customer]:
    wanted, page = wire.read(Filter, request), pages.asked(request, "cus")
    return await deps.db.run(list_page, context.merchant_id(), wanted, page)


async def _create_address(deps: Deps, request: pb.CreateAddressRequest) -> ShownAddress:
    # The flow sets its id and merchant.
    address = wire.read(Address, request, id="", merchant_id="", created_at=deps.clock.now())
    return await addresses.create_address(deps, address, make_default=request.make_default)


async def _create_one_click_payment(deps: Deps, request: pb.CreateOneClickPaymentRequest) -> bytes:
    cmd = wire.read(charge.CreateOneClickPayment, request)
    request.ClearField("ip")  # a click repeated from another address is the same click
    key = key_of(request, "CreateOneClickPayment")
    return await charge.create_one_click_payment(deps, cmd, key)


async def _get_offer(deps: Deps, request: pb.GetOfferRequest) -> offer_pb2.Offer:
    cart = request.cart
    return offer_pb(await offer.get_offer(deps, cart.customer_id, wire.money_of(cart.amount)))


OneClick: Final = servicer.of(
    "incasso.oneclick.v1.OneClickService",
    shows={
        Chargeable: chargeable_pb,
        Policy: policy_pb,
        SessionView: session_pb,
        ShownAddress: address_pb,
        ShownInstrument: instrument_pb,
    },
    CreateCustomer=customers.create_customer,
    GetCustomer=servicer.Row(CUSTOMERS, CustomerNotFound),
    GetContacts=_get_contacts,
    ListCustomers=_list_customers,
    UpdateCustomer=customers.update_customer,
    EraseCustomer=erase.erase_customer,
    CreateAddress=_create_address,
    ListAddresses=addresses.list_addresses,
    DeleteAddress=addresses.delete_address,
    AttachInstrument=attach.attach_instrument,
    RefreshInstrumentByKey=attach.refresh_instrument,
    ListInstruments=instruments.list_instruments,
    SetDefaultInstrument=instruments.set_default_instrument,
    DetachInstrument=instruments.detach_instrument,
    GetPolicy=policy.get_policy,
    UpdatePolicy=policy.update_policy,
    CreateOneClickPayment=_create_one_click_payment,
    UndoOneClickPayment=undo.undo_one_click_payment,
    CreateOneClickSession=sessions.create_one_click_session,
    GetOneClickSession=sessions.get_one_click_session,
    PayOneClickSession=sessions.pay_one_click_session,
    GetOneClickConsent=charge.get_one_click_consent,
    GetOffer=_get_offer,
    ListChargeableInstruments=instruments.list_chargeable_instruments,
    GetChargeableInstruments=instruments.get_chargeable_instruments,
)
