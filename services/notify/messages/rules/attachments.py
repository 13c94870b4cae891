"""Documents of a plan attached to a message, so that its reader can keep them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.notify.messages.rules.domain import Kind


class Document(StrEnum):
    INFORMATION = "information"
    AGREEMENT = "agreement"
    RECEIPT = "receipt"


# The accepted documents, once accepted; and the receipt of a withdrawal: when, and the amount (art.
# 54-bis Codice del Consumo: on a durable medium).
ATTACHED: Final[Mapping[Kind, Sequence[Document]]] = {
    Kind.PLAN_SIGNED: (Document.INFORMATION, Document.AGREEMENT),
    Kind.PLAN_WITHDRAWN: (Document.RECEIPT,),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF as delivered. `name`: what its reader calls it."""

    name: str
    content: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        """`ricevuta-del-recesso.pdf`"""
        return f"{re.sub('[^a-z0-9]+', '-', self.name.lower())}.pdf"
