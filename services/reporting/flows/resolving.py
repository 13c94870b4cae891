"""Lets a person assign an exception, or resolve it with its postings."""

from dataclasses import replace
from datetime import datetime

from libs import context
from libs.db import Conn
from libs.errors import required
from services.reporting.deps import Deps
from services.reporting.errors import ExceptionNotFound, ExceptionResolved, ItemNotOpen
from services.reporting.flows import auditing, clearing
from services.reporting.rules import resolving as rules
from services.reporting.rules.exceptions import (
    OF_OPEN_ITEMS,
    ExceptionState,
    ReconciliationException,
    ResolvedAs,
)
from services.reporting.rules.matching import Rule, Sum
from services.reporting.rules.own_facts import ClearingKind
from services.reporting.rules.resolving import Resolution
from services.reporting.store import exceptions as store
from services.reporting.store import items as items_store
from services.reporting.store import matching
from services.reporting.store.exceptions import EXCEPTIONS


async def assign_exception(
    deps: Deps, exception_id: str, owner: str | None
) -> ReconciliationException:
    """Raises ExceptionNotFound, ExceptionResolved."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        found = required(await EXCEPTIONS.lock(tx, merchant_id, exception_id), ExceptionNotFound)
        if found.state is ExceptionState.RESOLVED:
            raise ExceptionResolved
        if found.owner == owner:
            return found
        await EXCEPTIONS.change(tx, found, "owner = $3", owner)
        await auditing.record(
            tx,
            "exception.assigned",
            exception_id,
            before={"owner": found.owner},
            after={"owner": owner},
            now=now,
        )
    return replace(found, owner=owner)


async def resolve_exception(
    deps: Deps, exception_id: str, cmd: Resolution
) -> ReconciliationException:
    """Raises ExceptionNotFound, ItemNotOpen, and the errors of rules/resolving.py."""
    rules.check(cmd)
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        await matching.own(tx, merchant_id)
        found = required(await EXCEPTIONS.lock(tx, merchant_id, exception_id), ExceptionNotFound)
        if rules.is_known(found, cmd):
            return found
        if found.type in OF_OPEN_ITEMS:
            await _move(tx, found, cmd, now)
        resolved = replace(
            found,
            state=ExceptionState.RESOLVED,
            resolved_as=cmd.resolved_as,
            resolution=cmd.resolution,
            resolved_by=context.current().actor,
            resolved_at=now,
        )
        await store.resolve(tx, resolved)
        await auditing.record(
            tx,
            "exception.resolved",
            exception_id,
            before={"state": found.state.value, "type": found.type.value},
            after={
                "state": resolved.state.value,
                "resolved_as": cmd.resolved_as.value,
                "resolution": cmd.resolution,
                "item_ids": list(cmd.item_ids),
                "parts": [[part.account, part.amount_minor] for part in cmd.parts],
            },
            now=now,
        )
    return resolved


async def _move(tx: Conn, found: ReconciliationException, cmd: Resolution, now: datetime) -> None:
    """Closes the items, and books what the resolution moves."""
    named = (found.item_id, *cmd.item_ids)
    items = {each.id: each for each in await items_store.of_ids(tx, found.merchant_id, named)}
    if set(items) != set(named):
        raise ItemNotOpen
    item, others = items[found.item_id], [items[each] for each in cmd.item_ids]
    rules.check_others(item, others)
    if cmd.resolved_as is ResolvedAs.DISMISSED:
        await items_store.remove(tx, found.merchant_id, [item.id])
    elif cmd.resolved_as is ResolvedAs.WRITTEN_OFF:
        await clearing.clear(tx, [item], (), ClearingKind.RESOLVED, now)
    else:
        parts, by = rules.moves(item, others, cmd), context.current().actor
        await clearing.match(tx, Sum(item, others), parts, rule=Rule.PERSON, matched_by=by, now=now)
