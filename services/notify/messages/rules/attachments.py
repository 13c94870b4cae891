"""A plan's documents and report files, attached to messages so that readers can keep them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.notify.messages.rules.domain import Kind

# Of a report's file: mail servers accept 10 MB, and base64 adds a third.
MOST_BYTES: Final = 5 * 2**20


class Document(StrEnum):
    INFORMATION = "information"
    AGREEMENT = "agreement"
    RECEIPT = "receipt"


# The documents that were accepted, and the receipt of a withdrawal with its date and amount (art.
# 54-bis Codice del Consumo: on a durable medium).
ATTACHED: Final[Mapping[Kind, Sequence[Document]]] = {
    Kind.PLAN_SIGNED: (Document.INFORMATION, Document.AGREEMENT),
    Kind.PLAN_WITHDRAWN: (Document.RECEIPT,),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as delivered. `name`: as readers call it; a PDF's `file_name` is derived from it."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = "application/pdf"

    @property
    def file_name(self) -> str:
        """`ricevuta-del-recesso.pdf`"""
        if self.media_type != "application/pdf":
            return self.name
        return f"{re.sub('[^a-z0-9]+', '-', self.name.lower())}.pdf"
