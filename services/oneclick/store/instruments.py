"""SQL of instruments, and of the tokens that PSPs must forget."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from libs import ids
from libs.db import Conn, Row
from libs.errors import StoredRefusal
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    Card,
    Instrument,
    InstrumentEvent,
    InstrumentState,
    Token,
)

_SELECT = (
    "SELECT id, merchant_id, customer_id, state, brand, last4, exp_month, exp_year, country,"
    " fingerprint, tokens, consent_id, make_default, next_action_url, last_challenge_at,"
    " merged_into, refusal, psp_account, setup_request, created_at FROM instruments"
)


def tokens_of(stored: Iterable[dict[str, Any]]) -> tuple[Token, ...]:
    return tuple(Token(**token) for token in stored)


def _instrument(row: Row) -> Instrument:
    return Instrument(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        state=InstrumentState(row["state"]),
        card=Card(
            brand=row["brand"],
            last4=row["last4"],
            exp_month=row["exp_month"],
            exp_year=row["exp_year"],
            country=row["country"],
            fingerprint=row["fingerprint"],
        ),
        tokens=tokens_of(row["tokens"]),
        consent_id=row["consent_id"],
        make_default=row["make_default"],
        next_action_url=row["next_action_url"],
        last_challenge_at=row["last_challenge_at"],
        merged_into=row["merged_into"],
        refusal=StoredRefusal(**row["refusal"]) if row["refusal"] else None,
        psp_account=row["psp_account"],
        setup_request=row["setup_request"],
        created_at=row["created_at"],
    )


async def insert(conn: Conn, instrument: Instrument, *, check_after: timedelta) -> None:
    """The intent of a setup; a worker takes it up when nobody records an answer in time."""
    await conn.execute(
        "INSERT INTO instruments (merchant_id, id, customer_id, state, consent_id, make_default,"
        " psp_account, setup_request, due_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9, $10)",
        instrument.merchant_id,
        instrument.id,
        instrument.customer_id,
        instrument.state.value,
        instrument.consent_id,
        instrument.make_default,
        instrument.psp_account,
        instrument.setup_request,
        check_after,
        instrument.created_at,
    )


async def get(conn: Conn, merchant_id: str, instrument_id: str) -> Instrument | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, instrument_id
    )
    return None if row is None else _instrument(row)


async def of_customer(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[Instrument]:
    """All that may still be charged or shown, also those being set up; oldest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND customer_id = $2"
        " AND state IN ('setting_up', 'requires_action', 'active') ORDER BY id",
        merchant_id,
        customer_id,
    )
    return [_instrument(row) for row in rows]


async def save(
    conn: Conn, before: InstrumentState, event: InstrumentEvent, new: Instrument
) -> bool:
    """Write what an event made of the instrument; False when it was in another state.

    Only one that requires action is looked at again.
    """
    assert INSTRUMENT_TRANSITIONS[before, event] is new.state
    changed = await conn.execute(
        "UPDATE instruments SET state = $4, brand = $5, last4 = $6, exp_month = $7, exp_year = $8,"
        " country = $9, fingerprint = $10, tokens = $11, next_action_url = $12,"
        " last_challenge_at = $13, merged_into = $14, refusal = $15, setup_request = $16,"
        " due_at = CASE WHEN $4 <> 'requires_action' THEN NULL"
        "   WHEN $3 = 'setting_up' THEN now() + interval '10 seconds' ELSE due_at END"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        new.merchant_id,
        new.id,
        before.value,
        new.state.value,
        new.card.brand,
        new.card.last4,
        new.card.exp_month,
        new.card.exp_year,
        new.card.country,
        new.card.fingerprint,
        [asdict(token) for token in new.tokens],
        new.next_action_url,
        new.last_challenge_at,
        new.merged_into,
        asdict(new.refusal) if new.refusal else None,
        new.setup_request,
    )
    return changed == 1


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
        [asdict(token) for token in tokens],
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
