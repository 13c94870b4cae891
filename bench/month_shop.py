"""An invented month of a shop: payments, refunds, disputes, transfers, cash collected by couriers, and the resulting payouts.

Uses no code of Incasso. Both Incasso's events (month_events.py) and the files of PSPs and banks (month_files.py) are derived
from it. There are few prices, so equal amounts are common; order references repeat.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")
FIRST: Final = date(2026, 9, 1)
DAYS: Final = 30
PRICES: Final = (990, 1990, 2990, 4990, 5990, 9990)
ACCOUNTS: Final = (
    ("stripe-it", "EUR"),
    ("stripe-it", "CHF"),
    ("sandbox-b", "EUR"),
    ("paypal-it", "EUR"),
)
WEIGHTS: Final = (5, 1, 2, 2)
HOW: Final = {"card": 90, "cash": 7, "transfer": 3}
ORDERS: Final = {"own": 9, "none": 1}  # "none": the same reference for every order
CAPTURES: Final = {"whole": 90, "twice": 5, "less": 5}
# What may follow a capture: the movement, its share of the captured amount, and how many hours later.
AFTERWARDS: Final[Mapping[str, Sequence[tuple[str, float, int]]]] = {
    "kept": (),
    "refunded": (("refund", -1, 40),),
    "refunded twice": (("refund", -0.25, 40), ("refund", -0.25, 41)),
    "refund returned": (("refund", -1, 40), ("refund_failure", 1, 90)),
    "disputed": (("dispute", -1, 60),),
    "dispute won": (("dispute", -1, 60), ("dispute_reversal", 1, 120)),
}
SHARES: Final = (935, 30, 20, 5, 5, 5)
COURIERS: Final = ("cou_brt", "cou_gls")
PAID_OUT_AFTER: Final = timedelta(days=2)
DISPUTE_FEE: Final = 1500


@dataclass(frozen=True, slots=True)
class Payment:
    number: int
    account: str
    currency: str
    minor: int
    order: str
    is_named: bool = True  # its references are in the PSP's report

    @property
    def id(self) -> str:
        return f"pay_{self.number:026}"

    @property
    def psp_reference(self) -> str:
        return f"pi_{self.number:012}" if self.account != "paypal-it" else f"PP{self.number:012}"


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement at a PSP, signed, and the fee that the PSP kept."""

    what: str  # charge, refund, refund_failure, dispute, dispute_reversal
    payment: Payment
    minor: int
    fee: int
    at: datetime
    reference: str  # the PSP's reference of the operation


@dataclass(frozen=True, slots=True)
class Transfer:
    """A link paid by bank transfer."""

    reference: str
    minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Collected:
    """Cash collected at the door; the courier remits it on `remitted_on`, less its cut."""

    order: str
    courier: str
    minor: int
    cut: int
    at: datetime
    remitted_on: date

    @property
    def remittance(self) -> str:
        return f"rem_{self.courier[4:]}{self.remitted_on:%Y%m%d}"


@dataclass(slots=True)
class Month:
    moved: list[Moved] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)


def made(payments: int, *, seed: int = 1) -> Month:
    """The same seed gives the same month."""
    chance, month = random.Random(seed), Month()  # noqa: S311 - no secret
    for number in range(payments):
        at = _moment(chance)
        match _one_of(chance, HOW):
            case "transfer":
                reference = f"TRF{number:09}"
                month.transfers.append(Transfer(reference, chance.choice(PRICES), at))
            case "cash":
                month.collected.append(_at_a_door(chance, number, at))
            case _:
                month.moved.extend(_by_card(chance, number, at))
    return month


def _moment(chance: random.Random) -> datetime:
    """Any time of the month in Rome, including close to midnight."""
    seconds = chance.randrange(DAYS * 86_400)
    midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ROME)
    return midnight + timedelta(seconds=seconds)


def _at_a_door(chance: random.Random, number: int, at: datetime) -> Collected:
    minor = chance.randrange(1000, 20_000)
    days = timedelta(days=chance.randrange(3, 6))
    return Collected(
        f"C-{number}", chance.choice(COURIERS), minor, 150 + minor // 100, at, at.date() + days
    )


def _one_of(chance: random.Random, shares: Mapping[str, int]) -> str:
    return chance.choices([*shares], [*shares.values()])[0]


def _by_card(chance: random.Random, number: int, at: datetime) -> Iterator[Moved]:
    account, currency = chance.choices(ACCOUNTS, WEIGHTS)[0]
    order = "WEB" if _one_of(chance, ORDERS) == "none" else f"A-{chance.randrange(1 + number)}"
    payment = Payment(number, account, currency, chance.choice(PRICES), order)

    def of(what: str, minor: int, hours: float) -> Moved:
        fee = minor * 14 // 1000 + 25 if what == "charge" else 0
        fee = DISPUTE_FEE if what == "dispute" else fee
        reference = f"{what[:2]}_{number}_{hours:.0f}"
        return Moved(what, payment, minor, fee, at + timedelta(hours=hours), reference)

    captured = payment.minor
    match _one_of(chance, CAPTURES):
        case "twice":
            captured = payment.minor // 2 * 2
            yield from (of("charge", captured // 2, hours) for hours in (0, 30))
        case "less":
            captured = payment.minor * 7 // 10
            yield of("charge", captured, 0)
        case _:
            yield of("charge", captured, 0)
    for what, share, hours in AFTERWARDS[
        _one_of(chance, dict(zip(AFTERWARDS, SHARES, strict=True)))
    ]:
        yield of(what, int(captured * share), hours)


@dataclass(frozen=True, slots=True)
class Payout:
    name: str
    account: str
    currency: str
    on: date
    lines: tuple[Moved, ...]

    @property
    def minor(self) -> int:
        return sum(line.minor - line.fee for line in self.lines)


def payouts(moved: list[Moved]) -> list[Payout]:
    """Daily payouts per account and currency; PSPs' days are UTC."""
    days: dict[tuple[str, str, date], list[Moved]] = {}
    for line in sorted(moved, key=lambda line: line.at):
        key = line.payment.account, line.payment.currency, line.at.astimezone(UTC).date()
        days.setdefault(key, []).append(line)
    return [
        Payout(
            f"po_{account[:4]}{currency}{day:%Y%m%d}", account, currency,
            day + PAID_OUT_AFTER, tuple(lines),
        )
        for (account, currency, day), lines in days.items()
    ]  # fmt: skip  # one call
