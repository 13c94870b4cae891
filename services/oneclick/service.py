"""The gRPC door: message → command → flow → message. Decides nothing."""

from typing import Any, TypeAlias

import grpc

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.oneclick.v1.oneclick_pb2_grpc import OneClickServiceServicer
from incasso.payments.v1 import payments_pb2
from libs import pages, wire
from libs.idempotency import key_of, needed_key_of
from services.oneclick.deps import Deps
from services.oneclick.events import (
    address_pb,
    chargeables_pb,
    contact_pb,
    customer_pb,
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
    detach,
    erase,
    instruments,
    offer,
    policy,
    sessions,
    undo,
)
from services.oneclick.flows.sessions import SessionView
from services.oneclick.rules.domain import Address, Consent, ContactChange

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class OneClick(OneClickServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateCustomer(
        self, request: pb.CreateCustomerRequest, rpc: Rpc
    ) -> pb.CreateCustomerResponse:
        cmd = wire.read(customers.CreateCustomer, request)
        key = key_of(request, "CreateCustomer")
        made = await customers.create_customer(self._deps, cmd, key)
        return pb.CreateCustomerResponse(customer=pb.Customer.FromString(made))

    async def GetCustomer(self, request: pb.GetCustomerRequest, rpc: Rpc) -> pb.GetCustomerResponse:
        found = await customers.get_customer(self._deps, request.customer_id)
        return pb.GetCustomerResponse(customer=customer_pb(found))

    async def GetContacts(self, request: pb.GetContactsRequest, rpc: Rpc) -> pb.GetContactsResponse:
        found = await customers.get_contacts(self._deps, request.customer_ids)
        return pb.GetContactsResponse(data=[contact_pb(one) for one in found])

    async def ListCustomers(
        self, request: pb.ListCustomersRequest, rpc: Rpc
    ) -> pb.ListCustomersResponse:
        query = wire.read(customers.ListCustomers, request, page=pages.asked(request, "cus"))
        found = await customers.list_customers(self._deps, query)
        return pb.ListCustomersResponse(
            data=[customer_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def UpdateCustomer(
        self, request: pb.UpdateCustomerRequest, rpc: Rpc
    ) -> pb.UpdateCustomerResponse:
        new = wire.read(ContactChange, request)
        changed = await customers.update_customer(self._deps, request.customer_id, new)
        return pb.UpdateCustomerResponse(customer=customer_pb(changed))

    async def EraseCustomer(
        self, request: pb.EraseCustomerRequest, rpc: Rpc
    ) -> pb.EraseCustomerResponse:
        left = await erase.erase_customer(self._deps, request.customer_id)
        return pb.EraseCustomerResponse(customer=customer_pb(left))

    async def CreateAddress(
        self, request: pb.CreateAddressRequest, rpc: Rpc
    ) -> pb.CreateAddressResponse:
        address = wire.read(
            Address, request, id="", merchant_id="", created_at=self._deps.clock.now()
        )
        cmd = addresses.CreateAddress(address, request.make_default)
        made, default_id = await addresses.create_address(self._deps, cmd)
        return pb.CreateAddressResponse(address=address_pb(made, default_id=default_id))

    async def ListAddresses(
        self, request: pb.ListAddressesRequest, rpc: Rpc
    ) -> pb.ListAddressesResponse:
        found, default_id = await addresses.list_addresses(self._deps, request.customer_id)
        return pb.ListAddressesResponse(
            data=[address_pb(address, default_id=default_id) for address in found]
        )

    async def DeleteAddress(
        self, request: pb.DeleteAddressRequest, rpc: Rpc
    ) -> pb.DeleteAddressResponse:
        await addresses.delete_address(self._deps, request.customer_id, request.address_id)
        return pb.DeleteAddressResponse()

    async def AttachInstrument(
        self, request: pb.AttachInstrumentRequest, rpc: Rpc
    ) -> pb.AttachInstrumentResponse:
        consent = wire.read(Consent, request.consent, id="")  # the flow gives it one
        cmd = wire.read(attach.AttachInstrument, request, consent=consent)
        key = key_of(request, "AttachInstrument")
        made = await attach.attach_instrument(self._deps, cmd, key)
        return pb.AttachInstrumentResponse(instrument=pb.Instrument.FromString(made))

    async def ListInstruments(
        self, request: pb.ListInstrumentsRequest, rpc: Rpc
    ) -> pb.ListInstrumentsResponse:
        found, default_id = await instruments.list_instruments(self._deps, request.customer_id)
        now = self._deps.clock.now()
        return pb.ListInstrumentsResponse(
            data=[instrument_pb(one, default_id=default_id, now=now) for one in found]
        )

    async def SetDefaultInstrument(
        self, request: pb.SetDefaultInstrumentRequest, rpc: Rpc
    ) -> pb.SetDefaultInstrumentResponse:
        chosen = await instruments.set_default_instrument(
            self._deps, request.customer_id, request.instrument_id
        )
        now = self._deps.clock.now()
        return pb.SetDefaultInstrumentResponse(
            instrument=instrument_pb(chosen, default_id=chosen.id, now=now)
        )

    async def DetachInstrument(
        self, request: pb.DetachInstrumentRequest, rpc: Rpc
    ) -> pb.DetachInstrumentResponse:
        detached = await detach.detach_instrument(
            self._deps, request.customer_id, request.instrument_id
        )
        now = self._deps.clock.now()
        return pb.DetachInstrumentResponse(
            instrument=instrument_pb(detached, default_id=None, now=now)
        )

    async def GetPolicy(self, request: pb.GetPolicyRequest, rpc: Rpc) -> pb.GetPolicyResponse:
        return pb.GetPolicyResponse(policy=policy_pb(await policy.get_policy(self._deps)))

    async def UpdatePolicy(
        self, request: pb.UpdatePolicyRequest, rpc: Rpc
    ) -> pb.UpdatePolicyResponse:
        limits = {name: _new_limit(request, name) for name in ("max_charge", "max_daily")}
        cmd = wire.read(policy.UpdatePolicy, request, **limits)
        changed = await policy.update_policy(self._deps, cmd)
        return pb.UpdatePolicyResponse(policy=policy_pb(changed))

    async def CreateOneClickPayment(
        self, request: pb.CreateOneClickPaymentRequest, rpc: Rpc
    ) -> pb.CreateOneClickPaymentResponse:
        cmd = wire.read(charge.CreateOneClickPayment, request)
        request.ClearField("ip")  # a click that is made again from elsewhere is the same click
        key = key_of(request, "CreateOneClickPayment")
        made = await charge.create_one_click_payment(self._deps, cmd, key)
        return pb.CreateOneClickPaymentResponse(payment=payments_pb2.Payment.FromString(made))

    async def UndoOneClickPayment(
        self, request: pb.UndoOneClickPaymentRequest, rpc: Rpc
    ) -> pb.UndoOneClickPaymentResponse:
        cmd = wire.read(undo.UndoOneClickPayment, request)
        key = needed_key_of(request, "UndoOneClickPayment")
        undone = await undo.undo_one_click_payment(self._deps, cmd, key)
        return pb.UndoOneClickPaymentResponse(payment=payments_pb2.Payment.FromString(undone))

    async def CreateOneClickSession(
        self, request: pb.CreateOneClickSessionRequest, rpc: Rpc
    ) -> pb.CreateOneClickSessionResponse:
        cmd = wire.read(sessions.CreateOneClickSession, request)
        key = key_of(request, "CreateOneClickSession")
        made = await sessions.create_one_click_session(self._deps, cmd, key)
        return pb.CreateOneClickSessionResponse(session=pb.OneClickSession.FromString(made))

    async def GetOneClickSession(
        self, request: pb.GetOneClickSessionRequest, rpc: Rpc
    ) -> pb.GetOneClickSessionResponse:
        view = await sessions.get_one_click_session(
            self._deps, request.session_id, wire.opt(request, "client_secret")
        )
        return pb.GetOneClickSessionResponse(session=self._session(view))

    async def PayOneClickSession(
        self, request: pb.PayOneClickSessionRequest, rpc: Rpc
    ) -> pb.PayOneClickSessionResponse:
        view = await sessions.pay_one_click_session(
            self._deps,
            request.session_id,
            wire.opt(request, "client_secret"),
            ip=wire.opt(request, "ip"),
        )
        return pb.PayOneClickSessionResponse(session=self._session(view))

    async def GetOffer(self, request: pb.GetOfferRequest, rpc: Rpc) -> pb.GetOfferResponse:
        cart = request.cart
        made = await offer.get_offer(self._deps, cart.customer_id, wire.money_of(cart.amount))
        return pb.GetOfferResponse(offer=offer_pb(made))

    async def ListChargeableInstruments(
        self, request: pb.ListChargeableInstrumentsRequest, rpc: Rpc
    ) -> pb.ListChargeableInstrumentsResponse:
        owner = request.customer_id
        found, default_id = await instruments.list_chargeable_instruments(self._deps, owner)
        return chargeables_pb(found, default_id=default_id, now=self._deps.clock.now())

    def _session(self, view: SessionView) -> pb.OneClickSession:
        return session_pb(
            view.session,
            view.items,
            now=self._deps.clock.now(),
            locale=view.locale,
            card=view.card,
            payment=view.payment,
        )


def _new_limit(request: pb.UpdatePolicyRequest, name: str) -> policy.NewLimit:
    return policy.NewLimit(wire.opt(request, name), wire.opt(request, f"{name}_minor"))
