"""The only file that calls merchants: how a merchant appears to shoppers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from incasso.merchants.v1 import merchants_pb2 as pb
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceStub
from libs import client, context
from libs.errors import ServiceUnavailable

TIMEOUT_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 60.0
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Merchant:
    """Empty texts where the merchant said nothing."""

    name: str
    locale: str
    primary_colour: str = ""
    reply_to: str = ""
    website_url: str = ""
    logo_id: str = ""
    plan: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)  # of the plan; no entry: no limit


class Merchants:
    """Answers are kept for a minute, and used longer when merchants does not answer."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = MerchantsServiceStub(channel)
        self._known: dict[str, tuple[float, Merchant]] = {}

    def forget(self, merchant_id: str) -> None:
        """Ask again: the merchant has changed."""
        self._known.pop(merchant_id, None)

    async def current(self) -> Merchant:
        """The merchant of the current call. Raises Refusal."""
        merchant_id = context.merchant_id()
        known = self._known.get(merchant_id)
        if known and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            answer: pb.GetMerchantResponse = await client.call(
                self._stub.GetMerchant, pb.GetMerchantRequest(), timeout_seconds=TIMEOUT_SECONDS
            )
        except ServiceUnavailable:
            if known is None:
                raise
            return known[1]
        found = _merchant(answer.merchant)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[merchant_id] = (time.monotonic(), found)
        return found


def _merchant(merchant: pb.Merchant) -> Merchant:
    branding = merchant.branding
    return Merchant(
        name=merchant.name,
        locale=merchant.locale,
        primary_colour=branding.primary_colour,
        reply_to=branding.reply_to,
        website_url=branding.website_url,
        logo_id=branding.logo_id,
        plan=merchant.plan,
        quotas=dict(merchant.quotas),
    )
