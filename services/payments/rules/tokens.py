"""Tokens: how long they are kept, and which are valid for one charge. Pure.

An unsaved card has a token from the PSP's own field. It is sent under one key only. The PSP repeats
its answer under the same key; under another key it might refuse the token as used up, although
nothing was charged.

A PSP's own payment method, which the shopper approves on the PSP's page, takes the place of a token
and is valid for one charge too.
"""

from collections.abc import Collection
from typing import Final

from libs.errors import invalid
from services.payments.rules.domain import Payment
from services.payments.rules.states import Initiator, State

METHOD: Final = "method:"  # before the name of a PSP's own method, e.g. `method:klarna`


def method_of(token: str) -> str:
    """The PSP's name of its method; "" for the token of a card."""
    return token.removeprefix(METHOD) if token.startswith(METHOD) else ""


def check_single_use(accounts: Collection[str], initiator: Initiator) -> None:
    """The card comes from one field, and its shopper is present. Raises InvalidArgument."""
    if len(accounts) != 1:
        raise invalid("instrument.tokens", "must be one token for a card that is not saved")
    if initiator is Initiator.MERCHANT:
        raise invalid("initiator", "must be the customer for a card that is not saved")


def are_single_use(payment: Payment) -> bool:
    return not payment.instrument_id


def are_used_up(payment: Payment) -> bool:
    """Whether no PSP call can need them any more, so that they can be cleared.

    Only a payment whose authorisation has no outcome yet may be tried again, at this PSP or another.
    """
    return payment.state is not State.PROCESSING
