"""The gRPC door of merchants."""

from datetime import timedelta
from typing import Any, TypeAlias

import grpc

from incasso.merchants.v1 import merchants_pb2 as pb
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceServicer
from libs import pages, wire
from libs.errors import invalid
from libs.idempotency import key_of
from services.merchants.deps import Deps
from services.merchants.events import KINDS, api_key_pb, merchant_pb
from services.merchants.flows import api_keys, bank_accounts, clocks, merchants
from services.merchants.flows.api_keys import MadeKey
from services.merchants.rules import domain
from services.merchants.rules.bank_accounts import BankAccount
from services.merchants.rules.credential import Secret
from services.merchants.rules.domain import Branding, MerchantChange
from services.merchants.rules.pictures import picture_of

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class MerchantsServicer(MerchantsServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateMerchant(
        self, request: pb.CreateMerchantRequest, rpc: Rpc
    ) -> pb.CreateMerchantResponse:
        cmd = wire.read(merchants.CreateMerchant, request)
        key = key_of(request, "CreateMerchant")
        made = await merchants.create_merchant(self._deps, cmd, key)
        return pb.CreateMerchantResponse(
            merchant=merchant_pb(made.merchant), api_keys=[_made_pb(key) for key in made.keys]
        )

    async def ListMerchants(
        self, request: pb.ListMerchantsRequest, rpc: Rpc
    ) -> pb.ListMerchantsResponse:
        found = await merchants.list_merchants(self._deps, pages.asked(request, "mer"))
        return pb.ListMerchantsResponse(
            data=[merchant_pb(merchant) for merchant in found.rows], next_cursor=found.next_cursor
        )

    async def AuthenticateKey(
        self, request: pb.AuthenticateKeyRequest, rpc: Rpc
    ) -> pb.AuthenticateKeyResponse:
        caller = await api_keys.authenticate(self._deps, Secret(request.secret))
        key = caller.key
        return pb.AuthenticateKeyResponse(
            api_key_id=key.id,
            merchant_id=key.merchant_id,
            kind=KINDS[key.kind],
            scopes=key.scopes,
            clock_offset_seconds=_seconds(caller.clock_offset),
            plan=caller.plan,
            requests_per_second=caller.requests_per_second,
        )

    async def GetMerchant(self, request: pb.GetMerchantRequest, rpc: Rpc) -> pb.GetMerchantResponse:
        merchant = await merchants.get_merchant(self._deps)
        return pb.GetMerchantResponse(merchant=merchant_pb(merchant))

    async def UpdateMerchant(
        self, request: pb.UpdateMerchantRequest, rpc: Rpc
    ) -> pb.UpdateMerchantResponse:
        if request.HasField("bank_account"):  # it has a scope and an address of its own
            raise invalid("bank_account", "is changed by PUT /v1/merchant/bank-account")
        branding = _branding(request.branding) if request.HasField("branding") else None
        change = wire.read(MerchantChange, request, branding=branding)
        key = key_of(request, "UpdateMerchant")
        merchant = await merchants.update_merchant(self._deps, change, key)
        return pb.UpdateMerchantResponse(merchant=merchant_pb(merchant))

    async def ChangeBankAccount(
        self, request: pb.ChangeBankAccountRequest, rpc: Rpc
    ) -> pb.ChangeBankAccountResponse:
        account = BankAccount(request.holder, request.iban, request.bic or None)
        key = key_of(request, "ChangeBankAccount")
        merchant = await bank_accounts.change_bank_account(self._deps, account, key)
        return pb.ChangeBankAccountResponse(merchant=merchant_pb(merchant))

    async def CancelBankAccountChange(
        self, request: pb.CancelBankAccountChangeRequest, rpc: Rpc
    ) -> pb.CancelBankAccountChangeResponse:
        key = key_of(request, "CancelBankAccountChange")
        merchant = await bank_accounts.cancel_bank_account_change(self._deps, key)
        return pb.CancelBankAccountChangeResponse(merchant=merchant_pb(merchant))

    async def SetContactEmail(
        self, request: pb.SetContactEmailRequest, rpc: Rpc
    ) -> pb.SetContactEmailResponse:
        merchant = await merchants.set_contact_email(self._deps, request.contact_email or None)
        return pb.SetContactEmailResponse(merchant=merchant_pb(merchant))

    async def PutLogo(self, request: pb.PutLogoRequest, rpc: Rpc) -> pb.PutLogoResponse:
        logo = picture_of(request.picture)
        merchant = await merchants.put_logo(self._deps, logo)
        return pb.PutLogoResponse(merchant=merchant_pb(merchant))

    async def DeleteLogo(self, request: pb.DeleteLogoRequest, rpc: Rpc) -> pb.DeleteLogoResponse:
        merchant = await merchants.delete_logo(self._deps)
        return pb.DeleteLogoResponse(merchant=merchant_pb(merchant))

    async def GetLogo(self, request: pb.GetLogoRequest, rpc: Rpc) -> pb.GetLogoResponse:
        logo = await merchants.get_logo(self._deps, request.logo_id)
        return pb.GetLogoResponse(picture=logo.content, media_type=logo.media_type)

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, rpc: Rpc
    ) -> pb.CreateApiKeyResponse:
        cmd = wire.read(api_keys.CreateApiKey, request)
        made = await api_keys.create_api_key(self._deps, cmd, key_of(request, "CreateApiKey"))
        return pb.CreateApiKeyResponse(api_key=_made_pb(made))

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, rpc: Rpc) -> pb.ListApiKeysResponse:
        found = await api_keys.list_api_keys(self._deps, pages.asked(request, "key"))
        return pb.ListApiKeysResponse(
            data=[api_key_pb(key) for key in found.rows], next_cursor=found.next_cursor
        )

    async def RotateApiKey(
        self, request: pb.RotateApiKeyRequest, rpc: Rpc
    ) -> pb.RotateApiKeyResponse:
        said = request.HasField("overlap_seconds")
        overlap = timedelta(seconds=request.overlap_seconds) if said else domain.DEFAULT_OVERLAP
        key = key_of(request, "RotateApiKey")
        made = await api_keys.rotate_api_key(self._deps, request.api_key_id, overlap, key)
        return pb.RotateApiKeyResponse(api_key=_made_pb(made))

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, rpc: Rpc
    ) -> pb.RevokeApiKeyResponse:
        key = await api_keys.revoke_api_key(self._deps, request.api_key_id)
        return pb.RevokeApiKeyResponse(api_key=api_key_pb(key))

    async def GetTestClock(
        self, request: pb.GetTestClockRequest, rpc: Rpc
    ) -> pb.GetTestClockResponse:
        now, offset = await clocks.get_test_clock(self._deps)
        return pb.GetTestClockResponse(now=wire.timestamp(now), offset_seconds=_seconds(offset))

    async def AdvanceTestClock(
        self, request: pb.AdvanceTestClockRequest, rpc: Rpc
    ) -> pb.AdvanceTestClockResponse:
        by, key = timedelta(seconds=request.seconds), key_of(request, "AdvanceTestClock")
        now, offset = await clocks.advance_test_clock(self._deps, by, key)
        return pb.AdvanceTestClockResponse(now=wire.timestamp(now), offset_seconds=_seconds(offset))


def _made_pb(made: MadeKey) -> pb.ApiKey:
    return api_key_pb(made.key, secret=made.secret.text if made.secret else None)


def _branding(sent: pb.Branding) -> Branding:
    """An empty text takes a value away, as an absent field does. The stored logo stays."""
    return Branding(
        logo_url=sent.logo_url or None,
        primary_colour=sent.primary_colour or None,
        reply_to=sent.reply_to or None,
        website_url=sent.website_url or None,
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
