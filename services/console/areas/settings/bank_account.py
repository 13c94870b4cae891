"""The account that transfers are paid to: a change needs a proof of identity, takes effect after
two days, and can be cancelled until then.
"""

from typing import Final

from incasso.merchants.v1 import members_pb2, merchants_pb2
from libs.errors import invalid
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "settings_bank_account"
PATH: Final = "/settings/bank-account"
MEMBER_ID: Final = "mem_"
GROUP: Final = 4  # characters of an IBAN, as banks print it


async def shown(visit: Visit) -> Html:
    """The account in force, and the pending one."""
    merchant = _merchant(visit)
    return Html(
        "bank_account.html",
        {
            "account": merchant.bank_account if merchant.HasField("bank_account") else None,
            "pending": merchant.pending_bank_account
            if merchant.HasField("pending_bank_account")
            else None,
            "warned": merchant.contact_email or merchant.branding.reply_to,
            "asked_by": await _asked_by(visit),
            "grouped": _grouped,
            "manages": visit.who.holds("bank_account:write"),
        },
    )


async def change(visit: Visit) -> See:
    """Changes the account. The first one takes effect at once, any other one later."""
    if visit.typed("sure") != "yes":
        raise invalid("sure", visit.word("sure_missing"))
    request = merchants_pb2.ChangeBankAccountRequest(
        holder=visit.typed("holder"),
        iban=visit.typed("iban"),
        bic=visit.typed("bic") or None,
    )
    answer = await visit.change(request, subject=_merchant(visit).id, before=_before(visit))
    waits = answer.merchant.HasField("pending_bank_account")
    return See(PATH, notice="requested" if waits else "in_force")


async def cancel(visit: Visit) -> See:
    """Cancels the pending change; the account in force stays."""
    pending = _merchant(visit).pending_bank_account
    request = merchants_pb2.CancelBankAccountChangeRequest()
    await visit.change(request, subject=_merchant(visit).id, before=pending)
    return See(PATH, notice="cancelled")


async def _asked_by(visit: Visit) -> str:
    """Who requested the pending change: a member by name, a key or an operator by its id."""
    by = _merchant(visit).pending_bank_account.requested_by
    if not by.startswith(MEMBER_ID) or not visit.may(members_pb2.GetMemberRequest):
        return by
    member = (await visit.ask(members_pb2.GetMemberRequest(member_id=by))).member
    return str(member.name or member.email)


def _before(visit: Visit) -> merchants_pb2.BankAccount | None:
    merchant = _merchant(visit)
    return merchant.bank_account if merchant.HasField("bank_account") else None


def _merchant(visit: Visit) -> merchants_pb2.Merchant:
    assert visit.merchant is not None  # set for every page about a merchant
    return visit.merchant


def _grouped(iban: str) -> str:
    return " ".join(iban[at : at + GROUP] for at in range(0, len(iban), GROUP))


READS: Final = "merchants.GetMerchant"
PARTS: Final = ("merchants.GetMember",)
PAGES: Final[tuple[Page, ...]] = (
    get(PATH, shown, AREA, READS, parts=PARTS),
    post(PATH, change, AREA, READS, "merchants.ChangeBankAccount", parts=PARTS, again=shown),
    post(
        f"{PATH}/cancel",
        cancel,
        AREA,
        READS,
        "merchants.CancelBankAccountChange",
        parts=PARTS,
        again=shown,
    ),
)
