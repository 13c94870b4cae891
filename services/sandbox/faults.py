"""Fault control: rules that say which calls fail, and how. In memory, lost on restart.

"before" faults happen instead of the booking, "after" faults spoil the answer of a booked call.
"""

import random
from collections import OrderedDict
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    LATENCY = "latency"
    TIMEOUT_BEFORE = "timeout_before"
    DROP_BEFORE = "drop_before"
    ERROR_BEFORE = "error_before"
    TIMEOUT_AFTER = "timeout_after"
    DROP_AFTER = "drop_after"
    ERROR_AFTER = "error_after"
    DECLINE = "decline"
    REFUSE = "refuse"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    DROP = "drop"
    DOWN = "down"
    SLOW = "slow"
    ERROR = "error"


BEFORE = frozenset({Kind.TIMEOUT_BEFORE, Kind.DROP_BEFORE, Kind.ERROR_BEFORE})
AFTER = frozenset({Kind.TIMEOUT_AFTER, Kind.DROP_AFTER, Kind.ERROR_AFTER})
CALL_KINDS = BEFORE | AFTER | {Kind.LATENCY, Kind.DECLINE, Kind.REFUSE}
WEBHOOK_KINDS = frozenset({Kind.DUPLICATE, Kind.DELAY, Kind.REORDER, Kind.DROP})
CALL_OPERATIONS = frozenset({"charge", "capture", "refund", "cancel", "lookup", "instrument"})
WEBHOOK = "webhook"
SMTP = "smtp"
SMS = "sms"
MESSAGE_KINDS = frozenset({Kind.DOWN, Kind.SLOW, Kind.ERROR, Kind.DROP_BEFORE, Kind.DROP_AFTER})
# Every call of the PSP; the mail server and the SMS provider are affected by name only.
ANY = "*"
REMEMBERED_FIRST_CALLS = 20_000


@dataclass(slots=True)
class Rule:
    operation: str
    kind: Kind
    account: str | None = None
    seconds: float | None = None
    probability: float = 1.0
    times: int | None = None
    code: str | None = None
    count: int = 1
    # Phase of an SMTP session: connect, rcpt or data.
    phase: str | None = None
    taken: int = 0

    def matches(self, account: str, operation: str) -> bool:
        if self.account is not None and self.account != account:
            return False
        wider = self.operation == ANY and operation in CALL_OPERATIONS
        if self.operation != operation and not wider:
            return False
        return self.times is None or self.taken < self.times


@dataclass(frozen=True, slots=True)
class WebhookPlan:
    """How one event is delivered."""

    copies: int = 1
    delay_seconds: float = 0.0
    dropped: bool = False


UNDISTURBED = WebhookPlan()


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._random = random.Random()  # noqa: S311  # chaos, not secrets
        self._first_calls: OrderedDict[tuple[str, str], None] = OrderedDict()

    def replace(self, rules: list[Rule], *, seed: int | None = None) -> None:
        self.rules = rules
        self._random = random.Random(seed)  # noqa: S311  # chaos, not secrets

    def describe(self) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in asdict(rule).items() if value is not None}
            for rule in self.rules
        ]

    def take(
        self, account: str, operation: str, kinds: frozenset[Kind], *, phase: str | None = None
    ) -> Rule | None:
        """The first rule of these kinds that affects this call, which uses it up."""
        for rule in self.rules:
            if rule.kind not in kinds or rule.phase != phase:
                continue
            if not rule.matches(account, operation):
                continue
            if self._random.random() < rule.probability:
                rule.taken += 1
                return rule
        return None

    def take_one(self, account: str, operation: str, kind: Kind) -> Rule | None:
        return self.take(account, operation, frozenset({kind})) if self.rules else None

    def is_first_call(self, account: str, key: str) -> bool:
        """Remembers the call, so that a token's own fault affects a key once."""
        if (account, key) in self._first_calls:
            return False
        self._first_calls[account, key] = None
        if len(self._first_calls) > REMEMBERED_FIRST_CALLS:
            self._first_calls.popitem(last=False)
        return True

    def plan_webhook(self, account: str) -> WebhookPlan:
        if not self.rules:
            return UNDISTURBED
        if self.take_one(account, WEBHOOK, Kind.DROP):
            return WebhookPlan(dropped=True)
        copies, delay = 1, 0.0
        if rule := self.take_one(account, WEBHOOK, Kind.DUPLICATE):
            copies += rule.count
        if rule := self.take_one(account, WEBHOOK, Kind.DELAY):
            delay += 1.0 if rule.seconds is None else rule.seconds
        # Every other event is held back, so that the next one overtakes it.
        rule = self.take_one(account, WEBHOOK, Kind.REORDER)
        if rule and rule.taken % 2 == 1:
            delay += 0.5 if rule.seconds is None else rule.seconds
        return WebhookPlan(copies=copies, delay_seconds=delay)
