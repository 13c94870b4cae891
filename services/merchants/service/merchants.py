"""The gRPC servicer of merchants."""

from datetime import timedelta
from typing import Final

from incasso.merchants.v1 import merchants_pb2 as pb
from libs import pages, servicer, wire
from libs.errors import invalid
from libs.idempotency import Key
from libs.pages import Listed
from services.merchants.deps import Deps
from services.merchants.events import api_key_pb, merchant_pb
from services.merchants.flows import api_keys, bank_accounts, clocks, merchants
from services.merchants.flows.api_keys import MadeKey
from services.merchants.flows.merchants import MadeMerchant
from services.merchants.rules import domain
from services.merchants.rules.bank_accounts import BankAccount
from services.merchants.rules.credential import Secret
from services.merchants.rules.domain import ApiKey, Branding, Merchant, MerchantChange
from services.merchants.rules.logos import logo_of


async def _list_merchants(deps: Deps, request: pb.ListMerchantsRequest) -> Listed[Merchant]:
    return await merchants.list_merchants(deps, pages.asked(request, "mer"))


async def _authenticate(
    deps: Deps, request: pb.AuthenticateKeyRequest
) -> pb.AuthenticateKeyResponse:
    caller = await api_keys.authenticate(deps, Secret(request.secret))
    return wire.message(
        pb.AuthenticateKeyResponse,
        caller.key,
        api_key_id=caller.key.id,
        clock_offset_seconds=int(caller.clock_offset.total_seconds()),
        plan=caller.plan,
        requests_per_second=caller.requests_per_second,
    )


async def _update_merchant(
    deps: Deps, request: pb.UpdateMerchantRequest, key: Key | None
) -> Merchant:
    if request.HasField("bank_account"):  # it has its own scope and route
        raise invalid("bank_account", "can only be changed with PUT /v1/merchant/bank-account")
    branding = _branding(request.branding) if request.HasField("branding") else None
    change = wire.read(MerchantChange, request, branding=branding)
    return await merchants.update_merchant(deps, change, key)


def _branding(sent: pb.Branding) -> Branding:
    """An empty text removes a value, like an absent field. The stored logo stays."""
    return Branding(
        logo_url=sent.logo_url or None,
        primary_colour=sent.primary_colour or None,
        reply_to=sent.reply_to or None,
        website_url=sent.website_url or None,
    )


async def _change_bank_account(
    deps: Deps, request: pb.ChangeBankAccountRequest, key: Key | None
) -> Merchant:
    account = BankAccount(request.holder, request.iban, request.bic or None)
    return await bank_accounts.change_bank_account(deps, account, key)


async def _set_contact_email(deps: Deps, request: pb.SetContactEmailRequest) -> Merchant:
    return await merchants.set_contact_email(deps, request.contact_email or None)


async def _put_logo(deps: Deps, picture: str) -> Merchant:
    return await merchants.put_logo(deps, logo_of(picture))


async def _get_logo(deps: Deps, logo_id: str) -> pb.GetLogoResponse:
    logo = await merchants.get_logo(deps, logo_id)
    return pb.GetLogoResponse(picture=logo.content, media_type=logo.media_type)


async def _list_api_keys(deps: Deps, request: pb.ListApiKeysRequest) -> Listed[ApiKey]:
    return await api_keys.list_api_keys(deps, pages.asked(request, "key"))


async def _rotate_api_key(deps: Deps, request: pb.RotateApiKeyRequest, key: Key | None) -> MadeKey:
    stated = request.HasField("overlap_seconds")
    overlap = timedelta(seconds=request.overlap_seconds) if stated else domain.DEFAULT_OVERLAP
    return await api_keys.rotate_api_key(deps, request.api_key_id, overlap, key)


def _made_pb(made: MadeKey) -> pb.ApiKey:
    return api_key_pb(made.key, secret=made.secret.text if made.secret else None)


async def _create_merchant(
    deps: Deps, cmd: merchants.CreateMerchant, key: Key | None
) -> pb.CreateMerchantResponse:
    made: MadeMerchant = await merchants.create_merchant(deps, cmd, key)
    return pb.CreateMerchantResponse(
        merchant=merchant_pb(made.merchant), api_keys=map(_made_pb, made.keys)
    )


MerchantAccounts: Final = servicer.of(
    "incasso.merchants.v1.MerchantsService",
    shows={Merchant: merchant_pb, ApiKey: api_key_pb, MadeKey: _made_pb},
    CreateMerchant=_create_merchant,
    ListMerchants=_list_merchants,
    AuthenticateKey=_authenticate,
    GetMerchant=merchants.get_merchant,
    UpdateMerchant=_update_merchant,
    ChangeBankAccount=_change_bank_account,
    CancelBankAccountChange=bank_accounts.cancel_bank_account_change,
    SetContactEmail=_set_contact_email,
    PutLogo=_put_logo,
    DeleteLogo=merchants.delete_logo,
    GetLogo=_get_logo,
    CreateApiKey=api_keys.create_api_key,
    ListApiKeys=_list_api_keys,
    RotateApiKey=_rotate_api_key,
    RevokeApiKey=api_keys.revoke_api_key,
    GetTestClock=clocks.get_test_clock,
    AdvanceTestClock=clocks.advance_test_clock,
)
