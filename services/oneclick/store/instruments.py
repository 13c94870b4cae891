"""SQL of instruments, and of the tokens that PSPs must forget."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from libs import ids, rows
from libs.db import Conn
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    Card,
    Instrument,
    InstrumentEvent,
    InstrumentState,
    Token,
)

_INSTRUMENTS: Final = rows.Table("instruments", Instrument, spread={"card": ""})
_INSERT: Final = _INSTRUMENTS.insert(due_at="now() + {}")
_SAVED: Final = (
    "state",
    "brand",
    "last4",
    "exp_month",
    "exp_year",
    "country",
    "fingerprint",
    "tokens",
    "next_action_url",
    "last_challenge_at",
    "merged_into",
    "refusal",
    "setup_request",
)
# $1 merchant, $2 id, $3 state before, $4 state after and the rest of _SAVED.
_SAVE: Final = f"""
UPDATE instruments SET {rows.assignments(_SAVED, first=4)},
    due_at = CASE WHEN $4 <> 'requires_action' THEN NULL
        WHEN $3 = 'setting_up' THEN now() + interval '10 seconds' ELSE due_at END
WHERE merchant_id = $1 AND id = $2 AND state = $3"""  # noqa: S608 - made of constants


async def insert(conn: Conn, instrument: Instrument, *, check_after: timedelta) -> None:
    """The intent of a setup; a worker takes it up when nobody records an answer in time."""
    await conn.execute(_INSERT, *_INSTRUMENTS.values(instrument), check_after)


async def get(conn: Conn, merchant_id: str, instrument_id: str) -> Instrument | None:
    where = "WHERE merchant_id = $1 AND id = $2"
    return await _INSTRUMENTS.one(conn, where, merchant_id, instrument_id)


async def of_customer(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[Instrument]:
    """All that may still be charged or shown, also those being set up; oldest first."""
    where = (
        "WHERE merchant_id = $1 AND customer_id = $2"
        " AND state IN ('setting_up', 'requires_action', 'active') ORDER BY id"
    )
    return await _INSTRUMENTS.all(conn, where, merchant_id, customer_id)


async def save(
    conn: Conn, before: InstrumentState, event: InstrumentEvent, new: Instrument
) -> bool:
    """Write what an event made of the instrument; False when it was in another state.

    Only one that requires action is looked at again.
    """
    assert INSTRUMENT_TRANSITIONS[before, event] is new.state
    values = _INSTRUMENTS.values(new, *_SAVED)
    return await conn.execute(_SAVE, new.merchant_id, new.id, before.value, *values) == 1


async def save_merged(
    conn: Conn, existing: Instrument, card: Card, tokens: Sequence[Token], consent_id: str | None
) -> None:
    """A card that was saved again: its tokens, its date and the latest consent."""
    await conn.execute(
        "UPDATE instruments SET exp_month = $3, exp_year = $4, tokens = $5,"
        " consent_id = coalesce($6, consent_id)"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'active'",
        existing.merchant_id,
        existing.id,
        card.exp_month,
        card.exp_year,
        rows.to_json(tokens),
        consent_id,
    )


async def ask_again_now(conn: Conn, merchant_id: str, instrument_id: str) -> None:
    """Whoever asks next, a repeat of the call or the worker, may go on at once."""
    await conn.execute(
        "UPDATE instruments SET due_at = now() WHERE merchant_id = $1 AND id = $2"
        " AND state = 'setting_up'",
        merchant_id,
        instrument_id,
    )


async def insert_removals(conn: Conn, merchant_id: str, tokens: Iterable[Token]) -> None:
    for token in tokens:
        await conn.execute(
            "INSERT INTO token_removals (merchant_id, id, psp_account, token)"
            " VALUES ($1, $2, $3, $4)",
            merchant_id,
            ids.new("rmv"),
            token.psp_account,
            token.token,
        )
