"""Everything that a pay page shows: read-only, assembled from the services that answer in time."""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar

from google.protobuf.message import Message

from libs.errors import Refusal
from libs.logs import log
from libs.payments.saved_cards import SavedCard
from libs.seal import SealBrokenError
from libs.tasks import happens
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkNotFound
from services.paylink.flows import follow
from services.paylink.flows.opening import open_link, shown_payment, use_of
from services.paylink.flows.pay_form import Offer, sealed
from services.paylink.flows.reissue import new_link_channel
from services.paylink.rules import guests, paying, transfers, transitions
from services.paylink.rules.domain import (
    BankAccount,
    CardField,
    Link,
    LinkPayment,
    Merchant,
    Method,
)
from services.paylink.rules.states import LinkState, PaymentState
from services.paylink.store import transfers as transfer_store
from services.paylink.store.payments import ATTEMPTS

T = TypeVar("T")
RETURN_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Transfer:
    account: BankAccount
    epc_payload: str


@dataclass(frozen=True, slots=True)
class PayPageView:
    link: Link  # current, even if the worker has not recorded its expiry
    merchant: Merchant
    saved_cards: Sequence[SavedCard]
    card_field: CardField | None
    plans: Sequence[Message]  # instalment offers
    plan_needs_email: bool
    plan_needs_name: bool
    new_cards_closed: bool  # too many declines; new cards may be missing for other reasons, too
    transfer: Transfer | None
    payment: LinkPayment | None
    plan_url: str | None  # of the plan to be signed
    use: str  # names the payment; empty unless the shopper sent it
    late_minor: int  # arrived after the link's end; the merchant has to decide
    new_link_recipient: str | None
    form_key: str
    offer: str  # the form's offer, sealed


@dataclass(frozen=True, slots=True)
class ReturnPage:
    """Where a shopper returns to: the page of a token, and their own attempt there."""

    token: str
    use: str


async def get_pay_page(deps: Deps, token: str, use: str) -> PayPageView:
    """Raises PaymentLinkNotFound; ServiceUnavailable if the page's merchant cannot be read."""
    link = await open_link(deps, token)
    now = deps.clock.now()
    payment, own = await shown_payment(deps, link, use)
    over = transitions.is_over(link, now)
    shown = replace(link, state=LinkState.EXPIRED, next_reminder_at=None) if over else link
    merchant, saved, (field, closed), offers, url = await asyncio.gather(
        deps.merchants.get(),
        _saved_cards(deps, shown),
        _field(deps, shown),
        _instalments(deps, shown),
        plan_url(deps, payment),
    )
    late_minor = await _late_minor(deps, shown)
    asks_again = over and (shown.reusable or late_minor < shown.due_minor)
    form_key = secrets.token_urlsafe(16)
    needs = guests.needs(shown)
    offer = Offer(shown.id, form_key, shown.due_minor, field.psp_account if field else "")
    return PayPageView(
        link=shown,
        merchant=merchant,
        saved_cards=saved if Method.CARD in shown.methods else (),
        card_field=field,
        plans=offers,
        plan_needs_email=bool(offers) and needs.email,
        plan_needs_name=bool(offers) and needs.name,
        new_cards_closed=closed,
        transfer=_transfer(shown, merchant),
        payment=payment,
        plan_url=url,
        use=use if own else "",
        late_minor=late_minor,
        new_link_recipient=_new_link_recipient(shown) if asks_again else None,
        form_key=form_key,
        offer=sealed(deps, offer),
    )


def _can_be_paid(link: Link) -> bool:
    return link.open or link.state is LinkState.PAYING


async def _saved_cards(deps: Deps, link: Link) -> Sequence[SavedCard]:
    if not link.customer_id or not _can_be_paid(link):
        return ()
    saved = await _or_none(deps.saved_cards.of_customer(link.customer_id))
    return [card for card in saved or () if card.usable]


async def _field(deps: Deps, link: Link) -> tuple[CardField | None, bool]:
    """The field for a new card, and whether new cards are refused."""
    if Method.CARD not in link.methods or not _can_be_paid(link):
        return None, False
    asked = deps.payments.card_field(link.due, velocity_subject=paying.counted_as(link))
    try:
        return await asked, False
    except Refusal as refusal:
        log.info("page shown without a card field", reason=refusal.reason)
        return None, refusal.reason == paying.TOO_MANY_DECLINES


async def _instalments(deps: Deps, link: Link) -> Sequence[Message]:
    """The available offers."""
    if not link.open or not paying.takes_plan(link):
        return ()
    return await _or_none(deps.instalments.offers(link)) or ()


async def plan_url(deps: Deps, payment: LinkPayment | None) -> str | None:
    """The page where the plan is signed; only while its first part is unpaid."""
    if payment is None or payment.plan_id is None:
        return None
    if payment.state is not PaymentState.PROCESSING:
        return None
    return await _or_none(deps.instalments.address(payment.plan_id))


async def _or_none(asked: Awaitable[T]) -> T | None:
    """None if the service does not answer: the page still offers the other payment methods."""
    try:
        return await asked
    except Refusal as refusal:
        log.info("page shown without optional data", reason=refusal.reason)
        return None


def _transfer(link: Link, merchant: Merchant) -> Transfer | None:
    account = merchant.bank_account
    if account is None or Method.BANK_TRANSFER not in link.methods or not _can_be_paid(link):
        return None
    payload = transfers.epc_payload(account, link.due, link.creditor_reference)
    return Transfer(account, payload)


async def _late_minor(deps: Deps, link: Link) -> int:
    """Zero for a reusable link: it would not be clear whose money it is."""
    if link.reusable or link.state not in (LinkState.EXPIRED, LinkState.CANCELLED):
        return 0
    async with deps.db.connection() as conn:
        return sum(one.open_minor for one in await transfer_store.late(conn, link))


def _new_link_recipient(link: Link) -> str | None:
    channel = new_link_channel(link)
    return link.recipient.masked(channel) if channel is not None else None


async def wait_for_pay_page(
    deps: Deps, token: str, *, version: int, timeout_seconds: float
) -> Link:
    """The link as soon as its page differs from `version`, or after the time-out."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    link = await open_link(deps, token)
    with deps.link_listener.watch(link.id) as changed:
        while link.version == version:
            link = await open_link(deps, token)  # again: it may have changed before the watch
            left = deadline - loop.time()
            if link.version != version or left <= 0:
                break
            if not await happens(changed, left):
                break
            changed.clear()
    over = transitions.is_over(link, deps.clock.now())
    return replace(link, state=LinkState.EXPIRED) if over else link


async def get_return_page(deps: Deps, reference: str) -> ReturnPage:
    """First asks for the attempt's state, so that the page shows the outcome."""
    try:
        sealed = deps.seal.open(reference, max_age=RETURN_WITHIN)
    except SealBrokenError as error:
        raise PaymentLinkNotFound from error
    payment_id, _, token = sealed.partition(" ")
    link = await open_link(deps, token)
    payment = await deps.db.run(ATTEMPTS.get, link.merchant_id, payment_id)
    if payment is None or payment.link_id != link.id:
        raise PaymentLinkNotFound
    await _or_none(follow.refresh(deps, payment))
    return ReturnPage(token, use_of(deps, payment))
