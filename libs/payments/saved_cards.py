"""A customer's saved cards, as method services charge them: read from oneclick.

A card's `charge` contains its PSP tokens: it goes into the request to payments, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import grpc

from incasso.oneclick.v1 import oneclick_pb2, oneclick_pb2_grpc
from libs import client, deadlines


@dataclass(frozen=True, slots=True)
class SavedCard:
    """`charge` and `sca_history` are messages of payments."""

    instrument_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    usable: bool
    charge: bytes = field(repr=False)
    sca_history: bytes


@dataclass(frozen=True, slots=True)
class Customer:
    """`name` and `email` are empty if the shop did not provide them."""

    id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    erased: bool


class SavedCards:
    """Calls oneclick on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub: Final = oneclick_pb2_grpc.OneClickServiceStub(channel)

    async def customer(self, customer_id: str) -> Customer:
        """Raises RemoteRefusal customer_not_found, OutcomeUnknown."""
        answer = await client.call(
            self.stub.GetCustomer,
            oneclick_pb2.GetCustomerRequest(customer_id=customer_id),
            timeout_seconds=deadlines.READ,
        )
        found = answer.customer
        erased = found.state == oneclick_pb2.Customer.STATE_ERASED
        return Customer(customer_id, found.name, found.email, erased=erased)

    async def of_customer(self, customer_id: str) -> Sequence[SavedCard]:
        """The default card first. Raises RemoteRefusal, OutcomeUnknown."""
        answer = await client.call(
            self.stub.ListChargeableInstruments,
            oneclick_pb2.ListChargeableInstrumentsRequest(customer_id=customer_id),
            timeout_seconds=deadlines.READ,
        )
        return [card_of(one) for one in answer.data]


def card_of(one: oneclick_pb2.ChargeableInstrument) -> SavedCard:
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
