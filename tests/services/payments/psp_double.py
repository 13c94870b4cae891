"""A test double of a PSP: a Connector with books of its own.

Like a real one it honours idempotency keys: a repeated key gets the first answer. `plan` sets the
outcomes of the next calls of a kind; without a plan a call is approved.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from services.payments.connectors.base import (
    Asked,
    Authorisation,
    InstrumentReady,
    InstrumentSetup,
    Operation,
    Settlements,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.states import AttemptKind
from tests.services.payments.psp_webhooks import NOTICES

AUTHORISE, CAPTURE, CANCEL, REFUND = AttemptKind


class ProcessDied(BaseException):
    """SIGKILL, as far as a test can simulate it."""


class Fault(Enum):
    DIES_BEFORE = "the process dies before the request leaves"
    DIES_DURING = "the PSP does it, and the process dies before the answer"
    DIES_AFTER = "the process dies before it records the answer"
    LOST_ANSWER = "the PSP does it, and its answer is lost"
    NEVER_ARRIVED = "no answer, and the PSP never saw the request"


NEVER_SEEN = (Fault.DIES_BEFORE, Fault.NEVER_ARRIVED)


def declined(code: DeclineCode = DeclineCode.DO_NOT_HONOR, reference: str = "") -> Declined:
    return Declined(code, "The test says no.", psp_code=code.value, psp_reference=reference)


@dataclass
class BookedCharge:
    key: str
    payment_id: str
    amount_minor: int
    held_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    released: bool = False


@dataclass
class PspDouble:
    name: str
    charges: dict[str, BookedCharge] = field(default_factory=dict)  # by our reference
    calls: list[tuple[str, Any]] = field(default_factory=list)
    answers: dict[str, Outcome] = field(default_factory=dict)  # by key
    die_after: Callable[[], None] = lambda: None
    on_call: Callable[[Any], Awaitable[None]] | None = None  # before the answer leaves the PSP
    look_ups_fail: bool = False
    removable: bool = True
    has_console: bool = False  # without one, payments never asks for more than there is
    setup_outcome: Any = None
    settled: Settlements | Unknown = field(default_factory=lambda: Settlements([], ""))
    script: str = "https://psp.test/field.js"
    used_up: set[str] = field(default_factory=set)  # single-use tokens: once_…
    _plans: dict[AttemptKind, deque] = field(default_factory=lambda: defaultdict(deque))

    def plan(self, kind: AttemptKind, *steps: Outcome | Fault) -> None:
        self._plans[kind].extend(steps)

    def forget_plans(self) -> None:
        self._plans.clear()

    # What auditors read

    def taken(self) -> list[tuple[str, int]]:
        """(payment, amount) of every charge that took or holds money."""
        return [
            (charge.payment_id, charge.captured_minor or charge.held_minor)
            for charge in self.charges.values()
            if charge.captured_minor or charge.held_minor
        ]

    def sent(self, kind: AttemptKind) -> list[Any]:
        return [request for name, request in self.calls if name == kind.value]

    # What happens at the PSP later

    def pass_challenge(self, key: str, *, captured: bool = True) -> Outcome:
        charge = self._charge_of(key)
        return self._settle(key, self._take(charge, charge.amount_minor, captured=captured))

    def settle(self, key: str, outcome: Outcome) -> Outcome:
        return self._settle(key, outcome)

    def approve_late(self, key: str, payment_id: str, *, captured: bool) -> Approved:
        """After it declined, or after the attempt was given up."""
        booked = self.charges.setdefault(
            self.reference(key), BookedCharge(key, payment_id, amount_minor=5990)
        )
        booked.held_minor, booked.captured_minor, booked.released = 0, 0, False
        approved = self._take(booked, booked.amount_minor, captured=captured)
        self._settle(key, approved)
        return approved

    # The connector

    async def authorise(self, charge: Authorisation) -> Outcome:
        def do() -> Approved:
            booked = self._book(charge)
            return self._take(booked, charge.amount_minor, captured=charge.capture)

        def wait(outcome: Outcome) -> Outcome:
            if isinstance(outcome, ActionRequired | Pending):
                self._book(charge)
            return outcome

        return await self._do(AUTHORISE, charge, do, wait)

    async def capture(self, operation: Operation) -> Outcome:
        def do() -> Outcome:
            charge = self.charges[operation.psp_reference]
            if operation.amount_minor > charge.held_minor:
                return self._refused("over-capture at the PSP")
            charge.captured_minor, charge.held_minor = operation.amount_minor, 0
            self.answers[charge.key] = Approved(
                operation.psp_reference, operation.amount_minor, captured=True
            )
            return Approved(operation.psp_reference, operation.amount_minor, captured=True)

        return await self._do(CAPTURE, operation, do)

    async def cancel(self, operation: Operation) -> Outcome:
        def do() -> Outcome:
            charge = self.charges[operation.psp_reference]
            if charge.captured_minor:
                return declined(DeclineCode.REQUEST_REFUSED)
            charge.held_minor, charge.released = 0, True
            self.answers[charge.key] = declined(DeclineCode.REQUEST_REFUSED)
            return Approved(operation.psp_reference, charge.amount_minor)

        return await self._do(CANCEL, operation, do)

    async def refund(self, operation: Operation) -> Outcome:
        def do() -> Outcome:
            charge = self.charges[operation.psp_reference]
            if operation.amount_minor > charge.captured_minor - charge.refunded_minor:
                return self._refused("over-refund at the PSP")
            charge.refunded_minor += operation.amount_minor
            return Approved(f"re_{operation.key}", operation.amount_minor)

        return await self._do(REFUND, operation, do)

    async def look_up(self, asked: Asked) -> Outcome | NotFound:
        self.calls.append(("look_up", asked))
        if self.look_ups_fail:
            return Unknown("the test says so")
        return self.answers.get(asked.key, NotFound())

    async def set_up_instrument(self, setup: InstrumentSetup) -> Any:
        self.calls.append(("set_up", setup))
        return self.setup_outcome or InstrumentReady(
            token=f"card_{setup.token}",
            psp_customer=f"c_{setup.customer_id}",
            brand="visa",
            last4="4242",
            exp_month=12,
            exp_year=2030,
            country="IT",
            fingerprint=f"fp_{setup.token}",
        )

    async def remove_instrument(self, token: str) -> bool:
        self.calls.append(("remove", token))
        return self.removable

    def parse_webhook(self, body: bytes, headers: Any, now: float) -> Any:
        if headers.get("signature") != f"signed by {self.name}":
            raise WebhookSignatureError
        try:
            return NOTICES[json.loads(body)["number"]]
        except (ValueError, KeyError) as error:
            raise WebhookMalformedError from error

    async def settlements(self, cursor: str, *, since: datetime) -> Settlements | Unknown:
        self.calls.append(("settlements", (cursor, since)))
        return self.settled

    @property
    def field(self) -> tuple[str, str]:
        return f"pk_{self.name}", self.script

    async def close(self) -> None:
        self.calls.append(("close", None))

    # How a call is answered

    async def _do(
        self,
        kind: AttemptKind,
        request: Authorisation | Operation,
        do: Callable[[], Outcome],
        wait: Callable[[Outcome], Outcome] = lambda outcome: outcome,
    ) -> Outcome:
        self.calls.append((kind.value, request))
        await asyncio.sleep(0)
        if request.key in self.answers:
            return self.answers[request.key]
        if isinstance(request, Authorisation) and request.token in self.used_up:
            return self._settle(request.key, declined(DeclineCode.CARD_INVALID))
        step = self._plans[kind].popleft() if self._plans[kind] else None
        if isinstance(request, Authorisation) and step not in NEVER_SEEN:
            self.used_up |= {request.token} if request.token.startswith("once_") else set()
        match step:
            case Fault.DIES_BEFORE:
                raise ProcessDied
            case Fault.NEVER_ARRIVED | Unknown():
                return Unknown("the test says so")
            case None | Fault():
                outcome = self._settle(request.key, do())
            case _:
                outcome = self._settle(request.key, wait(step))
        if self.on_call is not None:
            await self.on_call(request)
        if step is Fault.DIES_DURING:
            raise ProcessDied
        if step is Fault.DIES_AFTER:
            self.die_after()
        return Unknown("the answer was lost") if step is Fault.LOST_ANSWER else outcome

    def _refused(self, why: str) -> Outcome:
        assert self.has_console, why
        return declined(DeclineCode.REQUEST_REFUSED)

    def _settle(self, key: str, outcome: Outcome) -> Outcome:
        self.answers[key] = outcome
        return outcome

    def _book(self, charge: Authorisation) -> BookedCharge:
        booked = BookedCharge(charge.key, charge.payment_id, charge.amount_minor)
        self.charges[self.reference(charge.key)] = booked
        return booked

    def _take(self, charge: BookedCharge, amount_minor: int, *, captured: bool) -> Approved:
        if captured:
            charge.captured_minor = amount_minor
        else:
            charge.held_minor = amount_minor
        return Approved(self.reference(charge.key), amount_minor, captured=captured)

    def _charge_of(self, key: str) -> BookedCharge:
        return self.charges[self.reference(key)]

    def reference(self, key: str) -> str:
        return f"{self.name}:{key}"
