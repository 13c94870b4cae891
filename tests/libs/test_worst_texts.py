"""The cost of checking and normalising text is linear in its length, even for the worst text."""

from functools import partial

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs import validation
from libs.errors import InvalidArgument
from libs.formats import CHECKS
from tests.kit.cost import assert_quick

LONGEST = 2048  # characters in any field with a format
HELD_SECONDS = 0.05  # how long the event loop may be blocked
PIECES = [
    "a",
    "a.",
    "a@",
    "@",
    ".",
    "-",
    "a-",
    "1",
    "+1",
    " ",
    "\t",
    "é",
    "\u0301",
    "\ufdfa",
    "://",
    "%0",
]


@pytest.mark.parametrize("name", CHECKS)
def test_every_format_is_checked_quickly(name: str):
    for piece in PIECES:
        for text in (piece * LONGEST, piece * LONGEST + "!", "a@" + piece * LONGEST):
            check_it = partial(CHECKS[name], text[:LONGEST])
            assert_quick(check_it, within=HELD_SECONDS, what=(name, piece))


def check(request) -> None:
    with pytest.raises(InvalidArgument):
        validation.check(request)


@pytest.mark.parametrize("piece", PIECES)
def test_a_message_sized_text_is_refused_quickly(piece: str):
    """A message as large as the server accepts; every rule checks the field's length first or costs little."""
    text = (piece * 700_000)[:700_000]
    request = pb.CreatePaymentRequest(
        order_reference=text, description=text, return_url=text, customer_id=text
    )
    assert_quick(partial(check, request), within=2 * HELD_SECONDS)


def test_thousands_of_wrong_fields_are_refused_quickly():
    request = pb.CreatePaymentRequest(metadata={f"{n}\u202e": "x\u202e" for n in range(50_000)})
    request.instrument.tokens.extend(pb.InstrumentToken(psp_account="\x00") for _ in range(50_000))
    assert_quick(partial(check, request), within=2 * HELD_SECONDS)
