"""Calls to paylink on behalf of a shopper: the token is the proof, so they carry no merchant."""

from typing import Any, Final

from google.protobuf.message import Message

from libs import client, deadlines
from libs.upstreams import Upstreams

NAMES: Final = (
    "GetPayPage",
    "WaitForPayPage",
    "MarkSeen",
    "AcceptQuote",
    "PayByCard",
    "ChoosePlan",
    "AnnounceBankTransfer",
    "WithdrawBankTransfer",
    "GiveUpPayment",
    "RateSatisfaction",
    "StopReminders",
    "RequestNewLink",
    "GetReturnPage",
    "GetShopPage",
    "BuyProduct",
)


class Paylink:
    """paylink's PayPagesService."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._methods = {name: upstreams.method("paylink", name) for name in NAMES}

    async def ask(self, message: Message, *, key: str = "") -> Any:
        """The answer to a request message. Raises Refusal."""
        name = message.DESCRIPTOR.name.removesuffix("Request")
        seconds = deadlines.PAGE if client.is_safe(name) else deadlines.CALL
        return await client.call(
            self._methods[name], message, timeout_seconds=seconds, idempotency_key=key
        )
