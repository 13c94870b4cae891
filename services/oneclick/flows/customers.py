"""Customers: create, read, change. Erasing has a file of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import CustomerNotFound
from services.oneclick.rules import domain
from services.oneclick.rules.domain import ContactChange, Customer
from services.oneclick.store import customers as store


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    email: str | None
    name: str | None
    phone: str | None
    locale: str | None
    metadata: Mapping[str, str]


async def found(conn: Conn, customer_id: str) -> Customer:
    """Raises CustomerNotFound."""
    return required(await store.get(conn, context.merchant_id(), customer_id), CustomerNotFound)


async def locked(tx: Conn, customer_id: str) -> Customer:
    """As `found`, with the lock required for any change of a customer."""
    return required(await store.lock(tx, context.merchant_id(), customer_id), CustomerNotFound)


async def create_customer(deps: Deps, cmd: CreateCustomer, key: Key | None) -> bytes:
    """Returns the Customer message, the same for the same key."""

    async def create(tx: Conn, customer_id: str) -> Message:
        customer = copy_as(
            Customer,
            cmd,
            id=customer_id,
            merchant_id=context.merchant_id(),
            state=domain.CUSTOMER_INITIAL,
            default_instrument_id=None,
            default_address_id=None,
            created_at=deps.clock.now(),
        )
        await store.insert(tx, customer)
        await events.customer_created(tx, customer)
        return events.customer_pb(customer)

    return (await idempotency.once(deps.db, key, ids.new("cus"), create)).body


async def get_contacts(deps: Deps, customer_ids: Sequence[str]) -> Sequence[Customer]:
    """Those of the customers with an e-mail address or phone number."""
    async with deps.db.connection() as conn:
        known = await store.of_ids(conn, context.merchant_id(), customer_ids)
    return [customer for customer in known if customer.email or customer.phone]


async def update_customer(deps: Deps, customer_id: str, new: ContactChange) -> Customer:
    async with deps.db.transaction() as tx:
        before = await locked(tx, customer_id)
        after = domain.change(before, new)
        if after != before:
            await store.save(tx, after)
            await events.customer_updated(tx, after, deps.clock.now())
    return after
