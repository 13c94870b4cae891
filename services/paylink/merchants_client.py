"""The only file that calls merchants: who asks for the money, and how they appear.

Kept for half a minute, and longer while merchants does not answer: a page must not wait for it.
"""

import time
from typing import Final

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, context
from libs.errors import Refusal
from services.paylink.domain import BankAccount, Merchant

FRESH_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 3.0
MOST_KEPT: Final = 10_000


class Merchants:
    """The merchant of the current call."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)
        self._kept: dict[str, tuple[float, Merchant]] = {}

    async def get(self) -> Merchant:
        """Raises a Refusal only for a merchant that has never answered."""
        merchant_id = context.merchant_id()
        kept = self._kept.get(merchant_id)
        if kept is not None and time.monotonic() - kept[0] < FRESH_SECONDS:
            return kept[1]
        try:
            answer = await client.call(
                self._stub.GetMerchant,
                merchants_pb2.GetMerchantRequest(),
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except Refusal:
            if kept is None:
                raise
            return kept[1]
        merchant = _merchant(answer.merchant)
        if len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[merchant_id] = (time.monotonic(), merchant)
        return merchant


def _merchant(merchant: merchants_pb2.Merchant) -> Merchant:
    account, branding = merchant.bank_account, merchant.branding
    return Merchant(
        id=merchant.id,
        name=merchant.name,
        default_currency=merchant.default_currency,
        locale=merchant.locale,
        test=merchant.test,
        logo_id=branding.logo_id or None,
        primary_colour=branding.primary_colour or None,
        website_url=branding.website_url or None,
        reply_to=branding.reply_to or None,
        bank_account=BankAccount(account.holder, account.iban, account.bic)
        if merchant.HasField("bank_account")
        else None,
        quotas=dict(merchant.quotas),
    )
