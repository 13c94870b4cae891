"""Accounts for refunds: what SEPA can carry, and their masked form. Pure.

Holder and IBAN are stored sealed; only a bank file contains them in clear.
"""

from dataclasses import dataclass
from typing import Final

from libs.errors import FieldViolation, InvalidArgument
from services.cod.rules import sepa

_HIDDEN: Final = "•••"
_SHORTEST: Final = 2  # letters and digits of a holder


@dataclass(frozen=True, slots=True)
class RefundAccount:
    """Holder and IBAN, as entered."""

    holder: str
    iban: str


@dataclass(frozen=True, slots=True)
class MaskedAccount:
    holder: str
    iban: str


def check(holder: str, iban: str, *, within: str) -> None:
    """Raises InvalidArgument unless SEPA reaches it; the IBAN's check digits are already verified.
    `within`: prefix of its fields, such as `account.`.
    """
    wrong = []
    if no := holder_fault(holder):
        wrong.append(FieldViolation(f"{within}holder", no))
    if iban[:2] not in sepa.COUNTRIES:
        wrong.append(FieldViolation(f"{within}iban", "must be from a SEPA country"))
    if wrong:
        raise InvalidArgument(violations=wrong)


def holder_fault(holder: str) -> str | None:
    """What is wrong with a name as banks write it, in Latin letters."""
    written = sepa.plain(holder)
    if sum(letter.isalnum() for letter in written) < _SHORTEST:
        return "must be the account holder's name, in letters"
    if len(written) > sepa.NAME:
        return f"must have at most {sepa.NAME} characters in Latin letters"
    return None


def masked(account: RefundAccount) -> MaskedAccount:
    """`G••• B•••` and `IT60 ••• 3456`."""
    initials = " ".join(part[0] + _HIDDEN for part in account.holder.split()[:3])
    return MaskedAccount(initials, f"{account.iban[:4]} {_HIDDEN} {account.iban[-4:]}")
