"""The only file that calls oneclick: where to reach a customer."""

from typing import Any

import grpc

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.oneclick.v1.oneclick_pb2_grpc import OneClickServiceStub
from libs import client, deadlines
from libs.errors import RemoteRefusal
from services.notify.messages.rules.domain import Contact


class Customers:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = OneClickServiceStub(channel)

    async def contact(self, customer_id: str) -> Contact | None:
        """None when the customer has no e-mail, was erased or is not there. Raises Refusal."""
        try:
            answer: pb.GetCustomerResponse = await client.call(
                self._stub.GetCustomer,
                pb.GetCustomerRequest(customer_id=customer_id),
                timeout_seconds=deadlines.READ,
            )
        except RemoteRefusal as refusal:
            if refusal.reason == "customer_not_found":
                return None
            raise
        customer = answer.customer
        if customer.state != pb.Customer.STATE_ACTIVE or not customer.email:
            return None
        return Contact(customer.email, customer.name, customer.locale)
