"""Pulls PSPs' settlements page by page: a page's lines, its import and the new cursor are written in
one transaction.

A crash between pages loses nothing, and a page pulled twice adds nothing: a line has the same id in a
feed and in a file.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from libs import ids, telemetry
from libs.db import Conn
from libs.due import DueRow
from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.logs import log
from services.reporting.deps import Deps
from services.reporting.flows import collecting
from services.reporting.rules import feeds as rules
from services.reporting.rules import imports, lines
from services.reporting.rules.feeds import Feed, FeedPage
from services.reporting.rules.lines import Into
from services.reporting.store import books, feeds
from services.reporting.store import imports as store
from services.reporting.store.feeds import FEEDS
from services.reporting.store.imports import SETTLEMENT_LINES

AT_ONCE: Final = timedelta()


async def pull(deps: Deps, due: DueRow) -> None:
    """Pulls everything new. If a call fails, the rest is pulled later, with back-off."""
    feed = await deps.db.run(FEEDS.get, due.merchant_id, due.id)
    if feed is None:
        return
    for _ in range(rules.MOST_PAGES):
        try:
            page = await deps.psps.settled(feed.party, feed.cursor)
        except (RemoteRefusal, ServiceUnavailable) as refusal:
            log.info("payments does not list settlements", reason=refusal.reason)
            return
        if not await _keep(deps, feed, page):
            return
        feed = replace(feed, cursor=page.cursor)
        if not page.has_more:
            await deps.db.run(feeds.rest, feed, rules.EVERY)
            return
    await deps.db.run(feeds.rest, feed, AT_ONCE)


async def _keep(deps: Deps, feed: Feed, page: FeedPage) -> bool:
    """Stores the page; False if another process has already moved the cursor."""
    if page.lines:
        days = [line.happened_on for line in page.lines]
        months = imports.months_between(min(days), max(days), deps.clock.now().date())
        async with deps.db.transaction() as tx:  # short: creating partitions blocks others
            await books.make_partitions(tx, months)
    async with deps.db.transaction() as tx:
        await store.own(tx, feed.merchant_id)
        if await feeds.lock(tx, feed) is None:
            return False
        if page.lines:
            await _load(deps, tx, feed, page)
        await feeds.move(tx, feed, page.cursor)
    return True


async def _load(deps: Deps, tx: Conn, feed: Feed, page: FeedPage) -> None:
    """Loads the page like a file."""
    merchant_id, table, now = feed.merchant_id, SETTLEMENT_LINES.name, deps.clock.now()
    known = await store.of_content(tx, merchant_id, rules.content_hash(feed, page))
    import_id = known.id if known else ids.new("imp")
    into = Into(merchant_id, import_id, page.format, feed.party, now)
    entries = [rules.entry(line, number) for number, line in enumerate(page.lines, 1)]
    made = lines.settlement_lines(entries, into)
    records = [[*SETTLEMENT_LINES.values(line), at] for at, line in enumerate(made)]
    await store.stage(tx, table, records)
    taken = await store.take(tx, table, merchant_id, import_id)
    await store.clear(tx, table, merchant_id, import_id)
    trace_id = telemetry.trace_id()
    await collecting.collect(tx, merchant_id, import_id, trace_id)
    imported = rules.imported(
        feed, page, import_id=import_id, taken=taken, trace_id=trace_id, now=now
    )
    await store.save(tx, imported)
