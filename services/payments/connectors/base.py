"""The interface of a PSP connector. One folder per PSP, one line in registry.py.

A connector is bound to one account (its credentials) and keeps no state. Every write carries our
attempt's id as the PSP's idempotency key. It returns outcomes and does not raise for PSP trouble.
The mapping from the PSP's answers to outcomes is pure and lives in mapping.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol, TypeAlias

import aiohttp

from services.payments.rules.domain import NOBODY, Shopper
from services.payments.rules.outcomes import Declined, NotFound, Outcome, Unknown
from services.payments.rules.states import AttemptKind, DisputeState, Exemption

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A request for an authorisation."""

    key: str  # attempt id: the PSP's idempotency key
    payment_id: str
    amount_minor: int
    currency: str
    # A saved instrument's, or from the PSP's field: valid for one charge, under one key. "" for a
    # PSP's own `method`.
    token: str
    psp_customer: str
    capture: bool  # capture the money at once
    exemption: Exemption
    force_challenge: bool  # after a soft decline
    mandate_reference: str
    return_url: str  # where the PSP redirects the shopper after a challenge
    order_reference: str
    description: str
    method: str = ""  # the PSP's own, which the `shopper` approves on the PSP's page
    shopper: Shopper = NOBODY


@dataclass(frozen=True, slots=True)
class Operation:
    """A capture, cancellation or refund of an earlier charge."""

    key: str  # attempt id: the PSP's idempotency key
    kind: AttemptKind
    psp_reference: str  # of the charge
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look up. `psp_reference` is "" if the first answer never came."""

    key: str
    kind: AttemptKind
    psp_reference: str  # of the charge
    amount_minor: int
    currency: str
    operation_reference: str = ""  # the operation's own, if known
    psp_customer: str = ""  # narrows the search at PSPs that can only list


@dataclass(frozen=True, slots=True)
class InstrumentSetup:
    """A token from the PSP's field, to be exchanged for a reusable one."""

    key: str
    token: str
    customer_id: str
    email: str
    psp_customer: str
    return_url: str


@dataclass(frozen=True, slots=True)
class InstrumentReady:
    """`next_action_url` is "" unless the shopper first has to pass a challenge."""

    token: str
    psp_customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    country: str
    fingerprint: str
    next_action_url: str = ""


SetupOutcome: TypeAlias = InstrumentReady | Declined | Unknown


@dataclass(frozen=True, slots=True)
class OperationNotice:
    """A webhook that reports the outcome of an operation: ours, or somebody else's on one of our
    charges.

    `key` is our attempt id if the PSP repeats it, `charge_key` that of the charge's attempt.
    """

    psp_event_id: str
    key: str
    kind: AttemptKind
    psp_reference: str  # of the charge
    outcome: Outcome
    # The PSP's own id of the operation. "" for a capture or cancellation that the PSP knows only by
    # its charge.
    operation_reference: str = ""
    charge_key: str = ""
    amount_minor: int = 0  # amount of the operation, if reported
    told_at: datetime = _EPOCH  # by the PSP's clock; needed if no key of the charge is reported


def moment(unix_seconds: float) -> datetime:
    """Raises OverflowError or ValueError for a time outside the calendar."""
    return _EPOCH + timedelta(seconds=unix_seconds)


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """A webhook about a dispute of a charge."""

    psp_event_id: str
    dispute_reference: str
    psp_reference: str
    amount_minor: int
    state: DisputeState
    reason: str
    told_at: datetime  # by the PSP's clock: notices come in any order
    charge_key: str = ""


@dataclass(frozen=True, slots=True)
class OtherNotice:
    """A webhook that we do not act on."""

    psp_event_id: str
    type: str


Notice: TypeAlias = OperationNotice | DisputeNotice | OtherNotice


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """One line of a PSP's settlement feed, amounts in minor units; gross - fee = net.

    `line_reference` and `kind` are those of the PSP's reports, so that a line of a feed is the same
    as in a file. References are "" if unknown.
    """

    line_reference: str
    kind: str
    psp_reference: str  # of the payment
    operation_reference: str = ""
    order_reference: str = ""
    payment_id: str = ""
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    happened_on: date  # in UTC
    available_on: date
    payout_reference: str
    payout_on: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Settlements:
    """A page of lines, oldest first. `cursor` fetches the next page, at once if `is_more`."""

    lines: Sequence[SettlementLine]
    cursor: str
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's credentials, from a file that only this service reads."""

    values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        """Raises KeyError, which names the missing entry."""
        return self.values[name]

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)


class WebhookSignatureError(Exception):
    """The webhook was not signed by this PSP account."""


class WebhookMalformedError(Exception):
    """Signed, but malformed."""


class Connector(Protocol):
    """A PSP account."""

    async def authorise(self, charge: Authorisation) -> Outcome: ...

    async def capture(self, operation: Operation) -> Outcome: ...

    async def cancel(self, operation: Operation) -> Outcome: ...

    async def refund(self, operation: Operation) -> Outcome: ...

    async def look_up(self, asked: Asked) -> Outcome | NotFound:
        """The outcome of an earlier operation by our key. NotFound: repeating it is safe."""
        ...

    async def set_up_instrument(self, setup: InstrumentSetup) -> SetupOutcome:
        """The current state of the setup, even if the call is a replay. PSPs replay their first
        answer, so a setup that was still open then is looked up separately.
        """
        ...

    async def remove_instrument(self, token: str) -> bool:
        """Whether the PSP has deleted it (or never knew it)."""
        ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], now: float) -> Notice:
        """Verifies and parses it. `headers` are lower case, `now` is Unix time.

        Raises WebhookSignatureError and WebhookMalformedError.
        """
        ...

    async def settlements(self, cursor: str, *, since: datetime) -> Settlements | Unknown:
        """Lines of the payouts after the cursor; without a cursor, of those since this time."""
        ...

    @property
    def field(self) -> tuple[str, str]:
        """Publishable key and script URL of the PSP's card field; "" if it has none."""
        ...

    async def close(self) -> None: ...


Factory: TypeAlias = Callable[[Credentials, aiohttp.ClientSession], Connector]
