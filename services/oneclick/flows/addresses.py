"""A customer's addresses. They never change, so that an order keeps the one it went to."""

from collections.abc import Sequence
from dataclasses import replace

from libs import ids
from services.oneclick.deps import Deps
from services.oneclick.errors import AddressNotFound
from services.oneclick.flows.customers import found, locked
from services.oneclick.rules import domain
from services.oneclick.rules.domain import Address, ShownAddress
from services.oneclick.store import customers as store


async def create_address(deps: Deps, new: Address, *, make_default: bool) -> ShownAddress:
    """The first address becomes the default. The new one gets its id, merchant and time here."""
    async with deps.db.transaction() as tx:
        customer = domain.active(await locked(tx, new.customer_id))
        merchant_id, now = customer.merchant_id, deps.clock.now()
        address = replace(new, id=ids.new("adr"), merchant_id=merchant_id, created_at=now)
        others = await store.addresses(tx, merchant_id, customer.id)
        domain.room_for_address(len(others))
        await store.insert_address(tx, address)
        chosen = make_default or customer.default_address_id is None
        if chosen:
            await store.set_default_address(tx, merchant_id, customer.id, address.id)
    return ShownAddress(address, chosen)


async def list_addresses(deps: Deps, customer_id: str) -> Sequence[ShownAddress]:
    """All addresses, the default first."""
    async with deps.db.snapshot() as conn:
        customer = await found(conn, customer_id)
        addresses = await store.addresses(conn, customer.merchant_id, customer_id)
    default_id = customer.default_address_id
    shown = [ShownAddress(address, address.id == default_id) for address in addresses]
    return sorted(shown, key=lambda each: not each.default)


async def delete_address(deps: Deps, customer_id: str, address_id: str) -> None:
    async with deps.db.transaction() as tx:
        customer, now = await locked(tx, customer_id), deps.clock.now()
        if not await store.remove_address(tx, customer.merchant_id, customer_id, address_id, now):
            raise AddressNotFound
        if customer.default_address_id == address_id:
            await store.set_default_address(tx, customer.merchant_id, customer_id, None)
