"""Whom an event of payments concerns: the last parts of its NATS subject, by which services read. Pure.

`incasso.payments.payment.captured.link.saved`: paid by a link, with an instrument that was saved.
"""

import re
from typing import Final

_PART = re.compile(r"[a-z0-9_]+")

SAVED: Final = "*.saved"  # any method


def of(method: str, *, saved: bool) -> str:
    """Of a payment. A method that is no part of a subject is `other`."""
    named = method if _PART.fullmatch(method) else "other"
    return f"{named}.{'saved' if saved else 'unsaved'}"


def of_method(method: str) -> str:
    """What a service reads that only knows payments of its own."""
    return f"{method}.*"
