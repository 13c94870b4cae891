"""Creates a link: checked, counted, stored with its address, published and sent, in one
transaction.
"""

from dataclasses import dataclass
from datetime import date

from google.protobuf.message import Message

from libs import context, creditor_references, idempotency, ids, telemetry, tokens
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.idempotency import Key
from libs.money import Money
from services.paylink import events, metrics
from services.paylink.deps import Deps
from services.paylink.errors import CustomerErased, QuotaExceeded
from services.paylink.rules import drafting, transitions
from services.paylink.rules.domain import Link, Method, NewLink, Origin
from services.paylink.store import links
from services.paylink.store import tokens as token_store

QUOTA = "links_per_month"


async def create_payment_link(
    deps: Deps, new: NewLink, key: Key | None, *, count_quota: bool = True
) -> bytes:
    """Returns the link's message without the address, the same for the same key."""
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return again.body
    if new.customer_id is not None and (await deps.saved_cards.customer(new.customer_id)).erased:
        raise CustomerErased

    async def create(tx: Conn, link_id: str) -> Message:
        link, _ = await insert_link(deps, tx, new, count_quota=count_quota, link_id=link_id)
        return events.link_pb(link)

    return (await idempotency.once(deps.db, key, ids.new("lnk"), create)).body


@dataclass(frozen=True, slots=True)
class NewInstalmentLink:
    """For a missed part of a plan."""

    plan_id: str
    instalment_number: int
    amount: Money
    description: str
    order_reference: str
    customer_id: str
    locale: str
    warning: str | None
    representative_example: str | None


async def create_instalment_link(deps: Deps, cmd: NewInstalmentLink, key: Key) -> bytes:
    """Returns as create_payment_link does. By card only: payments takes each part of an order once,
    and knows nothing of bank transfers.
    """
    new = copy_as(
        NewLink,
        cmd,
        merchant=await deps.merchants.get_current(),
        expires_in_days=drafting.INSTALMENT_DAYS,
        methods=(Method.CARD,),
        reminder_days=(),
        origin=Origin.INSTALMENT,
    )
    return await create_payment_link(deps, new, key, count_quota=False)


@dataclass(frozen=True, slots=True)
class NewCodLink:
    """For a cash-on-delivery order."""

    cod_order_id: str
    cod_link_number: int
    amount: Money
    order_part: str
    description: str
    order_reference: str
    locale: str


async def create_cod_link(deps: Deps, cmd: NewCodLink, key: Key) -> bytes:
    """Returns as create_payment_link does. By card only: the payment may have to be refunded."""
    new = copy_as(
        NewLink,
        cmd,
        merchant=await deps.merchants.get_current(),
        expires_in_days=drafting.COD_DAYS,
        methods=(Method.CARD,),
        reminder_days=(),
        origin=Origin.COD,
    )
    return await create_payment_link(deps, new, key, count_quota=False)


async def insert_link(
    deps: Deps, tx: Conn, new: NewLink, *, count_quota: bool, link_id: str = ""
) -> tuple[Link, str]:
    """Inserts a link in the caller's transaction, with its address, events and first message.

    Returns the link and the plain token of its address (see urls.page_url). Callers that need the
    id beforehand pass `link_id`. Raises InvalidArgument, BankAccountMissing, QuotaExceeded.
    """
    now = deps.clock.now()
    link = drafting.draft(
        new,
        link_id=link_id or ids.new("lnk"),
        creditor_reference=creditor_references.creditor_reference(creditor_references.new_body()),
        now=now,
        trace_id=telemetry.trace_id(),
    )
    if count_quota:
        await _count(deps, tx, new)
    handed = transitions.sent(link, now) if link.channels else link
    await links.insert(tx, handed)
    token = await give_address(deps, tx, handed)
    metrics.LINKS.labels(link.origin.value).inc()
    await events.link_created(tx, link, now, sent=handed, reason=new.reason)
    return handed, token


async def give_address(deps: Deps, tx: Conn, link: Link) -> str:
    """A new token, for a link without one, or whose address was revoked."""
    token = tokens.new()
    hashed, sealed = tokens.hash_of(token), deps.seal.close(token)
    await token_store.insert(tx, link, token_hash=hashed, sealed=sealed)
    return token


async def _count(deps: Deps, tx: Conn, new: NewLink) -> None:
    most = new.merchant.quotas.get(QUOTA)
    month = _month(deps)
    if most is not None and not await links.count(tx, context.merchant_id(), month, most=most):
        raise QuotaExceeded(
            f'The plan "{new.merchant.plan}" allows {most} links a month ({QUOTA}); '
            "they are used up."
        )


@dataclass(frozen=True, slots=True)
class LinkUsage:
    """The use of the plan's links in a month such as "2026-11"."""

    month: str
    used: int


async def get_link_usage(deps: Deps) -> LinkUsage:
    month = _month(deps)
    used = await deps.db.run(links.used, context.merchant_id(), month)
    return LinkUsage(f"{month:%Y-%m}", used)


def _month(deps: Deps) -> date:
    """The calendar month by the merchant's clock, as its first day."""
    return deps.clock.now().date().replace(day=1)
