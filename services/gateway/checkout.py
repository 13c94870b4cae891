"""GET /v1/checkout-options: asks every method service for its offer at once.

A method service that is slow or down only affects its own row.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import Message

from incasso.common.v1 import money_pb2, offer_pb2
from incasso.gateway.v1 import checkout_pb2
from libs import client, deadlines, services, validation
from libs.errors import Refusal
from libs.logs import log
from libs.upstreams import message_class, rpc_of

# Payment method → the service with its GetOffer, in the order in which shops show them.
METHOD_SERVICES: Final = {
    service.offers: service.name for service in services.SERVICES if service.offers
}
UNAVAILABLE: Final = "method_unavailable"


class Checkout:
    """`methods`: payment method → the GetOffer of its service."""

    def __init__(self, methods: Mapping[str, Any]) -> None:
        self._methods = methods

    async def options(self, request: Message, _: str) -> Message:
        """Returns GetCheckoutOptions. Raises InvalidArgument."""
        assert isinstance(request, checkout_pb2.GetCheckoutOptionsRequest)
        validation.check(request)
        amount = money_pb2.Money(amount_minor=request.amount_minor, currency=request.currency)
        cart = offer_pb2.Cart(
            amount=amount,
            country=request.country,
            customer_id=request.customer_id,
            categories=request.categories,
            postcode=request.postcode,
            failed_methods=request.failed_methods,
        )
        rows = await asyncio.gather(
            *(self._offer(method, ask, cart) for method, ask in self._methods.items())
        )
        return checkout_pb2.GetCheckoutOptionsResponse(data=rows, amount=amount)

    async def _offer(self, method: str, ask: Any, cart: offer_pb2.Cart) -> offer_pb2.Offer:
        kind = message_class(rpc_of(METHOD_SERVICES[method], "GetOffer").input_type)
        request: Any = kind()  # each service has its own request type, all with a cart
        request.cart.CopyFrom(cart)
        try:
            async with asyncio.timeout(deadlines.OFFER):
                answer = await client.call(ask, request, timeout_seconds=deadlines.OFFER)
        except (Refusal, TimeoutError) as error:
            reason = error.reason if isinstance(error, Refusal) else "timeout"
            log.warning("no offer", method=method, reason=reason)
            return offer_pb2.Offer(method=method, available=False, reason=UNAVAILABLE)
        offer: offer_pb2.Offer = answer.offer
        return offer
