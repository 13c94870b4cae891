"""What the texts of messages are, in each language: texts_it, texts_en. `{…}` are filled by emails.py.

They are those of the gateway's pay pages, where both name the same thing; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notify.messages.rules.domain import Kind


@dataclass(frozen=True, slots=True)
class KindWords:
    subject: str
    preheader: str
    heading: str
    intro: str
    amount_label: str = ""
    sms: str = ""  # none: it is sent by e-mail only
    button: str = ""
    notes: tuple[str, ...] = ()


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
    more_items: str
    plain_url: str
    stop: str
    sent_by: str
    sent_by_reply: str
    sent_to_owner: str
    account: str
    in_force: str
    sms_for: str
    sms_reference: str
    kinds: Mapping[Kind, KindWords]
