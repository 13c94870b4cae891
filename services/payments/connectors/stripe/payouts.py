"""Reads payouts, oldest first, and the lines of each, page by page. settlement.py interprets
them.
"""

from typing import Any

from services.payments.connectors.base import Settlements
from services.payments.connectors.stripe import parameters, settlement
from services.payments.connectors.stripe.mapping import Json
from services.payments.connectors.stripe.paging import every
from services.payments.connectors.stripe.settlement import Place


async def page(api: Any, cursor: str, *, since: int) -> Settlements:
    """The page after the cursor. `since`: Unix time from which payouts are read."""
    place = Place.read(cursor)
    payout = await _payout_at(api, place, since)
    if payout is None:
        return Settlements([], place.cursor)
    done = Place(str(payout["id"]))
    if not settlement.has_lines(payout):
        return Settlements([], done.cursor, is_more=True)
    request = parameters.lines_of(done.payout, after=place.transaction)
    listed = await api.balance_transactions.list_async(request)
    found = [line.to_dict() for line in listed.data]
    if listed.has_more:
        done = Place(done.payout, str(found[-1]["id"]))
    return Settlements([*settlement.lines(payout, found)], done.cursor, is_more=True)


async def _payout_at(api: Any, place: Place, since: int) -> Json | None:
    """The payout being read, or the next one; the oldest if the cursor is empty."""
    if place.transaction:
        return _json(await api.payouts.retrieve_async(place.payout))
    if place.payout:
        newer = await api.payouts.list_async(parameters.payout_after(place.payout))
        return _json(newer.data[0]) if newer.data else None
    oldest = None
    async for payout in every(await api.payouts.list_async(parameters.payouts(since=since))):
        oldest = payout
    return oldest


def _json(found: Any) -> Json:
    stored: Json = found.to_dict()
    return stored
