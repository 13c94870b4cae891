"""One-time codes: sent, checked, and returned to notify when it sends the message."""

import secrets
from datetime import datetime
from typing import Final

from google.protobuf.message import Message

from libs import context, idempotency, outbox
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.cod import order_events as events
from services.cod.deps import Deps
from services.cod.errors import CodeOver, CodeWrong, OrderNotFound
from services.cod.order_events import Reason
from services.cod.rules import codes as rules
from services.cod.rules import orders
from services.cod.rules.codes import Code
from services.cod.rules.orders import Order
from services.cod.rules.states import OrderState
from services.cod.store import codes as store
from services.cod.store import orders as orders_store
from services.cod.store.orders import ORDERS

_ALL: Final = 10**rules.DIGITS


async def send_first(deps: Deps, tx: Conn, order: Order, now: datetime) -> None:
    """Sends a code for an order to be confirmed (again); earlier codes become void."""
    await _send(deps, tx, order, None, now)


async def _send(deps: Deps, tx: Conn, order: Order, before: Code | None, now: datetime) -> None:
    """The code is fetched by notify when it sends the message: no event contains it."""
    code = rules.spelt(secrets.randbelow(_ALL))
    new = rules.sent(
        before,
        merchant_id=order.merchant_id,
        order_id=order.id,
        proof=deps.codes.of(rules.subject(order.id, code)),
        sealed=deps.seal.close(code),
        now=now,
    )
    await store.save(tx, new)
    await outbox.append(tx, *events.message(order, Reason.CODE, now))


async def send_code(deps: Deps, cod_order_id: str, key: Key) -> bytes:
    """Sends a new code. Returns the CodOrder message, the same for the same key."""

    async def effect(tx: Conn, _: str) -> Message:
        order, now = await _locked(tx, cod_order_id), deps.clock.now()
        if order.state is not OrderState.PROPOSED:
            raise orders.closed(order)
        orders.check_reachable(order.recipient)
        before = await store.get(tx, order.merchant_id, order.id)
        rules.room_for_code(before, now)
        await _send(deps, tx, order, before, now)
        return events.order_pb(order)

    return (await idempotency.once(deps.db, key, cod_order_id, effect)).body


async def confirm_order(deps: Deps, cod_order_id: str, code: str, key: Key | None) -> bytes:
    """Returns the CodOrder message. A wrong attempt counts too, so its transaction commits; with a
    key, a repeat is the same attempt. Raises CodeWrong, whatever the reason.
    """

    async def effect(tx: Conn, _: str) -> Message | None:
        order, now = await _locked(tx, cod_order_id), deps.clock.now()
        proofs = deps.codes.all_of(rules.subject(order.id, rules.normal(code)))
        known = await store.get(tx, order.merchant_id, order.id)
        after, right = rules.tried(known, proofs, now)
        if after is not None:
            await store.save(tx, after)
        if not right or order.state is not OrderState.PROPOSED:
            return None
        confirmed = orders.confirmed(order, now)
        await orders_store.save(tx, confirmed)
        await outbox.append(tx, *events.for_change(order, confirmed, now))
        await outbox.append(tx, *events.deposit_notifications(order, confirmed, now))
        return events.order_pb(confirmed)

    answer = (await idempotency.once(deps.db, key, cod_order_id, effect)).body
    if not answer:
        raise CodeWrong
    return answer


async def get_code(deps: Deps, cod_order_id: str) -> str:
    """The code, for the message that delivers it. Raises OrderNotFound, CodeOver."""
    merchant_id = context.merchant_id()
    async with deps.db.snapshot() as conn:
        order = required(await ORDERS.get(conn, merchant_id, cod_order_id), OrderNotFound)
        code = await store.get(conn, merchant_id, order.id)
    valid = order.state is OrderState.PROPOSED and rules.is_valid(code, deps.clock.now())
    if not valid or code is None or code.sealed is None:
        raise CodeOver
    return deps.seal.open(code.sealed)


async def _locked(tx: Conn, cod_order_id: str) -> Order:
    found = await orders_store.lock(tx, context.merchant_id(), cod_order_id)
    return required(found, OrderNotFound)
