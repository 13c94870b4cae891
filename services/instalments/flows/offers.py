"""Terms applied to a price: compared for a cart, and held for an order as a quote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from google.protobuf.message import Message

from libs import context, display, idempotency, ids, threads
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import InternalError, required
from libs.idempotency import Key
from libs.money import Money
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.errors import NotOffered, TermsNotFound
from services.instalments.flows import terms as terms_flow
from services.instalments.rules import offers, quotes
from services.instalments.rules.merchants import Merchant
from services.instalments.rules.offers import Cart, Ineligible, Seller
from services.instalments.rules.quotes import Quote
from services.instalments.rules.settings import DEFAULT, SellerSize, Settings
from services.instalments.rules.terms import Terms
from services.instalments.store.quotes import QUOTES
from services.instalments.store.settings import SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A cart as described by a shop; None for what it left out."""

    country: str | None
    categories: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    delivered_on: date | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOffers(Wanted):
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateQuote(Wanted):
    terms_id: str
    amount: Money
    order_reference: str


async def list_offers(deps: Deps, cmd: ListOffers) -> events.Offers:
    """All active terms for a cart, unavailable ones included."""
    merchant = await deps.merchants.get()
    async with deps.db.snapshot() as conn:
        settings = await SETTINGS.get(conn, context.merchant_id(), DEFAULT)
        terms = await terms_flow.active(deps, conn)
    cart = _cart(cmd, Money(cmd.amount_minor, cmd.currency), deps.clock.now(), settings)
    return await threads.run(_compared, terms, cart, _seller(settings), _reader(cmd, merchant))


def _compared(terms: Sequence[Terms], cart: Cart, seller: Seller, reader: str) -> events.Offers:
    """Runs off the event loop: fifty terms with many payments take half a second."""
    return events.compared_pb(offers.compared(terms, cart, seller), reader)


async def create_quote(deps: Deps, cmd: CreateQuote, key: Key | None) -> bytes:
    """Returns the InstalmentQuote message, the same for the same key."""
    merchant = await deps.merchants.get()

    async def create(tx: Conn, quote_id: str) -> Message:
        quote = await _quoted(deps, tx, cmd, quote_id, merchant)
        await QUOTES.add(tx, quote)
        return events.quote_pb(quote)

    return (await idempotency.once(deps.db, key, ids.new("iqt"), create)).body


async def _quoted(
    deps: Deps, tx: Conn, cmd: CreateQuote, quote_id: str, merchant: Merchant
) -> Quote:
    """Raises TermsNotFound, NotOffered."""
    terms = required(await terms_flow.find(deps, tx, cmd.terms_id), TermsNotFound)
    settings = await SETTINGS.get(tx, context.merchant_id(), DEFAULT)
    now = deps.clock.now()
    cart = _cart(cmd, cmd.amount, now, settings)
    found = await threads.run(offers.offer_of, terms, cart, _seller(settings))
    if found.ineligible is not None:
        raise _not_offered(found.ineligible)
    priced = required(found.priced, InternalError)
    reader = _reader(cmd, merchant)
    shown = events.offer_pb(found, reader)
    return copy_as(
        Quote,
        cmd,
        merchant_id=context.merchant_id(),
        id=quote_id,
        locale=reader,
        priced=priced,
        offer=shown.SerializeToString(deterministic=True),
        expires_at=now + quotes.VALID_FOR,
        created_at=now,
    )


def _not_offered(why: Ineligible) -> NotOffered:
    facts = {"offer_reason": why.reason.value}
    if why.threshold is not None:
        facts["threshold_minor"] = str(why.threshold.amount_minor)
    if why.detail:
        facts["offer_detail"] = why.detail
    return NotOffered(facts=facts)


def _cart(cmd: Wanted, amount: Money, now: datetime, settings: Settings) -> Cart:
    today = now.astimezone(ZoneInfo(settings.time_zone)).date()
    return copy_as(Cart, cmd, amount=amount, signed_on=today)


def _seller(settings: Settings) -> Seller:
    return Seller(
        jurisdiction=settings.jurisdiction,
        large=settings.seller_size is SellerSize.LARGE,
        authorised=settings.lender_registration is not None,
    )


def _reader(cmd: Wanted, merchant: Merchant) -> str:
    """The language of the texts."""
    return display.language_of(cmd.locale or merchant.locale)
