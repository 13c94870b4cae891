"""The words of messages in each language, as data in texts_it.toml and texts_en.toml.

They match the gateway's pay pages where both name the same thing; a test compares them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.notify.messages.rules.attachments import Document
from services.notify.messages.rules.domain import Kind


@dataclass(frozen=True, slots=True)
class KindWords:
    subject: str
    preheader: str
    heading: str
    intro: str
    amount_label: str = ""
    sms: str = ""  # empty for messages sent by e-mail only
    button: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Language:
    greeting: str
    greeting_nobody: str
    quote: str
    description: str
    reference: str
    total: str
    deposit: str
    received: str
    still: str
    expires: str
    date: str
    due: str
    more_items: str
    plain_url: str
    stop: str
    vat_number: str
    sent_by: str
    sent_by_reply: str
    sent_to_owner: str
    account: str
    in_force: str
    sms_for: str
    sms_reference: str
    sms_law: str
    attached: str
    enclosed: str
    not_enclosed: str
    sent_by_schedule: str
    sent_to_invited: str
    documents: Mapping[Document, str]
    safe: Sequence[str]
    kinds: Mapping[Kind, KindWords]


def _read(language: str) -> Language:
    """Raises TypeError for a text that is missing or unused."""
    with Path(__file__).with_name(f"texts_{language}.toml").open("rb") as file:
        parsed = tomllib.load(file)
    kinds = {Kind(kind): KindWords(**words) for kind, words in parsed.pop("kinds").items()}
    documents = {Document(kind): name for kind, name in parsed.pop("documents").items()}
    return Language(**parsed, kinds=kinds, documents=documents)


WORDS: Final[Mapping[str, Language]] = {language: _read(language) for language in ("it", "en")}
