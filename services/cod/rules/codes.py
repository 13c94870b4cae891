"""One-time codes by which a recipient confirms an order. Pure: secrets are passed in.

A code has six digits and could be guessed, so it allows few attempts, and an order gets few codes:
at most 25 guesses out of a million.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.cod.errors import TooManyCodes

DIGITS: Final = 6
VALID: Final = timedelta(minutes=15)
TRIES: Final = 5
MOST: Final = 5  # per order, unless it has to be confirmed again
APART: Final = timedelta(minutes=1)
_NOTHING: Final = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An order's only code that can be valid. `proof` is keyed; `sealed` is for the message that
    delivers it. Both are deleted once it is used or has been tried too often.
    """

    merchant_id: str
    order_id: str
    number: int  # count of codes sent
    tries: int
    proof: bytes | None
    sealed: str | None
    sent_at: datetime
    expires_at: datetime


def spelt(number: int) -> str:
    return f"{number:0{DIGITS}}"


def normal(typed: str) -> str:
    """The code without the separators that people type: `123 456`."""
    return "".join(typed.split()).replace("-", "")


def subject(order_id: str, code: str) -> str:
    """What a proof covers: a code is valid for its own order only."""
    return f"{order_id}:{code}"


def room_for_code(before: Code | None, now: datetime) -> None:
    """Raises TooManyCodes if another code may not be sent, or not yet."""
    if before is None:
        return
    if before.number >= MOST or now < before.sent_at + APART:
        raise TooManyCodes


def sent(
    before: Code | None,
    *,
    merchant_id: str,
    order_id: str,
    proof: bytes,
    sealed: str,
    now: datetime,
) -> Code:
    """A new code, which voids the previous ones."""
    return Code(
        merchant_id=merchant_id,
        order_id=order_id,
        number=1 if before is None else before.number + 1,
        tries=0,
        proof=proof,
        sealed=sealed,
        sent_at=now,
        expires_at=now + VALID,
    )


def is_valid(code: Code | None, now: datetime) -> bool:
    return code is not None and code.proof is not None and now < code.expires_at


def tried(code: Code | None, proofs: Sequence[bytes], now: datetime) -> tuple[Code | None, bool]:
    """The code after an attempt, and whether it was right. The comparison takes constant time.

    `proofs`: of the input, under each key.
    """
    known = _NOTHING if code is None or code.proof is None else code.proof
    same = [hmac.compare_digest(known, proof) for proof in proofs]
    if code is None or not is_valid(code, now):
        return code, False
    after = replace(code, tries=code.tries + 1)
    if any(same) or after.tries >= TRIES:
        after = used_up(after)
    return after, any(same)


def used_up(code: Code) -> Code:
    return replace(code, proof=None, sealed=None)
