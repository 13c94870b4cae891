"""Interprets a mail server's replies (RFC 5321 4.2, RFC 3463)."""

import re
from typing import Final

from services.notify.messages.rules.domain import SuppressionReason
from services.notify.messages.rules.outcomes import Postponed, Refused

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# E-mail addresses, matched from a word's start so that no word is read twice; and phone numbers.
_ADDRESS = re.compile(r"(?<![^\s<>])[^\s<>]+@[^\s<>]+|\+\d{6,}")
MAILBOX_CODES: Final = frozenset({550, 551, 553})
ERROR_LENGTH: Final = 300


def written(text: str) -> str:
    """One line for people, without addresses."""
    line = " ".join(_ADDRESS.sub("[address]", text).split())
    return line[:ERROR_LENGTH]


def mailbox_is_gone(enhanced: str) -> bool:
    """Whether a permanent status is caused by the address: bad address, or mailbox disabled.

    A full mailbox, size, routing, content and policy (5.2.2, 5.2.3, 5.3 to 5.7) are not.
    """
    found = _ENHANCED.search(enhanced)
    if not found or found[1] != "5":
        return False
    subject, detail = found[2], found[3]
    return subject in {"0", "1"} or (subject == "2" and detail in {"0", "1"})


def refusal(code: int, text: str, *, of_recipient: bool) -> Postponed | Refused:
    """The meaning of a 4xx or 5xx reply. `of_recipient`: it answered RCPT."""
    error = written(f"{code} {text}")
    if code < 500:  # noqa: PLR2004 - the first digit decides
        return Postponed(error)
    if not of_recipient:
        return Refused(error)
    enhanced = _ENHANCED.search(text)
    gone = mailbox_is_gone(enhanced[0]) if enhanced else code in MAILBOX_CODES
    return Refused(
        error,
        bounced=True,
        suppression=SuppressionReason.BOUNCED if gone and code in MAILBOX_CODES else None,
    )
