"""Addresses of a customer. They never change, so that an order keeps the one it went to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs import context, ids
from libs.errors import required
from services.oneclick.deps import Deps
from services.oneclick.errors import AddressNotFound, CustomerNotFound
from services.oneclick.rules import domain
from services.oneclick.rules.domain import Address
from services.oneclick.store import customers as store


@dataclass(frozen=True, slots=True)
class CreateAddress:
    address: Address  # id, merchant and time are given here
    make_default: bool


async def create_address(deps: Deps, cmd: CreateAddress) -> tuple[Address, str | None]:
    """The address, and the id of the default one. The first address becomes the default."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    address = replace(cmd.address, id=ids.new("adr"), merchant_id=merchant_id, created_at=now)
    async with deps.db.transaction() as tx:
        customer = required(
            await store.lock(tx, merchant_id, address.customer_id), CustomerNotFound
        )
        domain.active(customer)
        others = await store.addresses(tx, merchant_id, address.customer_id)
        domain.room_for_address(len(others))
        await store.insert_address(tx, address)
        default_id = customer.default_address_id
        if cmd.make_default or default_id is None:
            default_id = address.id
            await store.set_default_address(tx, merchant_id, customer.id, default_id)
    return address, default_id


async def list_addresses(deps: Deps, customer_id: str) -> tuple[Sequence[Address], str | None]:
    """All addresses, the default first, and its id."""
    async with deps.db.connection() as conn:
        customer = required(
            await store.get(conn, context.merchant_id(), customer_id), CustomerNotFound
        )
        addresses = await store.addresses(conn, customer.merchant_id, customer_id)
    default_id = customer.default_address_id
    return sorted(addresses, key=lambda address: address.id != default_id), default_id


async def delete_address(deps: Deps, customer_id: str, address_id: str) -> None:
    async with deps.db.transaction() as tx:
        customer = required(
            await store.lock(tx, context.merchant_id(), customer_id), CustomerNotFound
        )
        now = deps.clock.now()
        if not await store.remove_address(tx, customer.merchant_id, customer_id, address_id, now):
            raise AddressNotFound
        if customer.default_address_id == address_id:
            await store.set_default_address(tx, customer.merchant_id, customer_id, None)
