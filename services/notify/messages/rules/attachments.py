"""Documents of a plan, and files of reports, attached to a message, so that its reader can keep them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.notify.messages.rules.domain import Kind

MOST_BYTES: Final = (
    5 * 2**20
)  # of a report's file: mail servers accept 10 MB, and base64 adds a third


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
    """A file as delivered. `name`: what its reader calls it; for a PDF, `file_name` follows."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = "application/pdf"

    @property
    def file_name(self) -> str:
        """`ricevuta-del-recesso.pdf`"""
        if self.media_type != "application/pdf":
            return self.name
        return f"{re.sub('[^a-z0-9]+', '-', self.name.lower())}.pdf"
