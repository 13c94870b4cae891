"""Parses requests: JSON objects become orders, anything else a named refusal. Pure."""

import re
from typing import Any
from urllib.parse import urlsplit

from services.sandbox import errors
from services.sandbox.faults import (
    ANY,
    CALL_KINDS,
    CALL_OPERATIONS,
    MESSAGE_KINDS,
    SMS,
    SMTP,
    WEBHOOK,
    WEBHOOK_KINDS,
    Kind,
    Rule,
)
from services.sandbox.psp import ChargeOrder, Exemption, Sca

MAX_AMOUNT_MINOR = 10**12
CURRENCY_LENGTH = 3
CHARGE_FIELDS = frozenset({
    "amount_minor", "currency", "token", "capture", "description", "reference", "return_url",
    "sca", "mandate",
})  # fmt: skip  # a set of words
RULE_FIELDS = frozenset({
    "account", "operation", "kind", "seconds", "probability", "times", "code", "count", "phase",
})  # fmt: skip  # a set of words
KINDS_BY_OPERATION = {
    **dict.fromkeys((*CALL_OPERATIONS, ANY), CALL_KINDS),
    WEBHOOK: WEBHOOK_KINDS,
    SMTP: MESSAGE_KINDS,
    SMS: MESSAGE_KINDS,
}
SMTP_PHASES = ("connect", "rcpt", "data")


def only(body: dict[str, Any], allowed: frozenset[str]) -> None:
    for name in body:
        if name not in allowed:
            raise errors.InvalidRequestError("unknown field", field=name)


def text(body: dict[str, Any], name: str, *, longest: int = 500) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise errors.InvalidRequestError(f"a text of 1 to {longest} characters", field=name)
    return value


def optional_text(body: dict[str, Any], name: str, *, longest: int = 500) -> str | None:
    return None if body.get(name) is None else text(body, name, longest=longest)


def integer(body: dict[str, Any], name: str, *, least: int, most: int) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise errors.InvalidRequestError(f"an integer from {least} to {most}", field=name)
    return value


def number(body: dict[str, Any], name: str, *, most: float) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise errors.InvalidRequestError(f"a number from 0 to {most}", field=name)
    return float(value)


def amount(body: dict[str, Any]) -> int:
    return integer(body, "amount_minor", least=1, most=MAX_AMOUNT_MINOR)


def web_address(body: dict[str, Any], name: str) -> str | None:
    value = optional_text(body, name, longest=2000)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        raise errors.InvalidRequestError("a web address", field=name) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.InvalidRequestError("an address starting with http or https", field=name)
    return value


def parse_sca(body: dict[str, Any]) -> Sca:
    sca = body.get("sca")
    if sca is None:
        return Sca()
    if not isinstance(sca, dict):
        raise errors.InvalidRequestError("an object", field="sca")
    only(sca, frozenset({"exemption", "challenge"}))
    exemption, challenge = sca.get("exemption"), sca.get("challenge", "auto")
    if exemption is not None and exemption not in list(Exemption):
        raise errors.InvalidRequestError("low_value, tra or mit", field="sca.exemption")
    if challenge not in ("auto", "force"):
        raise errors.InvalidRequestError("auto or force", field="sca.challenge")
    return Sca(Exemption(exemption) if exemption else None, challenge == "force")


def parse_charge(body: dict[str, Any]) -> ChargeOrder:
    only(body, CHARGE_FIELDS)
    currency = text(body, "currency", longest=CURRENCY_LENGTH)
    if len(currency) != CURRENCY_LENGTH or not currency.isascii() or not currency.isupper():
        raise errors.InvalidRequestError("three capital letters of ISO 4217", field="currency")
    capture = body.get("capture", False)
    if not isinstance(capture, bool):
        raise errors.InvalidRequestError("true or false", field="capture")
    return ChargeOrder(
        amount_minor=amount(body),
        currency=currency,
        token=text(body, "token"),
        auto_capture=capture,
        reference=optional_text(body, "reference"),
        description=optional_text(body, "description", longest=2000),
        return_url=web_address(body, "return_url"),
        mandate=optional_text(body, "mandate"),
        sca=parse_sca(body),
    )


def parse_rules(body: dict[str, Any]) -> list[Rule]:
    only(body, frozenset({"rules", "seed"}))
    rules = body.get("rules")
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise errors.InvalidRequestError("a list of objects", field="rules")
    return [parse_rule(rule) for rule in rules]


def parse_rule(body: dict[str, Any]) -> Rule:
    only(body, RULE_FIELDS)
    operation = optional_text(body, "operation") or ANY
    kinds = KINDS_BY_OPERATION.get(operation)
    if kinds is None:
        known = ", ".join(sorted(KINDS_BY_OPERATION))
        raise errors.InvalidRequestError(f"one of {known}", field="operation")
    kind = text(body, "kind")
    if kind not in {each.value for each in kinds}:
        raise errors.InvalidRequestError(f"one of {', '.join(sorted(kinds))}", field="kind")
    return Rule(
        operation=operation,
        kind=Kind(kind),
        account=optional_text(body, "account"),
        seconds=None if body.get("seconds") is None else number(body, "seconds", most=3600),
        probability=1.0 if body.get("probability") is None else number(body, "probability", most=1),
        times=None if body.get("times") is None else integer(body, "times", least=0, most=10**9),
        code=parse_code(body, operation, Kind(kind)),
        count=1 if body.get("count") is None else integer(body, "count", least=1, most=20),
        phase=parse_phase(body, operation, Kind(kind)),
    )


def parse_code(body: dict[str, Any], operation: str, kind: Kind) -> str | None:
    """Code of an error: the status from the mail server (SMTP) or the SMS provider (HTTP)."""
    code = optional_text(body, "code", longest=60)
    answers = operation in (SMTP, SMS) and kind is Kind.ERROR
    if code is not None and answers and not re.fullmatch(r"[45][0-9]{2}", code):
        raise errors.InvalidRequestError("a status from 400 to 599, as text", field="code")
    return code


def parse_phase(body: dict[str, Any], operation: str, kind: Kind) -> str | None:
    phase = optional_text(body, "phase")
    if operation != SMTP:
        if phase is not None:
            raise errors.InvalidRequestError("only operation smtp has phases", field="phase")
        return None
    if phase is not None and phase not in SMTP_PHASES:
        raise errors.InvalidRequestError(f"one of {', '.join(SMTP_PHASES)}", field="phase")
    fixed = {Kind.DOWN: "connect", Kind.DROP_BEFORE: "data", Kind.DROP_AFTER: "data"}.get(kind)
    if fixed is not None and phase not in (None, fixed):
        raise errors.InvalidRequestError(f"{kind} strikes at {fixed}", field="phase")
    return fixed or phase or "data"
