"""Mistakes that the PSP makes when it pays out: in its report, its feed and the bank's statement
alike. Its charges keep the truth. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from services.sandbox import errors, orders

MOST_OF_A_KIND: Final = 100
LATE_SECONDS: Final = 20 * 86_400.0
# Kinds that change a charge's line; each takes as many charges as requested, in this order.
OF_CHARGES: Final = ("missing", "duplicate", "amount", "currency", "fee", "late", "unnamed")
# Lines without a charge at the PSP: the kind of transaction and its amount.
INVENTED: Final = {
    "unknown_charge": ("charge", 12_34),
    "unknown_refund": ("refund", -7_65),
    "unknown_dispute": ("dispute", -9_87),
    "adjustment": ("adjustment", -4_32),
}
KINDS: Final = (*OF_CHARGES, *INVENTED)


@dataclass(frozen=True, slots=True)
class Settled:
    """One row of the books; the field order is the table's column order. `line` is 0 for a new
    one.
    """

    line: int
    account: str
    charge_id: str
    key: str
    kind: str
    gross_minor: int
    fee_minor: int
    currency: str
    created_at: float
    payout_id: str
    available_on: str


@dataclass(frozen=True, slots=True)
class Changes:
    forgotten: Sequence[int]
    changed: Sequence[Settled]
    added: Sequence[Settled]


def parse(body: Mapping[str, Any]) -> dict[str, int]:
    """Number of lines by kind."""
    orders.only(dict(body), frozenset(KINDS))
    return {kind: orders.integer(dict(body), kind, least=0, most=MOST_OF_A_KIND) for kind in body}


def changes(paid: Sequence[Settled], mistakes: Mapping[str, int], *, mark: str) -> Changes:
    """`mark`: makes the ids of invented transactions unique."""
    charges = [each for each in paid if each.kind == "charge"]
    wanted = sum(mistakes.get(kind, 0) for kind in OF_CHARGES)
    if wanted > len(charges) or not paid:
        message = f"only {len(charges)} charges are paid out"
        raise errors.InvalidRequestError(message, field="mistakes")
    left = iter(charges)
    taken = {kind: [next(left) for _ in range(mistakes.get(kind, 0))] for kind in OF_CHARGES}
    return Changes(
        forgotten=[each.line for each in taken["missing"]],
        changed=list(_changed(taken)),
        added=[
            *(replace(each, line=0) for each in taken["duplicate"]),
            *_invented(paid[0], mistakes, mark),
        ],
    )


def _changed(taken: Mapping[str, Sequence[Settled]]) -> Iterator[Settled]:
    for each in taken["amount"]:
        yield replace(each, gross_minor=each.gross_minor + 100)
    for each in taken["currency"]:
        yield replace(each, currency="USD" if each.currency != "USD" else "EUR")
    for each in taken["fee"]:
        yield replace(each, fee_minor=each.fee_minor + 50)
    for each in taken["late"]:
        yield replace(each, created_at=each.created_at + LATE_SECONDS)
    for each in taken["unnamed"]:
        yield replace(each, charge_id="", key="")


def _invented(like: Settled, mistakes: Mapping[str, int], mark: str) -> Iterator[Settled]:
    for name, (kind, gross_minor) in INVENTED.items():
        for number in range(1, mistakes.get(name, 0) + 1):
            charge_id = "" if name == "adjustment" else f"ch_nobodys_{mark}_{kind}_{number}"
            yield replace(
                like,
                line=0,
                charge_id=charge_id,
                key="",
                kind=kind,
                gross_minor=gross_minor,
                fee_minor=0,
            )
