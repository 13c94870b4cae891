"""Cash refunds: request, set an account, cancel."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from google.protobuf.message import Message

from libs import context, idempotency, ids, outbox, telemetry
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.cod import refund_events as events
from services.cod.deps import Deps
from services.cod.errors import RefundClosed, RefundNotFound
from services.cod.flows.orders import locked
from services.cod.rules import refund_accounts as accounts
from services.cod.rules import refunds as rules
from services.cod.rules.refund_accounts import RefundAccount
from services.cod.rules.refunds import Refund, RefundState
from services.cod.store import orders as orders_store
from services.cod.store import refunds as store
from services.cod.store.refunds import REFUNDS

SHOPPER: Final = "shopper"  # set the account on the order's page


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefund:
    """`amount_minor` None: everything that is left."""

    cod_order_id: str
    amount_minor: int | None
    metadata: Mapping[str, str]


async def create_refund(deps: Deps, cmd: CreateRefund, key: Key) -> bytes:
    """Returns the CodRefund message, the same for the same key."""

    async def create(tx: Conn, refund_id: str) -> Message:
        order, now = await locked(tx, cmd.cod_order_id), deps.clock.now()
        refund = Refund(
            merchant_id=order.merchant_id,
            id=refund_id,
            cod_order_id=order.id,
            order_reference=order.order_reference,
            amount=rules.amount_of(order, cmd.amount_minor),
            metadata=cmd.metadata,
            trace_id=telemetry.trace_id(),
            created_at=now,
        )
        await REFUNDS.add(tx, refund)
        await orders_store.save(tx, rules.owing(order, refund.amount.amount_minor))
        letters = events.notifications([refund], {order.id: order}, now)
        await outbox.append(tx, events.for_state(refund, now), *letters)
        return events.refund_pb(refund)

    return (await idempotency.once(deps.db, key, ids.new("crf"), create)).body


async def set_account(deps: Deps, cod_refund_id: str, account: RefundAccount) -> Refund:
    """Called by the merchant. Setting the same account again has no visible effect."""
    accounts.check(account.holder, account.iban, within="account.")
    async with deps.db.transaction() as tx:
        before = await _locked(tx, cod_refund_id)
        after = _given(deps, before, account, by=context.current().actor)
        await store.save(tx, after)
        if after.state is not before.state:
            await outbox.append(tx, events.for_state(after, deps.clock.now()))
    return after


async def account_by_shopper(deps: Deps, cod_order_id: str, account: RefundAccount) -> None:
    """Sets it for all refunds of an order that wait for an account. Raises RefundClosed if none does."""
    accounts.check(account.holder, account.iban, within="")
    async with deps.db.transaction() as tx:
        known = await store.lock_of_orders(tx, context.merchant_id(), [cod_order_id])
        waiting = [refund for refund in known if refund.state is RefundState.REQUESTED]
        if not waiting:
            raise RefundClosed
        after = [_given(deps, refund, account, by=SHOPPER) for refund in waiting]
        await store.save_all(tx, after)
        now = deps.clock.now()
        await outbox.append(tx, *(events.for_state(refund, now) for refund in after))


async def retry_refund(deps: Deps, cod_refund_id: str) -> Refund:
    """To the same account: it need not be the reason for the failure."""
    async with deps.db.transaction() as tx:
        before = await _locked(tx, cod_refund_id)
        after = rules.retried(before)
        if after != before:
            await store.save(tx, after)
            await outbox.append(tx, events.for_state(after, deps.clock.now()))
    return after


async def cancel_refund(deps: Deps, cod_refund_id: str) -> Refund:
    """Its amount can then be refunded in another way."""
    async with deps.db.transaction() as tx:
        found = await REFUNDS.get(tx, context.merchant_id(), cod_refund_id)
        order = await locked(tx, required(found, RefundNotFound).cod_order_id)
        before, now = await _locked(tx, cod_refund_id), deps.clock.now()
        after = rules.cancelled(before, now)
        if after != before:
            await store.save(tx, after)
            await orders_store.save(tx, rules.owing(order, -after.amount.amount_minor))
            await outbox.append(tx, events.for_state(after, now))
    return after


def _given(deps: Deps, refund: Refund, account: RefundAccount, *, by: str) -> Refund:
    sealed = deps.seal.close(json.dumps(asdict(account)))
    return rules.given_account(refund, sealed=sealed, shown=accounts.masked(account), by=by)


async def _locked(tx: Conn, refund_id: str) -> Refund:
    """Raises RefundNotFound."""
    return required(await REFUNDS.lock(tx, context.merchant_id(), refund_id), RefundNotFound)
