"""SQL of instruments, and of tokens to delete at PSPs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import ids, rows
from libs.db import Conn
from libs.queues import BACKOFF, Queue
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    Instrument,
    InstrumentEvent,
    InstrumentState,
    Token,
)

_INSTRUMENTS: Final = rows.Table("instruments", Instrument, spread={"card": ""})
_INSERT: Final = _INSTRUMENTS.insert(due_at="now() + {}")
_SAVED: Final = _INSTRUMENTS.but(
    "merchant_id", "id", "customer_id", "consent_id", "make_default", "psp_account", "created_at"
)
# $3 is the state before; from $4 on the new values of _SAVED, the state first.
_SAVE: Final = f"""{rows.assignments(_SAVED, first=4)},
    due_at = CASE WHEN $4 <> 'requires_action' THEN NULL
        WHEN $3 = 'setting_up' THEN now() + interval '10 seconds' ELSE due_at END"""

# Shoppers return from a challenge within minutes, so the PSP is asked often at first.
CHALLENGE_PAUSE: Final = f"""CASE
    WHEN state = 'requires_action' AND begun_at > now() - interval '10 minutes'
    THEN interval '10 seconds' ELSE {BACKOFF} END"""

get: Final = _INSTRUMENTS.get


async def insert(conn: Conn, instrument: Instrument, *, check_after: timedelta) -> None:
    """Writes the intent of a setup; a worker takes it up if no answer is recorded in time."""
    await conn.execute(_INSERT, *_INSTRUMENTS.values(instrument), check_after)


async def of_customer(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[Instrument]:
    """All that can still be charged or shown, including those being set up; oldest first."""
    where = (
        "WHERE merchant_id = $1 AND customer_id = $2"
        " AND state IN ('setting_up', 'requires_action', 'active') ORDER BY id"
    )
    return await _INSTRUMENTS.all(conn, where, merchant_id, customer_id)


async def of_ids(
    conn: Conn, merchant_id: str, instrument_ids: Sequence[str]
) -> Sequence[Instrument]:
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[])"
    return await _INSTRUMENTS.all(conn, where, merchant_id, list(instrument_ids))


async def save(
    conn: Conn, before: InstrumentState, event: InstrumentEvent, new: Instrument
) -> bool:
    """Writes an instrument's change; False if it was in another state.

    Only an instrument that requires action is checked again.
    """
    assert INSTRUMENT_TRANSITIONS[before, event] is new.state
    values = _INSTRUMENTS.values(new, *_SAVED)
    return await _INSTRUMENTS.change(conn, new, _SAVE, before.value, *values, only="state = $3")


async def save_merged(conn: Conn, grown: Instrument) -> None:
    """A card that was saved again: its tokens, its date and the latest consent."""
    saved = ("exp_month", "exp_year", "tokens", "consent_id")
    new, values = rows.assignments(saved, first=3), _INSTRUMENTS.values(grown, *saved)
    await _INSTRUMENTS.change(conn, grown, new, *values, only="state = 'active'")


async def ask_again_now(conn: Conn, merchant_id: str, instrument_id: str) -> None:
    """Lets a repeat of the call, or the worker, continue at once."""
    unanswered = "state = 'setting_up'"
    await _INSTRUMENTS.change_at(
        conn, merchant_id, instrument_id, "due_at = now()", only=unanswered
    )


@dataclass(frozen=True, slots=True)
class Removal:
    """A token to delete at its PSP."""

    id: str
    merchant_id: str
    psp_account: str
    token: str
    clock_offset_seconds: int = 0  # nothing here depends on the time


_REMOVED: Final = """
INSERT INTO token_removals (merchant_id, id, psp_account, token)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])"""


async def insert_removals(conn: Conn, merchant_id: str, tokens: Sequence[Token]) -> None:
    accounts = [token.psp_account for token in tokens]
    removal_ids, texts = [ids.new("rmv") for _ in tokens], [token.token for token in tokens]
    await conn.execute(_REMOVED, merchant_id, removal_ids, accounts, texts)


# Each is claimed again, at growing intervals, until its PSP has deleted it.
CLAIM_REMOVALS: Final = Queue("token_removals").claim(f"""
UPDATE token_removals SET checks = checks + 1, due_at = now() + {BACKOFF}
FROM due WHERE (token_removals.merchant_id, token_removals.id) = (due.merchant_id, due.id)
RETURNING token_removals.id, token_removals.merchant_id, psp_account, token""")  # noqa: S608 - made of constants


async def delete_removal(conn: Conn, removal: Removal) -> None:
    gone = "DELETE FROM token_removals WHERE merchant_id = $1 AND id = $2"
    await conn.execute(gone, removal.merchant_id, removal.id)
