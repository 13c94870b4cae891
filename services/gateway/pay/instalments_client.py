"""Calls to instalments on behalf of a shopper: the token is the proof, so they carry no
merchant.
"""

from typing import Any, Final

from google.protobuf.message import Message

from libs import client, deadlines
from libs.upstreams import Upstreams

NAMES: Final = (
    "GetPlanPage",
    "GetPlanPageDocument",
    "GetPlanReturn",
    "PayPlanPage",
    "PayPlanPageByPartner",
    "ReplacePlanPageCard",
    "SavePlanPageCard",
    "SignPlanPage",
    "WithdrawPlanPage",
)


class Instalments:
    """instalments' InstalmentPagesService."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._methods = {name: upstreams.method("instalments", name) for name in NAMES}

    async def ask(self, message: Message, *, key: str = "") -> Any:
        """The answer to a request message. Raises Refusal."""
        name = message.DESCRIPTOR.name.removesuffix("Request")
        return await client.call(
            self._methods[name], message, timeout_seconds=deadlines.CALL, idempotency_key=key
        )
