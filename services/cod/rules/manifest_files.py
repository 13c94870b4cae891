"""A courier's manifest: the amount it will collect for each accepted parcel. Pure.

Manifests also contain parcels without an amount to collect, of any orders.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.sheets.cells import Cell, WrongCellError
from libs.sheets.reading import Row
from services.cod.rules import parcels
from services.cod.rules.acknowledging import Acknowledgement, Recorded
from services.cod.rules.courier_files import RECORDED, Reader, Reading, code_of, number_of
from services.cod.rules.couriers import Courier
from services.cod.rules.parcels import AcknowledgedParcel

BLOCK: Final = 400  # parcels per transaction, unless one order has more
MOST_EXCEPTIONS: Final = 500  # reported per file


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The result of a file: number of orders by outcome, and those that cannot be dispatched."""

    parcels: int
    orders: int
    outcomes: Mapping[str, int]
    exceptions: tuple[Acknowledgement, ...]


def read(data: bytes, courier: Courier) -> Reading[AcknowledgedParcel]:
    """All parcels in file order; none if the file has a fault."""
    return _Reader(courier).read(data)


class _Reader(Reader[AcknowledgedParcel]):
    KEYS = ("sender_reference", "tracking_number")
    SUMS = ("to_collect",)
    LIMITS = RECORDED

    def __init__(self, courier: Courier) -> None:
        assert courier.manifest_columns is not None
        super().__init__(courier.manifest_columns, courier.manifest_amounts, courier.currency)

    def line(self, row: Row) -> AcknowledgedParcel | None:
        """None for an unknown parcel without an amount."""
        reference = self.cell(row, "sender_reference", code_of) or ""
        number = self.cell(row, "tracking_number", number_of) or ""
        to_collect = self.cell(row, "to_collect", self._to_collect) or 0
        if not self.has_value(row, "tracking_number"):
            self.fault(row, "tracking_number", "is empty")
        if not self.has_value(row, "sender_reference"):
            if not to_collect:
                return None
            self.fault(row, "sender_reference", "is empty, although there is money to collect")
        return AcknowledgedParcel(reference, number, to_collect)

    def _to_collect(self, cell: Cell) -> int:
        amount = self.amount(cell)
        if amount < 0:
            raise WrongCellError("must not be below zero")
        return amount


def blocks(lines: Sequence[AcknowledgedParcel]) -> Iterator[Sequence[AcknowledgedParcel]]:
    """An order's parcels are in one block, wherever they are in the file: a report about an order
    replaces the previous one.
    """
    block: list[AcknowledgedParcel] = []
    for of_order in parcels.by_order(lines).values():
        if block and len(block) + len(of_order) > BLOCK:
            yield block
            block = []
        block += of_order
    if block:
        yield block


def summed(lines: Sequence[AcknowledgedParcel], answers: Sequence[Acknowledgement]) -> Manifest:
    exceptions = [answer for answer in answers if _is_exception(answer)]
    return Manifest(
        parcels=len(lines),
        orders=len(answers),
        outcomes=dict(Counter(answer.outcome.value for answer in answers)),
        exceptions=tuple(exceptions[:MOST_EXCEPTIONS]),
    )


def _is_exception(answer: Acknowledgement) -> bool:
    """The manifest also contains parcels of prepaid orders: nothing is collected for them."""
    if answer.outcome is Recorded.ORDER_UNKNOWN:
        return answer.acknowledged_minor > 0
    return answer.outcome is not Recorded.MATCHED
