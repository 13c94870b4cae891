"""Saves a card: a reusable token that behaves like the card it was made from."""

import dataclasses
import time
from typing import Any

from services.sandbox import errors, flows, orders, views
from services.sandbox.books import instruments, operations
from services.sandbox.books.instruments import Instrument
from services.sandbox.books.operations import Operation
from services.sandbox.cards import CHALLENGED_AT_SETUP, SINGLE_USE_PREFIX, Card
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.psp import Sca


@dataclasses.dataclass(frozen=True, slots=True)
class InstrumentOrder:
    token: str
    customer_reference: str | None
    return_url: str | None
    sca: Sca


def save_instrument(deps: Deps, call: flows.Call, order: InstrumentOrder) -> Operation:
    card = flows.resolve_card(deps, call.account, order.token)
    challenged = order.sca.challenge_forced or card.magic in CHALLENGED_AT_SETUP
    instrument = _instrument(
        card,
        account=call.account,
        prefix="sbx",
        state="requires_action" if challenged else "ready",
        customer_reference=order.customer_reference,
        challenge=flows.new_id("3ds") if challenged else None,
        return_url=order.return_url,
    )
    operation = Operation(
        account=call.account,
        key=call.key,
        kind="instrument",
        body_hash=call.body_hash,
        id=flows.new_id("op"),
        subject=instrument.token,
        amount_minor=None,
        state=instrument.state,
        code=None,
        status=200,
        answer=flows.encoded(views.instrument(instrument, call.base_url)),
        created_at=instrument.created_at,
    )
    with transaction(deps.conn):
        instruments.use_up(deps.conn, order.token)
        instruments.insert(deps.conn, instrument)
        operations.insert(deps.conn, operation)
    return operation


def issue_field_token(deps: Deps, account: str, card: Card) -> dict[str, Any]:
    """The token of an entered card for the browser field: valid for one charge or one saved
    card.
    """
    instrument = _instrument(
        card, account=account, prefix=SINGLE_USE_PREFIX.rstrip("_"), state="single_use"
    )
    with transaction(deps.conn):
        instruments.insert(deps.conn, instrument)
    return {"token": instrument.token, "brand": instrument.brand, "last4": instrument.last4}


def delete_instrument(deps: Deps, account: str, token: str) -> None:
    if not instruments.delete(deps.conn, account, token):
        raise errors.NotFoundError("no such instrument")


def finish_setup(
    deps: Deps, instrument: Instrument, *, approved: bool, base_url: str
) -> Instrument:
    if instrument.state != "requires_action":
        raise errors.NotPendingError(f"an instrument in state {instrument.state} waits for nothing")
    finished = dataclasses.replace(instrument, state="ready" if approved else "refused")
    with transaction(deps.conn):
        instruments.set_state(deps.conn, finished.token, finished.state)
        deps.sender.emit(
            finished.account,
            f"instrument.{finished.state}",
            {"instrument": views.instrument(finished, base_url)},
        )
    return finished


def _instrument(
    card: Card,
    *,
    account: str,
    prefix: str,
    state: str,
    customer_reference: str | None = None,
    challenge: str | None = None,
    return_url: str | None = None,
) -> Instrument:
    return Instrument(
        token=flows.new_id(prefix),
        account=account,
        customer_reference=customer_reference,
        magic=card.magic,
        brand=card.brand,
        last4=card.last4,
        country=card.country,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        state=state,
        challenge=challenge,
        return_url=return_url,
        created_at=time.time(),
    )


def parse_instrument(body: dict[str, Any]) -> InstrumentOrder:
    orders.only(body, frozenset({"token", "customer_reference", "return_url", "sca"}))
    return InstrumentOrder(
        token=orders.text(body, "token"),
        customer_reference=orders.optional_text(body, "customer_reference"),
        return_url=orders.web_address(body, "return_url"),
        sca=orders.parse_sca(body),
    )
