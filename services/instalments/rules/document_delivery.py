"""What must have been delivered to a customer before signing. Pure.

`delivered`: SHA-256 of the delivered documents, by kind.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from services.instalments.errors import DocumentsNotDelivered, TextChanged
from services.instalments.rules.plans import DocumentKind

BEFORE_CONSENT: Final = (DocumentKind.INFORMATION, DocumentKind.AGREEMENT)


def delivered_kinds(delivered: Mapping[str, str]) -> Sequence[DocumentKind]:
    """Delivered documents among those required before consent."""
    return [kind for kind in BEFORE_CONSENT if kind.value in delivered]


def agreement_of(delivered: Mapping[str, str]) -> str | None:
    """SHA-256 of the agreement, once everything was delivered."""
    if len(delivered_kinds(delivered)) < len(BEFORE_CONSENT):
        return None
    return delivered[DocumentKind.AGREEMENT.value]


def check_delivered(delivered: Mapping[str, str], agreement_sha256: str) -> None:
    """Checks that everything was delivered, including this very agreement. Raises
    DocumentsNotDelivered, TextChanged.
    """
    agreement = agreement_of(delivered)
    if agreement is None:
        raise DocumentsNotDelivered
    if agreement != agreement_sha256:
        raise TextChanged
