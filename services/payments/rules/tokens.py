"""Tokens of cards: how long they are kept, and those that are good for one charge. Pure.

A card that is not saved has a token from the PSP's own field. It is sent under one key only. A
repeat under that key is answered by the PSP from its memory; under another key it might be refused
as used up, although nothing was charged.
"""

from collections.abc import Collection

from libs.errors import invalid
from services.payments.rules.domain import Payment
from services.payments.rules.states import Initiator, State


def check_single_use(accounts: Collection[str], initiator: Initiator) -> None:
    """The card comes from one field, and its shopper is there. Raises InvalidArgument."""
    if len(accounts) != 1:
        raise invalid("instrument.tokens", "must be one token for a card that is not saved")
    if initiator is Initiator.MERCHANT:
        raise invalid("initiator", "must be the customer for a card that is not saved")


def are_single_use(payment: Payment) -> bool:
    return not payment.instrument_id


def are_used_up(payment: Payment) -> bool:
    """Whether no PSP call can need them any more: they are not kept then.

    Only a payment whose authorisation has no outcome yet may be tried again, here or elsewhere.
    """
    return payment.state is not State.PROCESSING
