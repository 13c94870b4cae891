"""Adds an import's lines to the ledger and to the items to match, in the import's transaction."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn
from services.reporting.flows import booking
from services.reporting.rules import exceptions, own_facts
from services.reporting.rules.lines import SettlementLine
from services.reporting.store import exceptions as exceptions_store
from services.reporting.store import items
from services.reporting.store import own_facts as store

BATCH: Final = 250  # lines processed before yielding to the event loop
NO_TRACE: Final = "0" * 32  # a remittance covers orders with different traces


async def collect(conn: Conn, merchant_id: str, import_id: str, trace_id: str) -> None:
    """Books the lines that the import has added, and collects their items."""
    async for lines in store.bank_lines(conn, merchant_id, import_id, BATCH):
        await booking.book(conn, [own_facts.of_bank(line, trace_id) for line in lines])
    async for settled in store.settlement_lines(conn, merchant_id, import_id, BATCH):
        bookable = [own_facts.of_settlement(line, trace_id) for line in settled]
        await booking.book(conn, [each for each in bookable if each is not None])
    await items.collect(conn, merchant_id, import_id, trace_id)


async def collect_courier_lines(conn: Conn, lines: Sequence[SettlementLine]) -> None:
    """Adds payouts and shortages from courier lines, for any merchants."""
    of_merchants: dict[str, list[SettlementLine]] = {}
    for line in lines:
        of_merchants.setdefault(line.merchant_id, []).append(line)
    for merchant_id, found in of_merchants.items():
        event_ids = [line.event_id for line in found if line.event_id]
        await items.collect_payouts(conn, merchant_id, event_ids, NO_TRACE)
        short = [exceptions.shortage(line, NO_TRACE) for line in found if line.shortage_minor]
        await exceptions_store.raise_all(conn, short)
