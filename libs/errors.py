"""Refusals: one class and one reason per refusal, and one mapping to gRPC and HTTP.

A service's own refusals are in its errors.py; this module has the base class and those of the chassis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import grpc

T = TypeVar("T")


class Kind(Enum):
    """Kinds of refusal with their gRPC code and HTTP status."""

    INVALID = (grpc.StatusCode.INVALID_ARGUMENT, 400)
    UNAUTHENTICATED = (grpc.StatusCode.UNAUTHENTICATED, 401)
    FORBIDDEN = (grpc.StatusCode.PERMISSION_DENIED, 403)
    NOT_FOUND = (grpc.StatusCode.NOT_FOUND, 404)
    CONFLICT = (grpc.StatusCode.FAILED_PRECONDITION, 409)
    UNPROCESSABLE = (grpc.StatusCode.OUT_OF_RANGE, 422)
    RATE = (grpc.StatusCode.RESOURCE_EXHAUSTED, 429)
    INTERNAL = (grpc.StatusCode.INTERNAL, 500)
    UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, 503)

    @property
    def grpc_code(self) -> grpc.StatusCode:
        return self.value[0]

    @property
    def http_status(self) -> int:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """`field` is a dotted path of snake_case names, with list indexes: `items.0.amount`."""

    field: str
    description: str


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of the program
    """A definite no. Subclasses set `kind`, `reason` and `message`; calls may override the message.

    `message` is a sentence for a developer: what is wrong and what to do. No personal data. `facts`
    give programs what they need for the next step, e.g. `payment_id`; they become members of the
    problem document, so they must not have the name of a standard member.
    """

    kind: Kind
    reason: str
    message: str = ""

    def __init_subclass__(cls, *, kind: Kind | None = None, reason: str = "") -> None:
        """Missing arguments are inherited from the base."""
        if kind is not None:
            cls.kind = kind
        if reason:
            cls.reason = reason

    def __init__(
        self,
        message: str = "",
        *,
        violations: Sequence[FieldViolation] = (),
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.message
        self.violations = tuple(violations)
        self.facts = dict(facts or {})
        super().__init__(self.message)


class InvalidArgument(Refusal, kind=Kind.INVALID, reason="invalid_argument"):
    """A field is invalid; the violations name it."""

    message = "Some fields of the request are invalid."


def required(value: T | None, refusal: type[Refusal]) -> T:
    """Returns what a look-up found. Raises `refusal` if that is None."""
    if value is None:
        raise refusal
    return value


def invalid(field: str, description: str) -> InvalidArgument:
    """Refusal of one field."""
    return InvalidArgument(violations=(FieldViolation(field, description),))


class CursorInvalid(Refusal, kind=Kind.INVALID, reason="cursor_invalid"):
    message = "The cursor is invalid; use a page's next_cursor, or omit it to start over."


class IdempotencyKeyMissing(Refusal, kind=Kind.INVALID, reason="idempotency_key_missing"):
    message = "This call needs an Idempotency-Key header: a unique text for each intended effect."


class IdempotencyKeyReused(Refusal, kind=Kind.UNPROCESSABLE, reason="idempotency_key_reused"):
    message = "This Idempotency-Key was already used for a different request; use a new key."


class IdempotencyKeyInUse(Refusal, kind=Kind.CONFLICT, reason="idempotency_key_in_use"):
    message = "A request with this Idempotency-Key is still running; repeat it in a moment."


class MerchantMissing(Refusal, kind=Kind.UNAUTHENTICATED, reason="merchant_missing"):
    message = "The call does not name the merchant for which it is made."


class CallerUnknown(Refusal, kind=Kind.UNAUTHENTICATED, reason="caller_unknown"):
    """The tokens of a call (libs/identity) are missing, altered, expired or for another method."""

    message = "The call does not prove which service is calling, and for whom."


class CallerNotAllowed(Refusal, kind=Kind.FORBIDDEN, reason="caller_not_allowed"):
    message = "The calling service is not allowed to call this RPC."


class ScopeMissing(Refusal, kind=Kind.FORBIDDEN, reason="scope_missing"):
    message = "This API key lacks the scope for this call."

    def __init__(self, scope: str = "") -> None:
        super().__init__(f"This call needs an API key with the scope {scope}." if scope else "")


class PublishableKeyNotAllowed(Refusal, kind=Kind.FORBIDDEN, reason="publishable_key_not_allowed"):
    message = "A publishable key cannot make this call; make it from your server with a secret key."


class InternalError(Refusal, kind=Kind.INTERNAL, reason="internal_error"):
    message = "Something went wrong on our side. Quote the trace id when you report it."


class ServiceUnavailable(Refusal, kind=Kind.UNAVAILABLE, reason="service_unavailable"):
    message = "The service cannot answer right now; repeat the request with the same key."


class OutcomeUnknown(ServiceUnavailable, reason="outcome_unknown"):
    """Another service did not answer, so the outcome is unknown. Never treat it as a no."""

    message = "The outcome is not known yet; repeat the request with the same key to get it."


class IdentityRefused(OutcomeUnknown):
    """Another service refused this one's identity. Nothing was done, but because of a
    configuration fault that operators will fix: the caller's request itself was not refused.
    """


class RemoteRefusal(Refusal):
    """Another service's refusal, passed on with its own reason."""

    def __init__(
        self,
        kind: Kind,
        reason: str,
        message: str,
        violations: Sequence[FieldViolation] = (),
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(message, violations=violations, facts=facts)


@dataclass(frozen=True, slots=True)
class StoredRefusal:
    """Another service's definite refusal, stored so that a repeat of the call gets it again."""

    kind: str
    reason: str
    message: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def raised(self) -> RemoteRefusal:
        return RemoteRefusal(Kind[self.kind], self.reason, self.message, facts=self.facts)


def stored(refusal: Refusal) -> StoredRefusal:
    return StoredRefusal(refusal.kind.name, refusal.reason, refusal.message, refusal.facts)
