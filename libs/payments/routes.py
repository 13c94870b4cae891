"""Routes of payments' events: the last parts of the NATS subject, to which services subscribe.
Pure.

`incasso.payments.payment.captured.link.saved`: paid by a link, with a saved instrument.
"""

import re
from typing import Final

_PART = re.compile(r"[a-z0-9_]+")

SAVED: Final = "*.saved"  # any method


def of(method: str, *, saved: bool) -> str:
    """Route of a payment. A method that cannot be part of a subject is `other`."""
    named = method if _PART.fullmatch(method) else "other"
    return f"{named}.{'saved' if saved else 'unsaved'}"


def of_method(method: str) -> str:
    """Route for a service that only handles its own payments."""
    return f"{method}.*"
