"""The payload of an EPC QR code (EPC069-12): a credit transfer that a phone can scan. Pure.

Like a banking app, it refuses a code that breaks the rules, with the line and the reason.
"""

import re
from dataclasses import dataclass

from stdnum import iban, iso11649
from stdnum.exceptions import ValidationError

MOST_BYTES = 331
MOST_LINES, FEWEST_LINES = 12, 7
CHARSETS = {
    "1": "utf-8", "2": "iso8859-1", "3": "iso8859-2", "4": "iso8859-4", "5": "iso8859-5",
    "6": "iso8859-7", "7": "iso8859-10", "8": "iso8859-15",
}  # fmt: skip  # a table of numbers
AMOUNT = re.compile(r"EUR(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,2}))?")
BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
PURPOSE = re.compile(r"[A-Z0-9]{1,4}")
LONGEST_NAME, LONGEST_TEXT, LONGEST_INFORMATION = 70, 140, 70


class WrongPayloadError(ValueError):
    """`field` is the element that breaks a rule, `reason` says which rule."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Payload:
    """`amount_minor` is None if the payer fills it in."""

    bic: str | None
    name: str
    iban: str
    amount_minor: int | None
    purpose: str | None
    reference: str | None
    text: str | None
    information: str | None


def parse(payload: str) -> Payload:
    """Raises WrongPayloadError."""
    lines = _lines(payload)
    version, charset = lines[1], lines[2]
    _check_envelope(lines, payload)
    bic, name, account, amount, purpose, reference, text, information = lines[4:]
    if bic and not BIC.fullmatch(bic):
        raise WrongPayloadError("bic", "is not a BIC of 8 or 11 characters")
    if not bic and version == "001":
        raise WrongPayloadError("bic", "is needed in version 001")
    if charset not in CHARSETS:
        raise WrongPayloadError("character set", "is not one of 1 to 8")
    if not name.strip():
        raise WrongPayloadError("name", "is missing")
    _limit("name", name, LONGEST_NAME)
    _limit("text", text, LONGEST_TEXT)
    _limit("information", information, LONGEST_INFORMATION)
    if purpose and not PURPOSE.fullmatch(purpose):
        raise WrongPayloadError("purpose", "is not a code of up to four characters")
    if reference and text:
        raise WrongPayloadError("text", "only a reference or a text may be given")
    return Payload(
        bic=bic or None,
        name=name,
        iban=checked_iban(account),
        amount_minor=parse_amount(amount) if amount else None,
        purpose=purpose or None,
        reference=checked_reference(reference) if reference else None,
        text=text or None,
        information=information or None,
    )


def _lines(payload: str) -> list[str]:
    """Twelve elements; those omitted at the end are empty."""
    if "\r" in payload.replace("\r\n", ""):
        raise WrongPayloadError("line ends", "are neither LF nor CR LF")
    lines = payload.replace("\r\n", "\n").removesuffix("\n").split("\n")
    while len(lines) > MOST_LINES and not lines[-1]:
        lines.pop()
    if not FEWEST_LINES <= len(lines) <= MOST_LINES:
        raise WrongPayloadError("payload", f"has {len(lines)} lines, not {FEWEST_LINES} to 12")
    return lines + [""] * (MOST_LINES - len(lines))


def _check_envelope(lines: list[str], payload: str) -> None:
    for number, (name, allowed) in enumerate(
        (
            ("service tag", ("BCD",)),
            ("version", ("001", "002")),
            ("character set", tuple(CHARSETS)),
            ("identification", ("SCT",)),
        )
    ):
        if lines[number] not in allowed:
            raise WrongPayloadError(name, f"is not {' or '.join(allowed)}")
    try:
        size = len(payload.encode(CHARSETS[lines[2]]))
    except UnicodeEncodeError:
        raise WrongPayloadError("character set", "does not hold every character") from None
    if size > MOST_BYTES:
        raise WrongPayloadError("payload", f"has {size} bytes, more than {MOST_BYTES}")


def _limit(field: str, value: str, longest: int) -> None:
    if len(value) > longest:
        raise WrongPayloadError(field, f"has more than {longest} characters")


def parse_amount(text: str) -> int:
    """Minor units of euro, 0.01 to 999,999,999.99."""
    found = AMOUNT.fullmatch(text)
    amount_minor = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0
    if not amount_minor:
        raise WrongPayloadError("amount", "is not like EUR12.30")
    return amount_minor


def checked_iban(text: str) -> str:
    """Compact. Length and check digits (mod 97) by the library."""
    try:
        return str(iban.validate(text, check_country=False))
    except ValidationError:
        raise WrongPayloadError("iban", "is not a valid IBAN") from None


def checked_reference(text: str) -> str:
    """An RF creditor reference (ISO 11649), compact."""
    try:
        return str(iso11649.validate(text))
    except ValidationError:
        raise WrongPayloadError("reference", "is not a valid RF reference") from None
