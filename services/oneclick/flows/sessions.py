"""One-click sessions: opened by the shop's server, looked at and paid by a browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import IdempotencyKeyInUse, required
from libs.idempotency import Answered, Key
from libs.money import Money
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import CustomerNotFound, SessionExpired, SessionNotFound
from services.oneclick.flows.charge import (
    CreateOneClickPayment,
    check_grace,
    perform,
    refresh,
    resume,
    start_charge,
)
from services.oneclick.rules import domain, items
from services.oneclick.rules import sessions as rules
from services.oneclick.rules.domain import CaptureMode, Charge, Customer
from services.oneclick.rules.instruments import Card, is_usable
from services.oneclick.rules.items import Item
from services.oneclick.rules.sessions import Session, SessionState
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


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session with what a browser shows of it. `payment` is a Payment message."""

    session: Session
    items: tuple[Item, ...]  # what the order holds now
    locale: str | None
    card: tuple[str, Card] | None
    payment: bytes | None


async def create_one_click_session(
    deps: Deps, cmd: CreateOneClickSession, key: Key | None
) -> bytes:
    """Answers the OneClickSession message with the client secret, the same for the same key.

    What is kept for the key has neither the secret nor what was bought.
    """
    check_grace(cmd.capture, cmd.grace_seconds)
    items.check(cmd.items, cmd.amount)
    session_id = ids.new("ocs")
    secret = rules.client_secret(session_id, deps.client_secrets.of(session_id))
    session = _session(deps, cmd, session_id, secret)

    async def create(tx: Conn, _: str) -> Message:
        customer = required(
            await customers.lock(tx, session.merchant_id, cmd.customer_id), CustomerNotFound
        )
        domain.active(customer)
        await sessions.insert(tx, session)
        return events.session_pb(
            session,
            (),
            now=session.created_at,
            locale=customer.locale,
            card=await _card(deps, tx, customer),
        )

    answered = await idempotency.once(deps.db, key, session_id, create)
    if not answered.fresh:
        return await _again(deps, answered)
    return events.session_with(answered.body, session.items, client_secret=secret)


async def _again(deps: Deps, answered: Answered) -> bytes:
    """The same answer, whose secret is derived again: a key may have been put in front since."""
    session_id = answered.resource_id
    async with deps.db.connection() as conn:
        session = required(
            await sessions.get(conn, context.merchant_id(), session_id), SessionNotFound
        )
    secrets = (
        rules.client_secret(session_id, proof) for proof in deps.client_secrets.all_of(session_id)
    )
    secret = next((s for s in secrets if rules.secret_hash(s) == session.secret_hash), None)
    return events.session_with(answered.body, session.items, client_secret=secret)


def _session(deps: Deps, cmd: CreateOneClickSession, session_id: str, secret: str) -> Session:
    now = deps.clock.now()
    minutes = cmd.expires_in_minutes
    return Session(
        id=session_id,
        merchant_id=context.merchant_id(),
        customer_id=cmd.customer_id,
        state=rules.SESSION_INITIAL,
        secret_hash=rules.secret_hash(secret),
        amount=cmd.amount,
        capture=cmd.capture,
        grace_seconds=cmd.grace_seconds,
        order_reference=cmd.order_reference,
        return_url=cmd.return_url,
        metadata=cmd.metadata,
        expires_at=now + (timedelta(minutes=minutes) if minutes else rules.DEFAULT_LIFE),
        created_at=now,
        items=cmd.items,
    )


async def get_one_click_session(
    deps: Deps, session_id: str, client_secret: str | None
) -> SessionView:
    """With the payment as payments knows it now."""
    session = await _find(deps, session_id, client_secret)
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
    """The click. However often it comes, one charge at a time, and none after one that succeeded."""
    session = await _find(deps, session_id, client_secret)
    charge, fresh = await _charge_to_pay(deps, session, ip)
    if fresh:
        payment = await perform(deps, charge, None)
    elif await _is_being_asked(deps, charge):
        raise IdempotencyKeyInUse
    else:
        payment = await resume(deps, charge.id, None)
    return await _view(deps, session_id, payment.body)


async def _charge_to_pay(deps: Deps, session: Session, ip: str | None) -> tuple[Charge, bool]:
    """The charge of the session's payment, and whether it is a new one.

    The customer's lock comes before the session's, as everywhere.
    """
    async with deps.db.transaction() as tx:
        await customers.lock(tx, session.merchant_id, session.customer_id)
        locked = required(await sessions.lock(tx, session.merchant_id, session.id), SessionNotFound)
        if locked.state is not SessionState.OPEN:
            charge = required(
                await charges.get(tx, session.merchant_id, locked.charge_id or ""), SessionNotFound
            )
            return charge, False
        if rules.is_expired(locked, deps.clock.now()):
            raise SessionExpired
        charge_id = ids.new("och")
        charge = await start_charge(deps, tx, _click(locked, ip), charge_id)
        await sessions.start_paying(tx, locked, charge_id)
    return charge, True


def _click(session: Session, ip: str | None) -> CreateOneClickPayment:
    """Each try of a session has its number, of which the database allows one charge."""
    return CreateOneClickPayment(
        customer_id=session.customer_id,
        amount=session.amount,
        order_reference=session.order_reference,
        capture=session.capture,
        grace_seconds=session.grace_seconds,
        instrument_id=None,
        address_id=None,
        return_url=session.return_url,
        metadata=session.metadata,
        session_id=session.id,
        session_try=session.tries + 1,
        items=session.items,
        ip=ip,
    )


async def _is_being_asked(deps: Deps, charge: Charge) -> bool:
    async with deps.db.connection() as conn:
        return await charges.is_being_asked(conn, charge)


async def _find(deps: Deps, session_id: str, client_secret: str | None) -> Session:
    call = context.current()
    async with deps.db.connection() as conn:
        session = required(
            await sessions.get(conn, context.merchant_id(), session_id), SessionNotFound
        )
    rules.check_secret(session, client_secret, needed=call.publishable)
    return session


async def _view(deps: Deps, session_id: str, payment: bytes | None) -> SessionView:
    async with deps.db.connection() as conn:
        session = required(
            await sessions.get(conn, context.merchant_id(), session_id), SessionNotFound
        )
        customer = await customers.get(conn, session.merchant_id, session.customer_id)
        card = await _card(deps, conn, customer) if customer else None
        charge = await charges.get(conn, session.merchant_id, session.charge_id or "")
    left = session.items if charge is None else charge.items
    return SessionView(session, left, customer.locale if customer else None, card, payment)


async def _card(deps: Deps, conn: Conn, customer: Customer) -> tuple[str, Card] | None:
    """The card that a click would charge now."""
    buyer = await buyers.get(conn, customer.merchant_id, customer.id)
    if buyer is None or buyer.instrument_id is None or buyer.instrument_state is None:
        return None
    if not is_usable(buyer.instrument_state, buyer.card, deps.clock.now()):
        return None
    return buyer.instrument_id, buyer.card
