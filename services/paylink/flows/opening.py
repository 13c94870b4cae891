"""From a token, the shopper's only proof, to its link and the merchant of the call."""

from libs import context, tokens
from libs.errors import required
from libs.seal import SealBrokenError
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkNotFound
from services.paylink.rules.domain import Link, LinkPayment
from services.paylink.store import payments
from services.paylink.store import tokens as token_store
from services.paylink.store.payments import ATTEMPTS


async def open_link(deps: Deps, token: str) -> Link:
    """The link; from here on the call acts for its merchant.

    Raises PaymentLinkNotFound, whatever is wrong with the token.
    """
    found = required(
        await deps.db.run(token_store.find, tokens.hash_of(token)), PaymentLinkNotFound
    )
    context.act_as_shopper(found.link.merchant_id, found.clock_offset_seconds)
    return found.link


async def shown_payment(deps: Deps, link: Link, use: str) -> tuple[LinkPayment | None, bool]:
    """The attempt named by `use`, otherwise the latest of a single-use link; and whether it was
    named.
    """
    named = _opened(deps, use)
    async with deps.db.connection() as conn:
        if named is not None:
            payment = await ATTEMPTS.get(conn, link.merchant_id, named)
            if payment is not None and payment.link_id == link.id:
                return payment, True
        return (None if link.reusable else await payments.latest(conn, link)), False


def _opened(deps: Deps, use: str) -> str | None:
    if not use:
        return None
    try:
        return deps.seal.open(use)
    except SealBrokenError:
        return None


def use_of(deps: Deps, payment: LinkPayment) -> str:
    """What a page sends back to name its own attempt."""
    return deps.seal.close(payment.id)
