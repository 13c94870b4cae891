"""The only file that calls oneclick: customers' contacts."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import grpc

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.oneclick.v1.oneclick_pb2_grpc import OneClickServiceStub
from libs import client, context, deadlines
from libs.batching import Batcher
from libs.errors import Refusal
from services.notify.messages.rules.domain import Channel, Contact

_SERVICE: Final = "notify"
_Of = tuple[str, str]  # merchant, customer


class Customers:
    """Concurrent look-ups share one call per merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = OneClickServiceStub(channel)
        self._batcher = Batcher(self._contacts)

    async def contact(self, customer_id: str) -> Contact | None:
        """None if the customer has no address, was erased or does not exist. Raises Refusal."""
        found = await self._batcher((context.merchant_id(), customer_id))
        if isinstance(found, Refusal):
            raise found
        return found

    async def _contacts(self, asked: Sequence[_Of]) -> Sequence[Contact | Refusal | None]:
        """A refusal only affects the customers of its merchant."""
        by_merchant = defaultdict[str, list[str]](list)
        for merchant_id, customer_id in asked:
            by_merchant[merchant_id].append(customer_id)
        answers = await asyncio.gather(*(self._of_merchant(*one) for one in by_merchant.items()))
        answer_of = dict(zip(by_merchant, answers, strict=True))
        return [
            found
            if isinstance(found := answer_of[merchant_id], Refusal)
            else found.get(customer_id)
            for merchant_id, customer_id in asked
        ]

    async def _of_merchant(
        self, merchant_id: str, customer_ids: Sequence[str]
    ) -> dict[str, Contact] | Refusal:
        context.act_for(_SERVICE, merchant_id)  # `gather` gave this call its own context
        try:
            answer: pb.GetContactsResponse = await client.call(
                self._stub.GetContacts,
                pb.GetContactsRequest(customer_ids=customer_ids),
                timeout_seconds=deadlines.READ,
            )
        except Refusal as refusal:
            return refusal
        return {one.customer_id: _contact(one) for one in answer.data}


def _contact(known: pb.Contact) -> Contact:
    """By phone if there is no e-mail address."""
    channel = Channel.EMAIL if known.email else Channel.SMS
    return Contact(channel, known.email or known.phone, known.name, known.locale)
