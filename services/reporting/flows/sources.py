"""Tolerance and terms of PSP accounts and couriers."""

from collections.abc import Sequence
from typing import Final

from libs import context
from libs.rows import to_json
from services.reporting.deps import Deps
from services.reporting.flows import auditing
from services.reporting.rules import sources as rules
from services.reporting.rules.sources import Source, Terms
from services.reporting.store import sources as store

MOST: Final = 1_000


async def list_sources(deps: Deps) -> Sequence[Source]:
    return await deps.db.run(store.all_of, context.merchant_id(), MOST)


async def put_source(deps: Deps, terms: Terms) -> Source:
    """Raises InvalidArgument."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    source = rules.of_terms(terms, merchant_id, now)
    async with deps.db.transaction() as tx:
        before = await store.lock(tx, merchant_id, terms.party)
        await store.put(tx, source)
        await auditing.record(
            tx,
            "source.set",
            terms.party,
            before=to_json(before) if before else {},
            after=to_json(source),
            now=now,
        )
    return source
