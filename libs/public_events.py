"""The public events, and the message of each. Pure.

A type is the last two parts of a subject. The contracts define which events are public; the others
are internal. Code that offers types to choose from reads them here, as does the service that delivers them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from libs import descriptors

TEST: Final = "test"  # on request only: no pattern matches it, no replay sends it
TEST_MESSAGE: Final = "incasso.notify.v1.TestEvent"

# Subject → full name of its message.
MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {rules.subject: message.full_name for message, rules in descriptors.events() if rules.public}
)


def type_of(subject: str) -> str:
    """`payment.captured` for `incasso.payments.payment.captured`."""
    return ".".join(subject.split(".")[-2:])


TYPES: Final = frozenset(type_of(subject) for subject in MESSAGES)


def wildcard_of(event_type: str) -> str:
    """The pattern for all types of the same noun: `payment.*`."""
    return f"{event_type.split('.', maxsplit=1)[0]}.*"


WILDCARDS: Final = frozenset(wildcard_of(event_type) for event_type in TYPES)


def types_matching(pattern: str) -> frozenset[str]:
    """The types matched by a type or `noun.*`; none if it is neither."""
    return frozenset(t for t in TYPES if pattern in {t, wildcard_of(t)})
