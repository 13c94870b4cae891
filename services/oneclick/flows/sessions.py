"""One-click sessions: opened by the shop's server, read and paid by a browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import IdempotencyKeyInUse, required
from libs.idempotency import Answered, Key
from libs.money import Money
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import SessionExpired, SessionNotFound
from services.oneclick.flows.charge import (
    CreateOneClickPayment,
    check_grace,
    perform,
    refresh,
    resume,
    start_charge,
)
from services.oneclick.flows.customers import locked
from services.oneclick.rules import domain, items
from services.oneclick.rules import sessions as rules
from services.oneclick.rules.domain import CaptureMode, Charge, Customer
from services.oneclick.rules.instruments import Card, is_usable
from services.oneclick.rules.items import Item
from services.oneclick.rules.sessions import Session, SessionState, SessionView
from services.oneclick.store import buyers, charges, customers, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOneClickSession:
    customer_id: str
    amount: Money
    order_reference: str
    capture: CaptureMode = CaptureMode.NOW
    grace_seconds: int | None
    expires_in_minutes: int | None
    return_url: str
    metadata: Mapping[str, str]
    items: tuple[Item, ...] = ()


async def create_one_click_session(
    deps: Deps, cmd: CreateOneClickSession, key: Key | None
) -> bytes:
    """Returns the OneClickSession message with the client secret, the same for the same key.

    The answer stored under the key contains neither the secret nor the items.
    """
    check_grace(cmd.capture, cmd.grace_seconds)
    items.check(cmd.items, cmd.amount)
    session_id = ids.new("ocs")
    secret = rules.client_secret(session_id, deps.client_secrets.of(session_id))
    session = _session(deps, cmd, session_id, secret)

    async def create(tx: Conn, _: str) -> Message:
        customer = domain.active(await locked(tx, cmd.customer_id))
        await sessions.insert(tx, session)
        await events.session_opened(tx, session)
        card = await _card(deps, tx, customer)
        view = SessionView(session, session.created_at, (), customer.locale, card)
        return events.session_pb(view)

    answered = await idempotency.once(deps.db, key, session_id, create)
    if not answered.fresh:
        return await _again(deps, answered)
    return events.session_with(answered.body, session.items, client_secret=secret)


async def _again(deps: Deps, answered: Answered) -> bytes:
    """The same answer, with the secret derived again: keys may have been rotated since."""
    session_id = answered.resource_id
    async with deps.db.connection() as conn:
        session = await _found(conn, session_id)
    secrets = (
        rules.client_secret(session_id, proof) for proof in deps.client_secrets.all_of(session_id)
    )
    secret = next((s for s in secrets if rules.secret_hash(s) == session.secret_hash), None)
    return events.session_with(answered.body, session.items, client_secret=secret)


def _session(deps: Deps, cmd: CreateOneClickSession, session_id: str, secret: str) -> Session:
    now, minutes = deps.clock.now(), cmd.expires_in_minutes
    return copy_as(
        Session,
        cmd,
        id=session_id,
        merchant_id=context.merchant_id(),
        state=rules.SESSION_INITIAL,
        secret_hash=rules.secret_hash(secret),
        expires_at=now + (timedelta(minutes=minutes) if minutes else rules.DEFAULT_LIFE),
        created_at=now,
    )


async def get_one_click_session(
    deps: Deps, session_id: str, client_secret: str | None
) -> SessionView:
    """The session, with its payment's current state at payments."""
    session = await _allowed(deps, session_id, client_secret)
    payment = None
    if session.charge_id is not None:
        async with deps.db.connection() as conn:
            charge = await charges.get(conn, session.merchant_id, session.charge_id)
        if charge is not None and charge.payment_id is not None:
            payment = (await refresh(deps, charge)).body
    return await _view(deps, session_id, payment)


async def pay_one_click_session(
    deps: Deps, session_id: str, client_secret: str | None, *, ip: str | None
) -> SessionView:
    """Handles a click. However often it arrives, there is one charge at a time, and none after a
    successful one.
    """
    session = await _allowed(deps, session_id, client_secret)
    charge, fresh = await _charge_to_pay(deps, session, ip)
    if fresh:
        payment = await perform(deps, charge, None)
    elif await _is_being_asked(deps, charge):
        raise IdempotencyKeyInUse
    else:
        payment = await resume(deps, charge.id, None)
    return await _view(deps, session_id, payment.body)


async def _charge_to_pay(deps: Deps, session: Session, ip: str | None) -> tuple[Charge, bool]:
    """The charge of the session's payment, and whether it is new.

    The customer's lock comes before the session's, as everywhere.
    """
    async with deps.db.transaction() as tx:
        await customers.lock(tx, session.merchant_id, session.customer_id)
        found = await sessions.lock(tx, session.merchant_id, session.id)
        paying = required(found, SessionNotFound)
        if paying.state is not SessionState.OPEN:
            charge = await charges.get(tx, session.merchant_id, paying.charge_id or "")
            return required(charge, SessionNotFound), False
        if rules.is_expired(paying, deps.clock.now()):
            raise SessionExpired
        charge_id = ids.new("och")
        charge = await start_charge(deps, tx, _click(paying, ip), charge_id)
        await sessions.start_paying(tx, paying, charge_id)
    return charge, True


def _click(session: Session, ip: str | None) -> CreateOneClickPayment:
    """A session's attempts are numbered; the database allows one charge per number."""
    return copy_as(
        CreateOneClickPayment,
        session,
        instrument_id=None,
        address_id=None,
        session_id=session.id,
        session_try=session.tries + 1,
        ip=ip,
    )


async def _is_being_asked(deps: Deps, charge: Charge) -> bool:
    return await deps.db.run(charges.is_being_asked, charge)


async def _found(conn: Conn, session_id: str) -> Session:
    return required(await sessions.get(conn, context.merchant_id(), session_id), SessionNotFound)


async def _allowed(deps: Deps, session_id: str, client_secret: str | None) -> Session:
    """A browser must present the session's secret."""
    async with deps.db.connection() as conn:
        session = await _found(conn, session_id)
    rules.check_secret(session, client_secret, needed=context.current().publishable)
    return session


async def _view(deps: Deps, session_id: str, payment: bytes | None) -> SessionView:
    async with deps.db.snapshot() as conn:
        session = await _found(conn, session_id)
        customer = await customers.get(conn, session.merchant_id, session.customer_id)
        card = await _card(deps, conn, customer) if customer else None
        charge = await charges.get(conn, session.merchant_id, session.charge_id or "")
    left, now = session.items if charge is None else charge.items, deps.clock.now()
    return SessionView(session, now, left, customer.locale if customer else None, card, payment)


async def _card(deps: Deps, conn: Conn, customer: Customer) -> tuple[str, Card] | None:
    """The card that a click would charge now."""
    buyer = await buyers.get(conn, customer.merchant_id, customer.id)
    if buyer is None or buyer.instrument_id is None or buyer.instrument_state is None:
        return None
    if not is_usable(buyer.instrument_state, buyer.card, deps.clock.now()):
        return None
    return buyer.instrument_id, buyer.card
