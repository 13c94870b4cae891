"""The only file that calls oneclick: the saved cards of a link's customer."""

from collections.abc import Sequence

import grpc

from incasso.oneclick.v1 import oneclick_pb2, oneclick_pb2_grpc
from libs import client, deadlines
from services.paylink.errors import CustomerErased
from services.paylink.rules.domain import SavedCard


class OneClick:
    """Calls on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = oneclick_pb2_grpc.OneClickServiceStub(channel)

    async def check_customer(self, customer_id: str) -> None:
        """Raises RemoteRefusal customer_not_found, CustomerErased, OutcomeUnknown."""
        answer = await client.call(
            self._stub.GetCustomer,
            oneclick_pb2.GetCustomerRequest(customer_id=customer_id),
            timeout_seconds=deadlines.READ,
        )
        if answer.customer.state == oneclick_pb2.Customer.STATE_ERASED:
            raise CustomerErased

    async def saved_cards(self, customer_id: str) -> Sequence[SavedCard]:
        """The default first. Raises RemoteRefusal, OutcomeUnknown."""
        answer = await client.call(
            self._stub.ListChargeableInstruments,
            oneclick_pb2.ListChargeableInstrumentsRequest(customer_id=customer_id),
            timeout_seconds=deadlines.READ,
        )
        return [_card(one) for one in answer.data]


def _card(one: oneclick_pb2.ChargeableInstrument) -> SavedCard:
    shown = one.instrument
    return SavedCard(
        instrument_id=shown.id,
        brand=shown.brand,
        last4=shown.last4,
        exp_month=shown.exp_month,
        exp_year=shown.exp_year,
        usable=shown.state == oneclick_pb2.Instrument.STATE_ACTIVE,
        charge=one.charge.SerializeToString(),
        sca_history=one.sca_history.SerializeToString(),
    )
