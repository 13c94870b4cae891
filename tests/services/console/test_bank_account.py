"""The bank account in the console: changed after a proof of identity, with a delay in which it can be cancelled; audited."""

from datetime import timedelta

import pytest

from incasso.merchants.v1 import merchants_pb2
from libs.roles import SCOPES, Role
from tests.services.console.conftest import Console
from tests.services.console.samples import MEMBER_ID, MERCHANT_ID, authenticated, stamp

ACCOUNT = "/settings/bank-account"
IBAN = "IT60X0542811101000000123456"
OTHER = "DE89370400440532013000"
TYPED = {"holder": "Bottega Verdi S.r.l.", "iban": OTHER, "bic": "", "sure": "yes"}


def with_merchant(console: Console, *, pending: bool = False, contact: str = "") -> None:
    merchant = merchants_pb2.Merchant(
        id=MERCHANT_ID,
        name="Bottega Verdi",
        default_currency="EUR",
        time_zone="Europe/Rome",
        bank_account=merchants_pb2.BankAccount(holder="Bottega Verdi", iban=IBAN),
        contact_email=contact or None,
    )
    if pending:
        account = merchants_pb2.BankAccount(holder="Bottega Nova", iban=OTHER)
        merchant.pending_bank_account.CopyFrom(
            merchants_pb2.BankAccountChange(
                id="bac_1",
                bank_account=account,
                requested_by=MEMBER_ID,
                requested_at=stamp(),
                effective_at=stamp(),
            )
        )
    console.services.answers["GetMerchant"] = merchants_pb2.GetMerchantResponse(merchant=merchant)


async def test_only_owners_change_the_account(console: Console):
    console.act_as(Role.OPERATOR)
    with_merchant(console)
    assert f'action="{ACCOUNT}"' not in await console.page(ACCOUNT)
    for path in (ACCOUNT, f"{ACCOUNT}/cancel"):
        assert (await console.post(path, TYPED))[0] == 403


async def test_the_current_and_pending_accounts_and_the_requester_are_shown(console: Console):
    with_merchant(console, pending=True, contact="capo@bottega.example")
    page = await console.page(ACCOUNT)
    assert "IT60 X054 2811 1010 0000 0123 456" in page
    assert "DE89 3704 0044 0532 0130 00" in page
    assert "Anna Bianchi" in page
    assert "capo@bottega.example" in page


async def test_a_missing_address_for_warnings_is_pointed_out(console: Console):
    with_merchant(console)
    assert "No address for warnings is known" in await console.page(ACCOUNT)


@pytest.mark.parametrize("waits", [True, False])
async def test_an_account_is_changed_and_the_log_has_both_ibans_masked(
    console: Console, *, waits: bool
):
    with_merchant(console)
    changed = merchants_pb2.Merchant(id=MERCHANT_ID)
    if waits:
        changed.pending_bank_account.id = "bac_1"
    answer = merchants_pb2.ChangeBankAccountResponse(merchant=changed)
    console.services.answers["ChangeBankAccount"] = answer
    status, place, _ = await console.post(ACCOUNT, TYPED)
    assert (status, place) == (303, f"{ACCOUNT}?notice={'requested' if waits else 'in_force'}")
    asked = console.services.last("ChangeBankAccount").request
    assert (asked.holder, asked.iban, asked.HasField("bic")) == (TYPED["holder"], OTHER, False)
    intent = console.services.last("RecordIntent").request
    assert (intent.action, intent.subject_id) == ("merchants.ChangeBankAccount", MERCHANT_ID)
    assert '"iban":"IT60…3456"' in intent.before
    assert '"iban":"DE89…3000"' in intent.after
    assert IBAN not in intent.before
    assert OTHER not in intent.after


async def test_nothing_is_changed_without_the_ticked_box(console: Console):
    with_merchant(console)
    status, _, page = await console.post(ACCOUNT, {**TYPED, "sure": ""})
    assert status == 400
    assert "Compare it first" in page
    assert f'value="{OTHER}"' in page
    assert console.services.calls("ChangeBankAccount") == 0


async def test_typed_values_survive_the_proof_of_identity(console: Console):
    with_merchant(console)
    old = authenticated(SCOPES[Role.OWNER], proved=timedelta(minutes=11))
    console.services.answers["AuthenticateSession"] = old
    sent = {"proof": await console.proof(), **TYPED, "here": ACCOUNT}
    async with console.request("POST", ACCOUNT, data=sent) as response:
        assert response.headers["Location"].startswith("/prove?next=")
        console.cookies["incasso-kept"] = response.cookies["incasso-kept"].value
    assert console.services.calls("ChangeBankAccount") == 0
    assert f'value="{OTHER}"' in await console.page(ACCOUNT)


async def test_a_pending_change_is_cancelled(console: Console):
    with_merchant(console, pending=True)
    status, place, _ = await console.post(f"{ACCOUNT}/cancel", {})
    assert (status, place) == (303, f"{ACCOUNT}?notice=cancelled")
    assert console.services.calls("CancelBankAccountChange") == 1
    assert "DE89…3000" in console.services.last("RecordIntent").request.before
