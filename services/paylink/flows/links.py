"""Reads links, cancels them, sends them, returns their addresses."""

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import segno
from google.protobuf.message import Message

from libs import context, idempotency
from libs.db import Conn
from libs.display import language_of
from libs.errors import Refusal, invalid, required
from libs.idempotency import Key
from libs.seal import SealBrokenError
from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkClosed, PaymentLinkNotFound
from services.paylink.rules import drafting, transitions, urls
from services.paylink.rules.domain import Channel, Link, Reason, Recipient
from services.paylink.rules.states import LinkState
from services.paylink.store import links
from services.paylink.store import tokens as token_store
from services.paylink.store.links import LINKS

_LABELS: Final = {"it": "Paga con link", "en": "Pay by link"}


@dataclass(frozen=True, slots=True)
class QrCode:
    url: str
    svg: str
    png_data_url: str


async def locked(tx: Conn, link_id: str) -> Link:
    """The merchant's link, locked. Raises PaymentLinkNotFound."""
    return required(await LINKS.lock(tx, context.merchant_id(), link_id), PaymentLinkNotFound)


async def get_payment_link(deps: Deps, link_id: str) -> Link:
    return required(
        await deps.db.run(LINKS.get, context.merchant_id(), link_id), PaymentLinkNotFound
    )


async def tokens_of(deps: Deps, link_ids: Sequence[str]) -> Mapping[str, str]:
    """Tokens of the current addresses, by link; those sealed with a lost key are left out."""
    sealed = await deps.db.run(token_store.sealed_of, context.merchant_id(), link_ids)
    found = {}
    for link_id, text in sealed.items():
        with suppress(SealBrokenError):
            found[link_id] = deps.seal.open(text)
    return found


async def urls_of(deps: Deps, link_ids: Sequence[str]) -> Mapping[str, str]:
    """The current URLs, by link."""
    found = await tokens_of(deps, link_ids)
    return {link_id: urls.page_url(deps.public_url, token) for link_id, token in found.items()}


async def _url_of(deps: Deps, link: Link, missing: type[Refusal]) -> str:
    return required((await urls_of(deps, [link.id])).get(link.id), missing)


async def get_payment_link_address(deps: Deps, payment_link_id: str) -> tuple[Link, str]:
    """For the message that notify sends; only for a link that can still be paid."""
    link = await get_payment_link(deps, payment_link_id)
    payable = link.open or link.state is LinkState.PAYING
    if not payable or transitions.is_over(link, deps.clock.now()):
        raise PaymentLinkClosed
    return link, await _url_of(deps, link, PaymentLinkClosed)


async def get_payment_link_qr_code(deps: Deps, payment_link_id: str) -> QrCode:
    link = await get_payment_link(deps, payment_link_id)
    url = await _url_of(deps, link, PaymentLinkNotFound)
    code = segno.make_qr(url, error="m")
    svg = io.BytesIO()
    code.save(svg, kind="svg", scale=8, border=4, xmldecl=False, light="#ffffff")
    return QrCode(url, svg.getvalue().decode(), code.png_data_uri(scale=8, border=4))


async def send_payment_link(
    deps: Deps,
    payment_link_id: str,
    channels: Sequence[Channel],
    recipient: Recipient | None,
    key: Key | None,
) -> bytes:
    """Returns the link's message without the address, the same for the same key."""
    now = deps.clock.now()

    async def send(tx: Conn, _: str) -> Message:
        link = await locked(tx, payment_link_id)
        if not link.open or link.expires_at <= now:
            raise transitions.not_allowed(link.state)
        wanted = replace(
            link,
            recipient=recipient or link.recipient,
            channels=tuple(channels) or link.channels,
        )
        if not wanted.channels:
            raise invalid("channels", "is required: the link has none of its own")
        drafting.check_channels(wanted.channels, wanted.recipient)
        saved = await links.save(tx, link, transitions.sent(wanted, now), shown=False)
        await events.link_sent(tx, saved, Reason.ISSUED, now)
        return events.link_pb(saved)

    return (await idempotency.once(deps.db, key, payment_link_id, send)).body


async def get_offer(deps: Deps) -> str:
    """A link can be offered for any cart. Returns the label to show, in the merchant's language."""
    merchant = await deps.merchants.get()
    return _LABELS[language_of(merchant.locale)]
