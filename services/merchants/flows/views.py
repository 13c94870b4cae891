"""Saved views: kept by members for themselves, or shared with all.

Each change locks the merchant's row, so that neither the number of views nor the membership can
change at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs import context, ids
from libs.db import Conn
from libs.errors import required
from services.merchants.deps import Deps
from services.merchants.errors import MemberEnded, MemberNotFound, ViewNotFound
from services.merchants.flows.merchants import locked
from services.merchants.rules import views as rules
from services.merchants.rules.members import MemberState
from services.merchants.rules.views import SavedView
from services.merchants.store import views as store
from services.merchants.store.members import MEMBERS
from services.merchants.store.views import VIEWS


@dataclass(frozen=True, slots=True)
class SaveView:
    path: str
    name: str
    query: str
    shared: bool


async def save_view(deps: Deps, cmd: SaveView) -> SavedView:
    """Raises MemberNotFound, MemberEnded, TooManyViews."""
    member_id, now = context.current().actor, deps.now()
    async with deps.db.transaction() as tx:
        merchant = await locked(tx, context.merchant_id())
        member = required(await MEMBERS.get(tx, merchant.id, member_id), MemberNotFound)
        if member.state is not MemberState.ACTIVE:
            raise MemberEnded
        wanted = SavedView(
            merchant_id=merchant.id,
            id=ids.new("viw"),
            member_id=member.id,
            path=cmd.path,
            name=cmd.name,
            query=cmd.query,
            shared=cmd.shared,
            created_at=now,
            changed_at=now,
        )
        known = await store.lock_named(tx, wanted)
        if known is not None:
            wanted = replace(wanted, id=known.id, created_at=known.created_at)
        rules.check_room(wanted, await store.count_others(tx, wanted))
        await (store.insert if known is None else store.save)(tx, wanted)
        return replace(wanted, member_name=member.name)


async def update_view(
    deps: Deps, *, view_id: str, name: str | None, shared: bool | None
) -> SavedView:
    """Raises ViewNotFound, ViewOfAnotherMember, ViewExists, TooManyViews."""
    async with deps.db.transaction() as tx:
        before = await _locked_view(tx, view_id)
        rules.check_changes(before, context.current().actor)
        after = replace(
            before,
            name=before.name if name is None else name,
            shared=before.shared if shared is None else shared,
            changed_at=deps.now(),
        )
        if after.shared and not before.shared:
            rules.check_room(after, await store.count_others(tx, after))
        await store.save(tx, after)
    return after


async def delete_view(deps: Deps, view_id: str) -> None:
    """Raises ViewNotFound, ViewOfAnotherMember."""
    call = context.current()
    async with deps.db.transaction() as tx:
        view = await _locked_view(tx, view_id)
        rules.check_deletes(view, call.actor, call.scopes)
        await store.delete(tx, view)


async def list_views(deps: Deps, path: str | None) -> Sequence[SavedView]:
    member_id = context.current().actor
    return await deps.db.run(store.list_visible, context.merchant_id(), member_id, path)


async def _locked_view(tx: Conn, view_id: str) -> SavedView:
    """Locks the merchant first, as each change does."""
    merchant = await locked(tx, context.merchant_id())
    return required(await VIEWS.lock(tx, merchant.id, view_id), ViewNotFound)
