"""What shoppers do on the page besides paying: view, accept, rate, stop reminders."""

from dataclasses import replace

from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkNotPaid
from services.paylink.flows.links import locked
from services.paylink.flows.opening import shown_payment
from services.paylink.rules import paying, transitions
from services.paylink.rules.domain import Acceptance, Link
from services.paylink.rules.states import LINK_TRANSITIONS, LinkEvent, PaymentState
from services.paylink.store import links, payments
from services.paylink.store.payments import ATTEMPTS


async def mark_seen(deps: Deps, opened: Link) -> None:
    """Records the first view. A link that is being paid, or has ended, is not changed."""
    if opened.seen_at is not None or not opened.open:
        return
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.seen_at is not None or not link.open:
            return
        state = LINK_TRANSITIONS.get((link.state, LinkEvent.SEE), link.state)
        saved = await links.save(tx, link, replace(link, state=state, seen_at=now), shown=False)
        await events.append_link_event(tx, saved, "seen", now)


async def accept_quote(
    deps: Deps, opened: Link, *, text_sha256: str, ip: str | None, user_agent: str | None
) -> None:
    """Stores the evidence. Accepting the same text again changes nothing."""
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.acceptance is not None and link.acceptance.text_sha256 == text_sha256:
            return
        paying.check_quote(link, text_sha256, now)
        accepted = replace(
            link,
            state=transitions.moved(link, LinkEvent.ACCEPT),
            seen_at=link.seen_at or now,
            acceptance=Acceptance(
                accepted_at=now,
                text_sha256=text_sha256,
                version=link.quote.version if link.quote else "",
                ip=ip,
                user_agent=user_agent,
            ),
        )
        saved = await links.save(tx, link, accepted)
        await events.append_link_event(tx, saved, "quote_accepted", now)


async def rate_satisfaction(deps: Deps, opened: Link, *, use: str, score: int) -> None:
    """The last answer counts."""
    shown, _ = await shown_payment(deps, opened, use)
    if shown is None:
        raise PaymentLinkNotPaid
    async with deps.db.transaction() as tx:
        await locked(tx, opened.id)
        payment = await ATTEMPTS.get(tx, shown.merchant_id, shown.id)
        if payment is None or payment.state is not PaymentState.SUCCEEDED:
            raise PaymentLinkNotPaid
        rated = replace(payment, satisfaction=score)
        await payments.save(tx, payment, rated)
        await events.satisfaction_given(tx, rated, deps.clock.now())


async def stop_reminders(deps: Deps, opened: Link) -> None:
    """For good, even after a new address. Stopping again changes nothing."""
    if opened.reminders_stopped:
        return
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        quiet = replace(link, reminders_stopped=True, next_reminder_at=None)
        await links.save(tx, link, quiet, shown=False)
