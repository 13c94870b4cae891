"""The only file that calls merchants: who asks for the money, and how they appear."""

import time
from dataclasses import dataclass
from typing import Final

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, context
from libs.errors import Refusal
from services.paylink.domain import BankAccount, Merchant

FRESH_SECONDS: Final = 30.0
OUTAGE_SECONDS: Final = 5.0  # until merchants is asked again after it did not answer
TIMEOUT_SECONDS: Final = 3.0
MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    merchant: Merchant
    fresh_until: float  # by time.monotonic


class Merchants:
    """The merchant of the current call."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)
        self._kept: dict[str, _Kept] = {}

    async def get(self) -> Merchant:
        """For pages: may be half a minute old, and is as old as it must be during an outage.

        Raises a Refusal only for a merchant that has never answered.
        """
        merchant_id = context.merchant_id()
        kept = self._kept.get(merchant_id)
        if kept is not None and time.monotonic() < kept.fresh_until:
            return kept.merchant
        try:
            return await self.get_current()
        except Refusal:
            if kept is None:
                raise
            self._keep(kept.merchant, OUTAGE_SECONDS)  # nobody waits for the next time-out
            return kept.merchant

    async def get_current(self) -> Merchant:
        """As it is now, for what is made from it: a new link's ways of paying, language, quota."""
        answer = await client.call(
            self._stub.GetMerchant,
            merchants_pb2.GetMerchantRequest(),
            timeout_seconds=TIMEOUT_SECONDS,
        )
        merchant = _merchant(answer.merchant)
        self._keep(merchant, FRESH_SECONDS)
        return merchant

    def _keep(self, merchant: Merchant, seconds: float) -> None:
        if len(self._kept) >= MOST_KEPT and merchant.id not in self._kept:
            self._kept.pop(next(iter(self._kept)))
        self._kept[merchant.id] = _Kept(merchant, time.monotonic() + seconds)


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
        plan=merchant.plan,
        quotas=dict(merchant.quotas),
    )
