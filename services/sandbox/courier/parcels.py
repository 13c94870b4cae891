"""Parcels of a courier, and the manifests that announce them. Pure."""

import re
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox import errors, orders

MOST_PARCELS: Final = 1000  # per manifest
PARCEL_FIELDS: Final = frozenset({"reference", "amount_minor", "currency", "mode"})
# With this in the reference, the courier accepts the parcel and ignores the amount.
DEAF: Final = "nocod"
_REFERENCE: Final = re.compile(r"[A-Za-z0-9 ._/-]{1,60}")
_CODE: Final = re.compile(r"[A-Z0-9]{0,20}")


class State:
    TAKEN = "taken"
    ATTEMPTED = "attempted"
    COLLECTED = "collected"
    REFUSED = "refused"
    RETURNED = "returned"


# Possible actions on a parcel, and the states that allow them.
MOVES: Final = {
    "attempt": (State.ATTEMPTED, (State.TAKEN,)),
    "deliver": (State.COLLECTED, (State.TAKEN, State.ATTEMPTED, State.REFUSED)),
    "refuse": (State.REFUSED, (State.TAKEN, State.ATTEMPTED)),
    "return": (State.RETURNED, (State.TAKEN, State.ATTEMPTED, State.REFUSED)),
}


@dataclass(frozen=True, slots=True)
class Announced:
    """A parcel in a manifest; `mode` is the courier's own code for the means of payment."""

    reference: str
    amount_minor: int
    currency: str
    mode: str

    @property
    def acknowledged_minor(self) -> int:
        return 0 if DEAF in self.reference.lower() else self.amount_minor


@dataclass(frozen=True, slots=True)
class Parcel:
    """The field order is the column order. `amount_minor`: amount to collect; `remitted_minor`:
    amount paid out of it; `remittance`: in which file, 0 if in none yet.
    """

    sequence: int
    courier: str
    reference: str
    amount_minor: int
    currency: str
    mode: str
    state: str
    collected_minor: int
    remitted_minor: int
    remittance: int
    moved_at: float

    @property
    def tracking_number(self) -> str:
        return f"SBX{self.sequence:09d}"


@dataclass(frozen=True, slots=True)
class Movement:
    """An event of a parcel; the field order is the column order."""

    sequence: int
    tracking_number: str
    reference: str
    state: str
    collected_minor: int
    mode: str
    moved_at: float


def number_of(tracking_number: str) -> int:
    """The sequence number of a parcel, 0 if it is not a tracking number of the sandbox."""
    found = re.fullmatch(r"SBX([0-9]{9})", tracking_number)
    return int(found[1]) if found else 0


def parse_manifest(body: dict[str, Any]) -> list[Announced]:
    orders.only(body, frozenset({"parcels"}))
    parcels = body.get("parcels")
    if not isinstance(parcels, list) or not 1 <= len(parcels) <= MOST_PARCELS:
        raise errors.InvalidRequestError(f"a list of 1 to {MOST_PARCELS} objects", field="parcels")
    return [_announced(parcel) for parcel in parcels]


def _announced(body: object) -> Announced:
    if not isinstance(body, dict):
        raise errors.InvalidRequestError("a list of objects", field="parcels")
    orders.only(body, PARCEL_FIELDS)
    reference, mode = orders.text(body, "reference", longest=60), body.get("mode", "")
    if not _REFERENCE.fullmatch(reference):
        raise errors.InvalidRequestError("letters, digits and ._/- only", field="reference")
    if not isinstance(mode, str) or not _CODE.fullmatch(mode):
        raise errors.InvalidRequestError("a code of capital letters and digits", field="mode")
    currency = orders.optional_text(body, "currency") or "EUR"
    if currency != "EUR":
        raise errors.InvalidRequestError("the courier collects euro only", field="currency")
    amount = orders.integer(body, "amount_minor", least=0, most=orders.MAX_AMOUNT_MINOR)
    return Announced(reference, amount, currency, mode)
