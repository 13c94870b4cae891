"""Matches and their movements: stored and booked in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

from libs import ids, telemetry
from libs.db import Conn
from services.reporting.flows import booking
from services.reporting.rules import clearings as rules
from services.reporting.rules import own_facts
from services.reporting.rules.facts import Moved
from services.reporting.rules.items import OpenItem, Side, Stage
from services.reporting.rules.matches import Match, Pair
from services.reporting.rules.matching import Rule, Sum
from services.reporting.rules.own_facts import Clearing, ClearingKind
from services.reporting.store import items as items_store
from services.reporting.store import matching as store


def of_pair(merchant_id: str, stage: Stage, pair: Pair, now: datetime) -> Clearing | None:
    """None if nothing moves."""
    moves = rules.matched(stage, pair.party, pair.ours_minor, pair.amount_minor)
    if not moves:
        return None
    return Clearing(
        merchant_id=merchant_id,
        id=ids.new("clr"),
        kind=ClearingKind.MATCHED,
        currency=pair.currency,
        moves=tuple(moves),
        payment_id=pair.payment_id,
        order_reference=pair.order_reference,
        trace_id=pair.trace_id,
        happened_on=pair.happened_on,
        created_at=now,
    )


async def match(
    tx: Conn,
    found: Sum,
    parts: Sequence[Moved],
    *,
    rule: Rule,
    matched_by: str,
    now: datetime,
) -> None:
    """Matches one item with the items that add up to it; `parts` go to other accounts."""
    members = [found.one, *found.parts]
    await store.add(tx, [_match(found.one, part, rule, matched_by, now) for part in found.parts])
    kind = ClearingKind.RESOLVED if rule is Rule.PERSON else ClearingKind.MATCHED
    await clear(tx, members, parts, kind, now)


async def clear(
    tx: Conn,
    members: Sequence[OpenItem],
    parts: Sequence[Moved],
    kind: ClearingKind,
    now: datetime,
) -> None:
    """Closes the items and books their amounts on `parts`; writes off whatever remains."""
    await items_store.remove(tx, members[0].merchant_id, [each.id for each in members])
    cleared = of_items(members, parts, kind, now)
    await book(tx, [cleared] if cleared else [])


def of_items(
    items: Sequence[OpenItem], others: Sequence[Moved], kind: ClearingKind, now: datetime
) -> Clearing | None:
    """All items must have one currency. None if nothing moves."""
    moves = rules.together(items, others)
    theirs = [each for each in items if each.side is Side.THEIRS] or list(items)
    known = next((each for each in items if each.payment_id), items[0])
    if not moves:
        return None
    return Clearing(
        merchant_id=known.merchant_id,
        id=ids.new("clr"),
        kind=kind,
        currency=known.currency,
        moves=tuple(moves),
        payment_id=known.payment_id,
        order_reference=known.order_reference,
        trace_id=known.trace_id or telemetry.trace_id(),
        happened_on=max(each.happened_on for each in theirs),
        created_at=now,
    )


def _match(one: OpenItem, part: OpenItem, rule: Rule, matched_by: str, now: datetime) -> Match:
    ours, theirs = (one, part) if one.side is Side.OURS else (part, one)
    return Match(
        merchant_id=part.merchant_id,
        id=f"mat{part.id[3:]}",
        stage=part.stage,
        rule=rule,
        ours_id=ours.id,
        theirs_id=theirs.id,
        kind=ours.kind,
        party=ours.party,
        currency=part.currency,
        amount_minor=part.amount_minor,
        difference_minor=0,
        payment_id=ours.payment_id,
        order_reference=ours.order_reference,
        trace_id=ours.trace_id,
        happened_on=theirs.happened_on,
        matched_by=matched_by,
        created_at=now,
    )


async def book(tx: Conn, cleared: Sequence[Clearing]) -> None:
    if not cleared:
        return
    await items_store.add_clearings(tx, cleared)
    await booking.book(tx, [own_facts.of_clearing(each) for each in cleared])
